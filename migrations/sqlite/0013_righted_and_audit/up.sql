-- Drift that was put right, apart from what is shown; the audit log by what was done and to what.
ALTER TABLE link ADD COLUMN righted TEXT;               -- JSON: what the app held otherwise and was sent anew, by field

CREATE INDEX audit_subject ON audit (organization, subject, id);
CREATE INDEX audit_action ON audit (organization, action, id);

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('audit', 'audit_subject', '1000000 500000 10 1'),
  ('audit', 'audit_action', '1000000 500000 50000 1');
ANALYZE sqlite_schema;
