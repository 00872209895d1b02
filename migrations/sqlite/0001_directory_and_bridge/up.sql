-- Times are BIGINT microseconds since the epoch, UTC. `organization` leads every key, so that one
-- organization's rows lie together and a table can be distributed by it.

CREATE TABLE organization (
  organization BIGINT NOT NULL PRIMARY KEY,
  slug         TEXT  NOT NULL UNIQUE,
  name         TEXT   NOT NULL,
  admin_id     BLOB,                                  -- the sample user of mappings, unless changed
  created_us   BIGINT NOT NULL
);

-- The directory ---------------------------------------------------------------
CREATE TABLE resource (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,                     -- UUIDv7: order of creation
  kind         TEXT  NOT NULL,                     -- resource type name: User, Group, …
  version      BIGINT NOT NULL,                     -- ETag W/"n"
  user_name    TEXT,                               -- folded; users only
  external_id  TEXT,                               -- exact
  display      TEXT,                               -- folded displayName: groups are found by it
  label        TEXT,                                -- displayName or userName as written, for lists of members
  active       BOOLEAN,                             -- NULL: the resource does not say
  doc          TEXT   NOT NULL,                     -- JSON without id, meta, members, groups
  created_us   BIGINT NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, id)
);
CREATE UNIQUE INDEX resource_user_name ON resource (organization, kind, user_name);
CREATE INDEX resource_external_id ON resource (organization, kind, external_id, id);
CREATE INDEX resource_display     ON resource (organization, kind, display, id);
CREATE INDEX resource_modified    ON resource (organization, kind, modified_us, id);
CREATE INDEX resource_page        ON resource (organization, kind, id);

-- One row per indexed value. `key` is the value's sort key, cut at 256 bytes so that every database
-- can index it; `rest` is the whole sort key where it was cut.
CREATE TABLE attribute (
  organization BIGINT NOT NULL,
  kind         TEXT  NOT NULL,
  path         TEXT  NOT NULL,                     -- emails.value, urn:…:User:department
  key          TEXT  NOT NULL,
  resource_id  BLOB   NOT NULL,
  element      INTEGER NOT NULL,                    -- which element of a multi-valued attribute
  rest         TEXT,
  PRIMARY KEY (organization, kind, path, key, resource_id, element),
  FOREIGN KEY (organization, resource_id) REFERENCES resource (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX attribute_resource ON attribute (organization, resource_id, path, element);

CREATE TABLE member (
  organization BIGINT NOT NULL,
  group_id     BLOB   NOT NULL,
  member_id    BLOB   NOT NULL,
  member_kind  TEXT  NOT NULL,
  since_us     BIGINT NOT NULL,
  PRIMARY KEY (organization, group_id, member_id),
  FOREIGN KEY (organization, group_id) REFERENCES resource (organization, id) ON DELETE CASCADE,
  FOREIGN KEY (organization, member_id) REFERENCES resource (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX member_groups ON member (organization, member_id, group_id);

-- What happened ---------------------------------------------------------------
CREATE TABLE change (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,                     -- UUIDv7: order of insertion, nearly
  position     BIGINT,                              -- order of publication: no holes; NULL: not yet
  at_us        BIGINT NOT NULL,
  kind         TEXT  NOT NULL,
  resource_id  BLOB   NOT NULL,
  op           TEXT  NOT NULL,                     -- create, update, delete, members
  version      BIGINT NOT NULL,
  actor        TEXT   NOT NULL,
  members      TEXT,                                -- JSON {"joined":[…],"left":[…]}
  PRIMARY KEY (organization, id)
);
CREATE INDEX change_unpublished ON change (organization, id) WHERE position IS NULL;
CREATE UNIQUE INDEX change_published ON change (organization, position) WHERE position IS NOT NULL;
CREATE INDEX change_resource ON change (organization, resource_id, id);

CREATE TABLE audit (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,
  at_us        BIGINT NOT NULL,
  actor        TEXT   NOT NULL,                     -- client:okta, cli
  action       TEXT  NOT NULL,                     -- User.create, app.mapping.save
  subject      TEXT   NOT NULL,
  detail       TEXT,
  PRIMARY KEY (organization, id)
);

-- The apps --------------------------------------------------------------------
CREATE TABLE app (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,
  name         TEXT  NOT NULL,
  adapter      TEXT  NOT NULL,
  settings     TEXT   NOT NULL,                     -- JSON: endpoint and options of the adapter
  scope        TEXT,                                -- SCIM filter; NULL: everybody
  policy       TEXT   NOT NULL,                     -- JSON: what happens on deactivate, delete, …
  enabled      BOOLEAN NOT NULL,                    -- Setup Provisioning
  paused       TEXT,                                -- why nothing is sent; the queue is kept
  mapping      BIGINT NOT NULL,                     -- version in force
  sample_id    BLOB,
  revision     BIGINT NOT NULL,                     -- +1 with every change of the app
  created_us   BIGINT NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, id),
  UNIQUE (organization, name)
);

CREATE TABLE mapping (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  version      BIGINT NOT NULL,
  document     TEXT   NOT NULL,
  author       TEXT   NOT NULL,
  note         TEXT,
  at_us        BIGINT NOT NULL,
  PRIMARY KEY (organization, app_id, version),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);

CREATE TABLE secret (
  organization BIGINT NOT NULL,
  owner        TEXT  NOT NULL,                     -- app:<id>
  name         TEXT  NOT NULL,
  key_id       TEXT  NOT NULL,
  sealed       BLOB  NOT NULL,
  modified_us  BIGINT NOT NULL,
  PRIMARY KEY (organization, owner, name)
);

-- What an app holds for a resource: the memory of the bridge. No foreign key to resource: a link
-- outlives the resource until the account is gone too.
CREATE TABLE link (
  organization   BIGINT NOT NULL,
  app_id         BLOB   NOT NULL,
  resource_id    BLOB   NOT NULL,
  kind           TEXT  NOT NULL,
  remote_id      TEXT,                             -- NULL: creation in doubt, look before creating
  state          TEXT  NOT NULL,                   -- linked, in_doubt, deactivated, disputed, …
  origin         TEXT  NOT NULL,                   -- created, adopted
  record         TEXT,                              -- JSON of what the app last accepted
  record_hash    TEXT,
  pushed_version BIGINT,
  pushed_us      BIGINT,
  PRIMARY KEY (organization, app_id, resource_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX link_remote ON link (organization, app_id, kind, remote_id);
CREATE INDEX link_resource ON link (organization, resource_id);

-- Which members an app has accepted, and which may differ from the directory: a change of one
-- member costs one member, whatever the group's size.
CREATE TABLE link_member (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  group_id     BLOB   NOT NULL,
  member_id    BLOB   NOT NULL,
  remote_id    TEXT NOT NULL,                       -- the app's id of the member
  PRIMARY KEY (organization, app_id, group_id, member_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX link_member_member ON link_member (organization, app_id, member_id);
CREATE TABLE member_push (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  group_id     BLOB   NOT NULL,
  member_id    BLOB   NOT NULL,
  mark         BIGINT NOT NULL,                     -- +1 each time it is marked again
  PRIMARY KEY (organization, app_id, group_id, member_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX member_push_member ON member_push (organization, app_id, member_id);

-- Work: at most one row per app and resource, so a burst of changes is one push.
CREATE TABLE job (
  organization BIGINT  NOT NULL,
  app_id       BLOB    NOT NULL,
  resource_id  BLOB    NOT NULL,
  kind         TEXT   NOT NULL,
  generation   BIGINT  NOT NULL,                    -- +1 for every change since
  state        TEXT   NOT NULL,                    -- ready, running, parked
  priority     INTEGER NOT NULL,                    -- lower first
  run_at_us    BIGINT  NOT NULL,
  attempts     INTEGER NOT NULL,
  lease_us     BIGINT,                              -- running until; then anyone may take it
  fence        BIGINT  NOT NULL,                    -- who may finish it
  run_id       BLOB,
  error        TEXT,                                -- JSON: field, reason, remedy
  PRIMARY KEY (organization, app_id, resource_id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);
CREATE INDEX job_ready   ON job (organization, app_id, priority, run_at_us) WHERE state = 'ready';
CREATE INDEX job_expired ON job (organization, app_id, lease_us) WHERE state = 'running';
CREATE INDEX job_run     ON job (organization, run_id) WHERE run_id IS NOT NULL;

CREATE TABLE attempt (
  organization BIGINT  NOT NULL,
  id           BLOB    NOT NULL,
  app_id       BLOB    NOT NULL,
  resource_id  BLOB    NOT NULL,
  kind         TEXT   NOT NULL,
  run_id       BLOB,
  action       TEXT   NOT NULL,                    -- create, update, adopt, deactivate, delete, …
  outcome      TEXT   NOT NULL,                    -- done, retry, parked
  fields       TEXT    NOT NULL,                    -- JSON array of app fields, never values
  detail       TEXT,
  took_us      BIGINT  NOT NULL,
  at_us        BIGINT  NOT NULL,
  PRIMARY KEY (organization, id)
);
CREATE INDEX attempt_resource ON attempt (organization, resource_id, id);
CREATE INDEX attempt_app      ON attempt (organization, app_id, id);

CREATE TABLE run (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,
  app_id       BLOB   NOT NULL,
  state        TEXT  NOT NULL,                     -- planned, running, done, cancelled
  total        BIGINT NOT NULL,
  done         BIGINT NOT NULL,
  failed       BIGINT NOT NULL,
  summary      TEXT   NOT NULL,                     -- JSON: counts by action, verdict, examples
  started_us   BIGINT NOT NULL,
  finished_us  BIGINT,
  PRIMARY KEY (organization, id),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);
CREATE INDEX run_app ON run (organization, app_id, id);

-- Accounts of the built-in sandbox app.
CREATE TABLE sandbox_account (
  organization BIGINT NOT NULL,
  app_id       BLOB   NOT NULL,
  kind         TEXT  NOT NULL,
  remote_id    TEXT  NOT NULL,
  match_key    TEXT  NOT NULL,                     -- folded userName or displayName
  active       BOOLEAN NOT NULL,
  record       TEXT   NOT NULL,
  members      TEXT   NOT NULL,
  PRIMARY KEY (organization, app_id, kind, remote_id),
  UNIQUE (organization, app_id, kind, match_key),
  FOREIGN KEY (organization, app_id) REFERENCES app (organization, id) ON DELETE CASCADE
);

-- Who may call, who holds what -------------------------------------------------
CREATE TABLE client (
  organization BIGINT NOT NULL,
  id           BLOB   NOT NULL,
  name         TEXT  NOT NULL,
  dialect      TEXT  NOT NULL,
  created_us   BIGINT NOT NULL,
  disabled_us  BIGINT,
  PRIMARY KEY (organization, id),
  UNIQUE (organization, name)
);
CREATE TABLE token (
  organization BIGINT NOT NULL,
  hash         BLOB  NOT NULL,                     -- SHA-256 of a 256-bit secret
  prefix       TEXT  NOT NULL,                     -- what people recognise it by
  client_id    BLOB   NOT NULL,
  scopes       TEXT   NOT NULL,                     -- space-separated
  created_us   BIGINT NOT NULL,
  expires_us   BIGINT,
  used_us      BIGINT,
  PRIMARY KEY (organization, hash),
  FOREIGN KEY (organization, client_id) REFERENCES client (organization, id) ON DELETE CASCADE
);

-- One holder at a time, across instances.
CREATE TABLE lease (
  name         TEXT  NOT NULL PRIMARY KEY,         -- dispatch, app:<organization>:<id>
  holder       BLOB   NOT NULL,
  expires_us   BIGINT NOT NULL,
  fence        BIGINT NOT NULL
);

-- What the planner is told of the sizes of things. Without it SQLite takes the first column of a
-- key, which is the organization, to single out ten rows, and prefers the wrong indexes. Fixed
-- figures also keep plans stable; they are those of a large directory. The numbers are the rows of
-- an index, then the rows that share its first column, its first two, and so on.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('resource', 'sqlite_autoindex_resource_1', '100000 50000 1'),
  ('resource', 'resource_user_name', '100000 50000 50000 1'),
  ('resource', 'resource_external_id', '100000 50000 50000 2 1'),
  ('resource', 'resource_display', '100000 50000 50000 4 1'),
  ('resource', 'resource_modified', '100000 50000 50000 10 1'),
  ('resource', 'resource_page', '100000 50000 50000 1'),
  ('attribute', 'attribute', '800000 400000 400000 50000 4 1 1'),
  ('attribute', 'attribute_resource', '800000 400000 8 1 1'),
  ('member', 'member', '1000000 500000 100 1'),
  ('member', 'member_groups', '1000000 500000 10 1'),
  ('change', 'sqlite_autoindex_change_1', '1000000 500000 1'),
  ('change', 'change_unpublished', '1000 500 1'),
  ('change', 'change_published', '1000000 500000 1'),
  ('change', 'change_resource', '1000000 500000 10 1'),
  ('audit', 'sqlite_autoindex_audit_1', '1000000 500000 1'),
  ('app', 'sqlite_autoindex_app_1', '20 10 1'),
  ('app', 'sqlite_autoindex_app_2', '20 10 1'),
  ('mapping', 'sqlite_autoindex_mapping_1', '200 100 10 1'),
  ('secret', 'sqlite_autoindex_secret_1', '100 50 3 1'),
  ('link', 'sqlite_autoindex_link_1', '200000 100000 50000 1'),
  ('link', 'link_remote', '200000 100000 50000 25000 1'),
  ('link', 'link_resource', '200000 100000 2'),
  ('link_member', 'link_member', '1000000 500000 250000 100 1'),
  ('link_member', 'link_member_member', '1000000 500000 250000 10'),
  ('member_push', 'member_push', '10000 5000 2500 100 1'),
  ('member_push', 'member_push_member', '10000 5000 2500 2'),
  ('job', 'sqlite_autoindex_job_1', '200000 100000 50000 1'),
  ('job', 'job_ready', '10000 5000 2500 1000 2'),
  ('job', 'job_expired', '100 50 25 1'),
  ('job', 'job_run', '10000 5000 1000'),
  ('attempt', 'sqlite_autoindex_attempt_1', '1000000 500000 1'),
  ('attempt', 'attempt_resource', '1000000 500000 10 1'),
  ('attempt', 'attempt_app', '1000000 500000 250000 1'),
  ('run', 'sqlite_autoindex_run_1', '1000 500 1'),
  ('run', 'run_app', '1000 500 50 1'),
  ('sandbox_account', 'sqlite_autoindex_sandbox_account_1', '100000 50000 25000 25000 1'),
  ('sandbox_account', 'sqlite_autoindex_sandbox_account_2', '100000 50000 25000 25000 1'),
  ('client', 'sqlite_autoindex_client_1', '20 10 1'),
  ('client', 'sqlite_autoindex_client_2', '20 10 1'),
  ('token', 'sqlite_autoindex_token_1', '100 50 1');
ANALYZE sqlite_schema;
