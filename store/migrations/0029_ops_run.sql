-- What was done to be able to come back: copies that were made, restores that were tried.
CREATE TABLE ops_run (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,                   -- copy, drill
  began_at INTEGER NOT NULL,
  took INTEGER NOT NULL,                -- ms
  fault TEXT NOT NULL,                  -- '' if it went well, else why not, for people
  name TEXT NOT NULL,                   -- of the copy, or the epoch that was restored
  bytes INTEGER NOT NULL,               -- of the copy as it is stored, or of the restored file
  events INTEGER NOT NULL,              -- of the audit log that were verified in it
  gone_at INTEGER                       -- when a copy was deleted because it was old
) STRICT;
CREATE INDEX ops_run_kind ON ops_run (kind, began_at DESC, id DESC);
