-- What the defence of sign-in must still know after a restart: accounts and
-- networks with many failures. It is kept in memory and written in batches; a row
-- goes when its time is over (spec/auth.md section 1, Throttling).
CREATE TABLE auth_throttle (
  kind TEXT NOT NULL,                   -- account network
  key BLOB NOT NULL,                    -- keyed hash of the address or the network
  failures INTEGER NOT NULL,            -- in a row for an account; accounts failed for a network
  until_at INTEGER NOT NULL,            -- refused before that; 0: not
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT;
CREATE INDEX auth_throttle_updated ON auth_throttle (updated_at);
