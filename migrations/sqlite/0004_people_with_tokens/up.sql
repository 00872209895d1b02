-- The person for whom a token speaks (/Me); NULL: nobody, it is a client's.
ALTER TABLE token ADD COLUMN subject_id BLOB;
