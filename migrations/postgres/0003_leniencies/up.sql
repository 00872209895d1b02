-- What clients are forgiven, so that an operator sees which client needs which leniency.
CREATE TABLE leniency (
  organization BIGINT NOT NULL,
  client_id    UUID   NOT NULL,
  name         TEXT COLLATE "C"  NOT NULL,          -- as docs/dialects.md names it
  uses         BIGINT NOT NULL,                     -- requests that needed it
  used_us      BIGINT NOT NULL,                     -- when the last of them was
  PRIMARY KEY (organization, client_id, name),
  FOREIGN KEY (organization, client_id) REFERENCES client (organization, id) ON DELETE CASCADE
);
