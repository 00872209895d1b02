DELETE FROM sqlite_stat1 WHERE idx = 'job_parked';
