-- When a run's plan was made; jobs whose last request may have taken effect or not; what is parked, by
-- object.
ALTER TABLE run ADD COLUMN planned_us BIGINT;
ALTER TABLE job ADD COLUMN in_doubt BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX job_parked ON job (organization, app_id, resource_id) WHERE state = 'parked';

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('job', 'job_parked', '1000 500 250 1');
ANALYZE sqlite_schema;
