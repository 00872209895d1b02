ALTER TABLE app DROP COLUMN waking_after;
