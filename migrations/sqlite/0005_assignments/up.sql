-- Who is assigned to an app: by name, or through a group.
CREATE TABLE assignment (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  resource_id  BLOB   NOT NULL,
  kind         TEXT   NOT NULL,                     -- User, Group
  fields       TEXT   NOT NULL,                     -- JSON: values by app field
  author       TEXT   NOT NULL,
  assigned_us  BIGINT NOT NULL,                     -- of two groups, the one assigned first counts
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, app_id, resource_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE,
  FOREIGN KEY (organization, resource_id) REFERENCES resource (organization, id) ON DELETE CASCADE
);
-- An app's groups are few among its people.
CREATE INDEX assignment_kind     ON assignment (organization, app_id, kind, resource_id);
CREATE INDEX assignment_resource ON assignment (organization, resource_id);

-- What a resource is told of in an app depends on the account of another there: a manager's id. No
-- foreign key to resource, as with links: either may be gone from the directory.
CREATE TABLE account_reference (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  resource_id  BLOB   NOT NULL,
  target_id    BLOB   NOT NULL,
  PRIMARY KEY (organization, app_id, resource_id, target_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX account_reference_target ON account_reference (organization, app_id, target_id);

-- As for the first tables: what the planner is told of the sizes of things.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('assignment', 'sqlite_autoindex_assignment_1', '200000 100000 50000 1'),
  ('assignment', 'assignment_kind', '200000 100000 50000 25000 1'),
  ('assignment', 'assignment_resource', '200000 100000 2'),
  ('account_reference', 'account_reference', '100000 50000 25000 1 1'),
  ('account_reference', 'account_reference_target', '100000 50000 25000 10');
ANALYZE sqlite_schema;
