DROP INDEX job_parked;
ALTER TABLE job DROP COLUMN in_doubt;
ALTER TABLE run DROP COLUMN planned_us;
