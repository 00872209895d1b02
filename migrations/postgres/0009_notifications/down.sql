DROP TABLE parked_notice;
DROP TABLE delivery;
DROP TABLE notification;
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
