-- Programs that report here as they would to Sentry. The number is part of their DSN.
CREATE TABLE observe_project (
  id INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  events_minute INTEGER NOT NULL,       -- most requests a minute
  bytes_minute INTEGER NOT NULL,        -- most bytes of bodies a minute, as they are sent
  created_at INTEGER NOT NULL
) STRICT;
-- A key names who sends and opens nothing: browsers show it to everybody. So it is not hashed.
CREATE TABLE observe_project_key (
  public_key TEXT NOT NULL PRIMARY KEY,
  project INTEGER NOT NULL REFERENCES observe_project (id),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE INDEX observe_project_key_project ON observe_project_key (project, created_at);
