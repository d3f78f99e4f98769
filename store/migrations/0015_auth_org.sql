-- Orgs that people make, whom they invite, and permissions and roles as data
-- (spec/auth.md section 3).
ALTER TABLE auth_org ADD COLUMN require_mfa INTEGER NOT NULL DEFAULT 0; -- 1: people work in it with two factors

-- Slugs an org had before: they go on leading to it, and nobody else can take one.
CREATE TABLE auth_old_slug (
  slug TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES auth_org (id),
  created_at INTEGER NOT NULL           -- when it was given up
) STRICT;
CREATE INDEX auth_old_slug_org ON auth_old_slug (org_id, created_at);

-- Permissions that the customer's app declares; those of the systems stand in the
-- program. An area counts in orgs or in the whole instance, and that for ever:
-- what was given as "area:*" must not grow into something else.
CREATE TABLE auth_permission_area (
  area TEXT NOT NULL PRIMARY KEY,
  scope TEXT NOT NULL,                  -- org instance
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_permission_area_scope ON auth_permission_area (scope, area);
CREATE TABLE auth_permission (
  name TEXT NOT NULL PRIMARY KEY,       -- "area:act"
  area TEXT NOT NULL REFERENCES auth_permission_area (area),
  title TEXT NOT NULL,
  means TEXT NOT NULL,
  created_by TEXT NOT NULL,             -- type:id, as the audit log writes it
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_permission_of_area ON auth_permission (area, name);
CREATE INDEX auth_role_permission_name ON auth_role_permission (permission, role_id);
INSERT INTO auth_role_permission (role_id, permission) VALUES ('rol_owner', 'billing:*');

-- Invitations. A token is in the mail alone; here is its hash.
CREATE TABLE auth_invitation (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES auth_org (id),
  email TEXT NOT NULL,                  -- as typed
  email_norm TEXT NOT NULL,             -- what identifies it
  role_id TEXT NOT NULL REFERENCES auth_role (id),
  token_hash BLOB NOT NULL,             -- SHA-256
  state TEXT NOT NULL,                  -- pending accepted revoked
  invited_by TEXT NOT NULL,             -- type:id
  invited_user TEXT REFERENCES auth_user (id), -- the same, if it was a user
  sent INTEGER NOT NULL,                -- how many times
  created_at INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  accepted_by TEXT REFERENCES auth_user (id)
) STRICT;
CREATE UNIQUE INDEX auth_invitation_token ON auth_invitation (token_hash);
CREATE UNIQUE INDEX auth_invitation_pending ON auth_invitation (org_id, email_norm) WHERE state = 'pending';
CREATE INDEX auth_invitation_org ON auth_invitation (org_id, state, id);
CREATE INDEX auth_invitation_sent ON auth_invitation (org_id, sent_at);
CREATE INDEX auth_invitation_email ON auth_invitation (email_norm, sent_at);
CREATE INDEX auth_invitation_user ON auth_invitation (invited_user, org_id, state) WHERE invited_user IS NOT NULL;
CREATE INDEX auth_invitation_accepted ON auth_invitation (accepted_by) WHERE accepted_by IS NOT NULL;
CREATE INDEX auth_invitation_role ON auth_invitation (role_id, state);

