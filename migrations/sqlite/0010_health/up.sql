-- How an app takes what it is asked, as whoever works its queue has last seen it.
CREATE TABLE health (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  state        TEXT   NOT NULL,                     -- ok, throttled, away
  since_us     BIGINT NOT NULL,
  until_us     BIGINT,                              -- left alone until then
  reason       TEXT,
  learned      BIGINT,                              -- requests a minute
  requests     BIGINT NOT NULL,                     -- within the minute before
  places       BIGINT NOT NULL,                     -- objects at the same time
  noted_us     BIGINT NOT NULL,
  PRIMARY KEY (organization, app_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);
