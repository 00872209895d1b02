-- Schemas that an administrator adds at run time.

-- Counts the changes of an organization's schemas, so that every instance notices one.
ALTER TABLE organization ADD COLUMN registry BIGINT NOT NULL DEFAULT 0;

CREATE TABLE schema_definition (
  organization BIGINT NOT NULL,
  urn          TEXT   NOT NULL,
  document     TEXT   NOT NULL,                     -- JSON: attributes, and what the schema is for
  created_us   BIGINT NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, urn)
);

-- Index rows that are being written for values that were there before, or removed. A row here goes
-- when that is done.
CREATE TABLE index_build (
  organization BIGINT NOT NULL,
  urn          TEXT   NOT NULL,
  attribute    TEXT   NOT NULL,
  kind         TEXT   NOT NULL,
  state        TEXT   NOT NULL,                     -- build, drop
  paths        TEXT   NOT NULL,                     -- JSON: every path that such rows can have
  after_id     BLOB,                                -- resources up to here are done
  PRIMARY KEY (organization, urn, attribute)
);
