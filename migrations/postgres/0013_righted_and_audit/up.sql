-- Drift that was put right, apart from what is shown; the audit log by what was done and to what.
ALTER TABLE link ADD COLUMN righted TEXT;               -- JSON: what the app held otherwise and was sent anew, by field

CREATE INDEX audit_subject ON audit (organization, subject, id);
CREATE INDEX audit_action ON audit (organization, action, id);
