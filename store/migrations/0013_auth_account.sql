-- People's own accounts: deletion with a time to think again, and the export of
-- what is held on a person.

-- When an account is to be erased; NULL: it is not. Status then is "deleting", later
-- "erasing" while what belongs to it goes, and "deleted" for what stays: an id.
ALTER TABLE auth_user ADD COLUMN delete_at INTEGER;

CREATE TABLE auth_export (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  state TEXT NOT NULL,                  -- waiting ready failed expired
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  expires_at INTEGER,                   -- when the file goes
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  problem TEXT NOT NULL
) STRICT;
CREATE INDEX auth_export_user ON auth_export (user_id, id);
CREATE UNIQUE INDEX auth_export_waiting ON auth_export (user_id) WHERE state = 'waiting';

-- What hangs off a person is found without a scan, and so are the rows that refer
-- to what is deleted.
CREATE INDEX auth_session_device ON auth_session (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX auth_one_time_session ON auth_one_time (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX auth_api_key_principal ON auth_api_key (principal_kind, principal_id);
