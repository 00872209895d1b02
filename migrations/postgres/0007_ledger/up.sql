-- What an operator reads of every try, what is told to others, and for how long anything is kept.

ALTER TABLE attempt ADD COLUMN cause TEXT COLLATE "C";    -- why it came to nothing, in one word
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
  name         TEXT COLLATE "C" NOT NULL,
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
  id           UUID   NOT NULL,                     -- UUIDv7, the message's id
  name         TEXT COLLATE "C" NOT NULL,
  event        TEXT COLLATE "C" NOT NULL,
  app_id       UUID   NOT NULL,
  state        TEXT COLLATE "C" NOT NULL,                     -- open (collects objects), ready, done, failed
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
