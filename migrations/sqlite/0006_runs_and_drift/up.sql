-- Runs that plan, are held, are approved and can be told apart; links that know when their person began
-- to leave and what the app was last seen to hold; accounts that belong to nobody here.

-- Why nothing is sent, for machines, and until when. `paused` is the sentence.
ALTER TABLE app ADD COLUMN paused_by TEXT;          -- admin, maintenance, credential, settings, guard
ALTER TABLE app ADD COLUMN paused_until_us BIGINT;      -- NULL: until somebody lets it go on
ALTER TABLE app ADD COLUMN reconciled_us BIGINT;        -- when the app's own accounts were last read
UPDATE app SET paused_by = CASE WHEN paused = 'Paused by an administrator.' THEN 'admin' ELSE 'settings' END
  WHERE paused IS NOT NULL;

ALTER TABLE link ADD COLUMN leaving_us BIGINT;          -- since when the person should have no account
ALTER TABLE link ADD COLUMN seen_us BIGINT;             -- when the app last showed the account in a list
ALTER TABLE link ADD COLUMN drift TEXT;                 -- JSON: what the app shows otherwise, by field
ALTER TABLE link ADD COLUMN mapping BIGINT;             -- version of the mapping that was last pushed

-- A removal that somebody approved, or that a confirmed run planned, is not held again.
ALTER TABLE job ADD COLUMN approved BOOLEAN NOT NULL DEFAULT FALSE;
-- Besides ready, running and parked a job may be waiting: for days of grace to be over.
CREATE INDEX job_waiting ON job (organization, app_id, run_at_us) WHERE state = 'waiting';

ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'sync';  -- sync, setup, reconcile
ALTER TABLE run ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN confirm BOOLEAN NOT NULL DEFAULT FALSE; -- applied as soon as it is planned
ALTER TABLE run ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;         -- objects looked at while planning
ALTER TABLE run ADD COLUMN read BIGINT NOT NULL DEFAULT 0;         -- accounts that the app listed
ALTER TABLE run ADD COLUMN held TEXT;                              -- JSON: limits that it would pass
ALTER TABLE run ADD COLUMN confirmed_us BIGINT;
ALTER TABLE run ADD COLUMN approved_by TEXT;
ALTER TABLE run ADD COLUMN approved_us BIGINT;
ALTER TABLE run ADD COLUMN note TEXT;                              -- why it was approved, or why it failed

-- What a run will do, object by object: only those for which there is something to do.
CREATE TABLE run_item (
  organization BIGINT NOT NULL,
  run_id       BLOB   NOT NULL,
  resource_id  BLOB   NOT NULL,
  kind         TEXT NOT NULL,
  action       TEXT NOT NULL,                     -- create, update, deactivate, …, refused
  digest       TEXT NOT NULL,                     -- of what would be sent
  state        TEXT NOT NULL,                     -- planned, done, parked, replanned
  PRIMARY KEY (organization, run_id, resource_id),
  FOREIGN KEY (organization, run_id) REFERENCES run (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- Accounts of an app that belong to nobody here, as its list showed them.
CREATE TABLE stray_account (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  kind         TEXT NOT NULL,
  remote_id    TEXT NOT NULL,
  label        TEXT   NOT NULL,                      -- what it is recognised by
  match_key    TEXT NOT NULL,                     -- the same, folded
  active       BOOLEAN,
  seen_us      BIGINT NOT NULL,
  PRIMARY KEY (organization, app_id, kind, remote_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX stray_account_key ON stray_account (organization, app_id, kind, match_key);
CREATE INDEX link_seen ON link (organization, app_id, kind, seen_us);
CREATE INDEX run_open ON run (organization, app_id, state) WHERE state IN ('planning', 'queued', 'running');

-- How many accounts of an app were switched off and deleted, and how many members its groups lost, by
-- spans of five minutes.
CREATE TABLE removal_count (
  organization  BIGINT NOT NULL,
  app_id        BLOB   NOT NULL,
  slot          BIGINT NOT NULL,                     -- microseconds since the epoch / 300,000,000
  deactivations BIGINT NOT NULL,
  deletions     BIGINT NOT NULL,
  memberships   BIGINT NOT NULL,
  PRIMARY KEY (organization, app_id, slot),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('job', 'job_waiting', '10000 5000 2500 2'),
  ('run_item', 'run_item', '100000 50000 10000 1'),
  ('stray_account', 'stray_account', '10000 5000 1000 500 1'),
  ('stray_account', 'stray_account_key', '10000 5000 1000 500 1'),
  ('link', 'link_seen', '200000 100000 50000 25000 1000'),
  ('run', 'run_open', '10 5 1 1'),
  ('removal_count', 'removal_count', '1000 500 50 1');
ANALYZE sqlite_schema;
