-- Who is told what by webhook, and what is still to be told. Nothing was written to the tables that had
-- these names.
DROP TABLE delivery;
DROP TABLE notification;

-- The signing secret is among the secrets.
CREATE TABLE notification (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,
  name         TEXT NOT NULL,
  url          TEXT   NOT NULL,
  events       TEXT,                                -- JSON array: app.paused, …; NULL: all
  apps         TEXT,                                -- JSON array of ids; NULL: all
  enabled      BOOLEAN NOT NULL,
  disabled     TEXT,                                -- why it was switched off by itself
  created_us   BIGINT NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, id),
  UNIQUE (organization, name)
);

-- One message for one of them. No foreign key to app: that an app is gone is no reason not to tell
-- what happened to it.
CREATE TABLE delivery (
  organization    BIGINT NOT NULL,
  notification_id BLOB   NOT NULL,
  id              BLOB   NOT NULL,                  -- UUIDv7, the message's id
  event           TEXT NOT NULL,
  app_id          BLOB,
  state           TEXT NOT NULL,                    -- waiting, sending, delivered, gaveUp
  body            TEXT   NOT NULL,
  at_us           BIGINT NOT NULL,                  -- when it happened
  due_us          BIGINT,                           -- when it is tried; of one that is being sent, until
                                                    -- when nobody else does; NULL: no more
  attempts        INTEGER NOT NULL,
  status          INTEGER,                          -- what the last try was answered
  error           TEXT,                             -- why the last try failed
  ended_us        BIGINT,                           -- delivered, or given up
  PRIMARY KEY (organization, notification_id, id),
  FOREIGN KEY (organization, notification_id) REFERENCES notification (organization, id) ON DELETE CASCADE
);
CREATE INDEX delivery_due ON delivery (organization, notification_id, due_us) WHERE due_us IS NOT NULL;
CREATE INDEX delivery_ended ON delivery (organization, ended_us) WHERE ended_us IS NOT NULL;

-- An object that was parked and is not in a message yet. A row of its own for each, so that those who park
-- many at the same time do not wait for each other.
CREATE TABLE parked_notice (
  organization    BIGINT NOT NULL,
  notification_id BLOB   NOT NULL,
  app_id          BLOB   NOT NULL,
  id              BLOB   NOT NULL,
  resource_id     BLOB   NOT NULL,
  kind            TEXT NOT NULL,
  cause           TEXT NOT NULL,
  due_us          BIGINT NOT NULL,                  -- when all of the app are put in one message
  PRIMARY KEY (organization, notification_id, app_id, id),
  FOREIGN KEY (organization, notification_id) REFERENCES notification (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX parked_notice_due ON parked_notice (organization, notification_id, due_us);

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('notification', 'sqlite_autoindex_notification_1', '20 10 1'),
  ('notification', 'sqlite_autoindex_notification_2', '20 10 1'),
  ('delivery', 'sqlite_autoindex_delivery_1', '10000 5000 1000 1'),
  ('delivery', 'delivery_due', '100 50 10 1'),
  ('delivery', 'delivery_ended', '10000 5000 2'),
  ('parked_notice', 'parked_notice', '1000 500 100 50 1'),
  ('parked_notice', 'parked_notice_due', '1000 500 100 2');
ANALYZE sqlite_schema;
