DROP TABLE delivery;
DROP TABLE notification;
ALTER TABLE app DROP COLUMN unsynced_us;
DROP INDEX attempt_cause;
DROP INDEX attempt_trouble;
ALTER TABLE attempt DROP COLUMN wire;
ALTER TABLE attempt DROP COLUMN next_us;
ALTER TABLE attempt DROP COLUMN remedy;
ALTER TABLE attempt DROP COLUMN cause;
