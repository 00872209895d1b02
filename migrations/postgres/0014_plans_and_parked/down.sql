DROP INDEX job_parked;
ALTER TABLE run DROP COLUMN planned_us;
