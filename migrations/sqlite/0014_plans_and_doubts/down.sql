DELETE FROM sqlite_stat1 WHERE idx = 'job_parked';
DROP INDEX job_parked;
ALTER TABLE job DROP COLUMN in_doubt;
ALTER TABLE run DROP COLUMN planned_us;
