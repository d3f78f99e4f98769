-- Who may make which requests to the app behind: versions, the newest in use.
CREATE TABLE proxy_ruleset (
  version INTEGER NOT NULL PRIMARY KEY,
  rules TEXT NOT NULL,                  -- JSON array, in the order in which they are tried
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,             -- actor; '' for the command line
  comment TEXT NOT NULL
) STRICT;
