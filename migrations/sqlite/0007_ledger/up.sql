-- What an operator reads of every try, what is told to others, and for how long anything is kept.

ALTER TABLE attempt ADD COLUMN cause TEXT;                -- why it came to nothing, in one word
ALTER TABLE attempt ADD COLUMN remedy TEXT;               -- what to do
ALTER TABLE attempt ADD COLUMN next_us BIGINT;            -- when it is tried again
ALTER TABLE attempt ADD COLUMN wire TEXT;                 -- JSON: requests and answers, without values
-- Most tries come to something, so these two stay small.
CREATE INDEX attempt_trouble ON attempt (organization, id) WHERE outcome <> 'done';
CREATE INDEX attempt_cause ON attempt (organization, cause, id) WHERE cause IS NOT NULL;

-- Since when something else decides what the app should hold, and not everybody was looked at since.
ALTER TABLE app ADD COLUMN unsynced_us BIGINT;
UPDATE app SET unsynced_us = modified_us;

-- Who is told of events, by webhook. The signing secret is among the secrets.
CREATE TABLE notification (
  organization BIGINT NOT NULL,
  name         TEXT NOT NULL,
  url          TEXT   NOT NULL,
  events       TEXT   NOT NULL,                     -- JSON array: app.paused, object.parked, …
  failures     INTEGER NOT NULL,                    -- in a row
  until_us     BIGINT,                              -- left alone until then
  error        TEXT,                                -- what the last failure was
  created_us   BIGINT NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, name)
);

-- One message for one of them. No foreign key to app: that an app is gone is no reason not to tell
-- what happened to it.
CREATE TABLE delivery (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,                     -- UUIDv7, the message's id
  name         TEXT NOT NULL,
  event        TEXT NOT NULL,
  app_id       BLOB   NOT NULL,
  state        TEXT NOT NULL,                     -- open (collects objects), ready, done, failed
  data         TEXT   NOT NULL,                     -- JSON
  at_us        BIGINT NOT NULL,                     -- when it happened
  due_us       BIGINT,                              -- when it is sent, or tried again; NULL: never
  attempts     INTEGER NOT NULL,
  error        TEXT,                                -- what the last try came to
  ended_us     BIGINT,                              -- delivered, or given up
  PRIMARY KEY (organization, id),
  FOREIGN KEY (organization, name) REFERENCES notification (organization, name) ON DELETE CASCADE
);
CREATE INDEX delivery_due ON delivery (organization, name, due_us) WHERE due_us IS NOT NULL;
CREATE INDEX delivery_ended ON delivery (organization, ended_us) WHERE ended_us IS NOT NULL;
CREATE INDEX delivery_name ON delivery (organization, name, state);
-- An app has one message at a time that collects objects.
CREATE UNIQUE INDEX delivery_open ON delivery (organization, name, app_id) WHERE state = 'open';

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('attempt', 'attempt_trouble', '10000 5000 1'),
  ('attempt', 'attempt_cause', '10000 5000 500 1'),
  ('notification', 'sqlite_autoindex_notification_1', '20 10 1'),
  ('delivery', 'sqlite_autoindex_delivery_1', '10000 5000 1'),
  ('delivery', 'delivery_due', '100 50 10 1'),
  ('delivery', 'delivery_ended', '10000 5000 2'),
  ('delivery', 'delivery_name', '10000 5000 1000 300'),
  ('delivery', 'delivery_open', '10 5 2 1');
ANALYZE sqlite_schema;
