DROP TABLE former_account;
DROP TABLE run_loss;
ALTER TABLE run DROP COLUMN believed_us;
ALTER TABLE app DROP COLUMN doubt;
