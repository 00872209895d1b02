-- What planning finds is done when the run starts, and not before; a list that is not believed is kept in
-- mind until another one is; and an account that comes back is known again.

-- Why the app's last list was not believed: JSON of kind, since_us and sentence. NULL: it was.
ALTER TABLE app ADD COLUMN doubt TEXT;
-- When somebody said that the app's list is to be believed, whatever it leaves out.
ALTER TABLE run ADD COLUMN believed_us BIGINT;

-- Accounts that the app said, when a run was planned, not to have any more. A row goes when the run starts
-- and what the policy says is done.
CREATE TABLE run_loss (
  organization BIGINT NOT NULL,
  run_id       UUID   NOT NULL,
  resource_id  UUID   NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  remote_id    TEXT COLLATE "C" NOT NULL,
  since_us     BIGINT NOT NULL,                     -- when its list was begun
  PRIMARY KEY (organization, run_id, resource_id),
  FOREIGN KEY (organization, run_id) REFERENCES run (organization, id) ON DELETE CASCADE
);
CREATE INDEX run_loss_resource ON run_loss (organization, resource_id);

-- The account that Rollcall made for an object and that is no longer linked. It goes with its object.
CREATE TABLE former_account (
  organization BIGINT NOT NULL,
  resource_id  UUID   NOT NULL,
  app_id       UUID   NOT NULL,
  remote_id    TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (organization, resource_id, app_id),
  FOREIGN KEY (organization, resource_id) REFERENCES resource (organization, id) ON DELETE CASCADE,
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);
CREATE INDEX former_account_app ON former_account (organization, app_id);
