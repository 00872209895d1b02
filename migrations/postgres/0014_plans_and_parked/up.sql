-- When a run's plan was made; what is parked, by object.
ALTER TABLE run ADD COLUMN planned_us BIGINT;

CREATE INDEX job_parked ON job (organization, app_id, resource_id) WHERE state = 'parked';
