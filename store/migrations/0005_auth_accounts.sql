-- People, how they prove who they are, and where they are signed in
-- (spec/auth.md section 3). auth_session alone decides; cookies and tokens point at it.
CREATE TABLE auth_user (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  status TEXT NOT NULL,                 -- active disabled superseded
  password_phc TEXT,                    -- argon2id in PHC format; NULL: no password
  epoch INTEGER NOT NULL,               -- raised to void every token at once
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER,
  deleted_at INTEGER
) STRICT;
CREATE INDEX auth_user_created ON auth_user (created_at, id);

-- Several people may claim an address; only one can have verified it.
CREATE TABLE auth_email (
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  email TEXT NOT NULL,                  -- as typed
  email_norm TEXT NOT NULL,             -- what identifies it
  is_primary INTEGER NOT NULL,
  verified_at INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, email_norm)
) STRICT;
CREATE UNIQUE INDEX auth_email_verified ON auth_email (email_norm) WHERE verified_at IS NOT NULL;
CREATE INDEX auth_email_norm ON auth_email (email_norm, created_at);

CREATE TABLE auth_device (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  cookie_hash BLOB NOT NULL,
  label TEXT NOT NULL,                  -- browser and system, for people
  first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  trusted_until INTEGER
) STRICT;
CREATE UNIQUE INDEX auth_device_cookie ON auth_device (cookie_hash, user_id);
CREATE INDEX auth_device_user ON auth_device (user_id, id);

CREATE TABLE auth_org (
  id TEXT NOT NULL PRIMARY KEY,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  personal_user_id TEXT REFERENCES auth_user (id),  -- whose personal org it is
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX auth_org_slug ON auth_org (slug);
CREATE UNIQUE INDEX auth_org_personal ON auth_org (personal_user_id) WHERE personal_user_id IS NOT NULL;

CREATE TABLE auth_membership (
  org_id TEXT NOT NULL REFERENCES auth_org (id),
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (org_id, user_id)
) STRICT;
CREATE INDEX auth_membership_user ON auth_membership (user_id, org_id);

-- Roles are data: those without an org are built in and offered to every org.
CREATE TABLE auth_role (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT REFERENCES auth_org (id),
  name TEXT NOT NULL,
  scope TEXT NOT NULL                   -- org, or instance for operators
) STRICT;
CREATE UNIQUE INDEX auth_role_name ON auth_role (org_id, name);

CREATE TABLE auth_role_permission (
  role_id TEXT NOT NULL REFERENCES auth_role (id) ON DELETE CASCADE,
  permission TEXT NOT NULL,             -- "area:act", "area:*" or "*"
  PRIMARY KEY (role_id, permission)
) STRICT;

CREATE TABLE auth_role_binding (
  id TEXT NOT NULL PRIMARY KEY,
  principal_kind TEXT NOT NULL,         -- user, service
  principal_id TEXT NOT NULL,
  org_id TEXT REFERENCES auth_org (id), -- NULL: the whole instance
  role_id TEXT NOT NULL REFERENCES auth_role (id),
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX auth_role_binding_once ON auth_role_binding (principal_kind, principal_id, role_id, org_id);
CREATE INDEX auth_role_binding_role ON auth_role_binding (role_id, org_id);

CREATE TABLE auth_session (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  kind TEXT NOT NULL,                   -- browser api oauth
  client_id TEXT,
  device_id TEXT REFERENCES auth_device (id),
  org_id TEXT REFERENCES auth_org (id), -- the org it acts for
  impersonator_id TEXT REFERENCES auth_user (id),
  token_hash BLOB,                      -- SHA-256 of the cookie; NULL for api and oauth
  scs_data BLOB,
  refresh_gen INTEGER NOT NULL,
  refresh_rotated_at INTEGER,
  child_seen INTEGER NOT NULL,
  aal INTEGER NOT NULL,                 -- 1 one factor, 2 two
  amr TEXT NOT NULL,                    -- RFC 8176 values, space separated
  auth_time INTEGER NOT NULL,
  stepup_at INTEGER,
  scopes TEXT NOT NULL,
  ip TEXT NOT NULL,
  ua TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  idle_exp INTEGER NOT NULL,
  abs_exp INTEGER NOT NULL,
  revoked_at INTEGER,
  reason TEXT
) STRICT;
CREATE UNIQUE INDEX auth_session_token ON auth_session (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX auth_session_user ON auth_session (user_id, id);
CREATE INDEX auth_session_expiry ON auth_session (abs_exp);

-- One primitive for links, codes, resets, set-up, OAuth state, challenges, invitations.
CREATE TABLE auth_one_time (
  hash BLOB NOT NULL PRIMARY KEY,       -- SHA-256 of the token
  purpose TEXT NOT NULL,
  user_id TEXT REFERENCES auth_user (id),
  session_id TEXT REFERENCES auth_session (id),
  client_id TEXT,
  payload TEXT NOT NULL,                -- JSON
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  exp INTEGER NOT NULL,
  consumed_at INTEGER
) STRICT;
CREATE INDEX auth_one_time_user ON auth_one_time (user_id, purpose);
CREATE INDEX auth_one_time_expiry ON auth_one_time (exp);

INSERT INTO auth_role (id, org_id, name, scope) VALUES
  ('rol_operator', NULL, 'operator', 'instance'),
  ('rol_owner', NULL, 'owner', 'org'),
  ('rol_admin', NULL, 'admin', 'org'),
  ('rol_member', NULL, 'member', 'org');
INSERT INTO auth_role_permission (role_id, permission) VALUES
  ('rol_operator', '*'),
  ('rol_owner', 'org:*'),
  ('rol_admin', 'org:read'), ('rol_admin', 'org:members'), ('rol_admin', 'org:audit'), ('rol_admin', 'org:settings'),
  ('rol_member', 'org:read');
