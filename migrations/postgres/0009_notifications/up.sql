-- Who is told what by webhook, and what is still to be told. Nothing was written to the tables that had
-- these names.
DROP TABLE delivery;
DROP TABLE notification;

-- The signing secret is among the secrets.
CREATE TABLE notification (
  organization BIGINT NOT NULL,
  id           UUID   NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
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
  notification_id UUID   NOT NULL,
  id              UUID   NOT NULL,                  -- UUIDv7, the message's id
  event           TEXT COLLATE "C" NOT NULL,
  app_id          UUID,
  state           TEXT COLLATE "C" NOT NULL,                    -- waiting, sending, delivered, gaveUp
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
  notification_id UUID   NOT NULL,
  app_id          UUID   NOT NULL,
  id              UUID   NOT NULL,
  resource_id     UUID   NOT NULL,
  kind            TEXT COLLATE "C" NOT NULL,
  cause           TEXT COLLATE "C" NOT NULL,
  due_us          BIGINT NOT NULL,                  -- when all of the app are put in one message
  PRIMARY KEY (organization, notification_id, app_id, id),
  FOREIGN KEY (organization, notification_id) REFERENCES notification (organization, id) ON DELETE CASCADE
);
CREATE INDEX parked_notice_due ON parked_notice (organization, notification_id, due_us);
