DROP INDEX audit_action;
DROP INDEX audit_subject;
ALTER TABLE link DROP COLUMN righted;
