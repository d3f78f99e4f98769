-- Who somebody is at an identity provider (spec/auth.md 1.1): found by issuer and
-- subject, never by address.
CREATE TABLE auth_identity (
  id TEXT NOT NULL PRIMARY KEY,
  issuer TEXT NOT NULL,                 -- as configured; https://github.com for GitHub
  sub TEXT NOT NULL,                    -- the issuer's own, unchanging name of the person
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  provider TEXT NOT NULL,               -- the name it was configured under
  email TEXT NOT NULL,                  -- what the provider last said, for people; may be empty
  email_verified INTEGER NOT NULL,      -- and whether it said that it is verified
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX auth_identity_subject ON auth_identity (issuer, sub);
CREATE INDEX auth_identity_user ON auth_identity (user_id, id);

-- The keys that somebody made are ended when the account turns out to be another's.
CREATE INDEX auth_api_key_creator ON auth_api_key (created_by, id);
