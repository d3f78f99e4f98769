-- API keys: what programs show to be let in (spec/auth.md section 3). A secret is
-- shown once; only its hash is here.
CREATE TABLE auth_api_key (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT REFERENCES auth_org (id), -- NULL: the whole instance
  principal_kind TEXT NOT NULL,         -- key: for itself; service: for an account that has roles
  principal_id TEXT NOT NULL,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,                 -- how the secret begins, for people
  hash BLOB NOT NULL,                   -- SHA-256 of the whole secret
  permissions TEXT NOT NULL,            -- what it may do at most, space separated: "area:act", "area:*" or "*"
  created_by TEXT NOT NULL,             -- type:id, as the audit log writes it
  created_at INTEGER NOT NULL,
  expires_at INTEGER,                   -- NULL: never
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX auth_api_key_hash ON auth_api_key (hash);
CREATE INDEX auth_api_key_org ON auth_api_key (org_id, id);
