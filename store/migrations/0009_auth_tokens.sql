-- Access and refresh tokens (spec/auth.md section 3): both hang off auth_session.
-- A session lives as long as its user's epoch is the one it began in, so that
-- raising the epoch ends whatever a user has anywhere. No release has raised one,
-- so 0 is right for the sessions there are.
ALTER TABLE auth_session ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- Keys that sign access tokens: one signs, the next one is published before it
-- does, and a retired one is published until what it signed has expired.
CREATE TABLE auth_signing_key (
  kid TEXT NOT NULL PRIMARY KEY,        -- RFC 7638 thumbprint of the public key
  alg TEXT NOT NULL,                    -- ES256
  state TEXT NOT NULL,                  -- next active retired
  public BLOB NOT NULL,                 -- SEC 1 uncompressed point
  private BLOB,                         -- sealed scalar; NULL once retired
  created_at INTEGER NOT NULL,
  active_at INTEGER,
  retired_at INTEGER
) STRICT;
CREATE UNIQUE INDEX auth_signing_key_state ON auth_signing_key (state) WHERE state <> 'retired';
CREATE INDEX auth_signing_key_retired ON auth_signing_key (retired_at);
