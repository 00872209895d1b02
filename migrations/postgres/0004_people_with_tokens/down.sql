ALTER TABLE token DROP COLUMN subject_id;
