-- Where jobs of the customer's app are delivered (spec/jobs.md section 3).
CREATE TABLE jobs_endpoint (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,                   -- never changes: it is part of the names of its queues
  url TEXT NOT NULL,
  secret BLOB NOT NULL,                 -- sealed; signs every delivery
  previous BLOB,                        -- sealed; signs beside it until previous_until
  previous_until INTEGER,
  concurrency INTEGER NOT NULL,         -- deliveries at once
  timeout_ms INTEGER NOT NULL,          -- of a delivery, where its job says nothing
  configured INTEGER NOT NULL,          -- 1: its address comes from the configuration
  disabled_at INTEGER,                  -- NULL: enabled
  disabled_why TEXT,                    -- operator, gone (it answered 410)
  open_until INTEGER,                   -- it fails and is left alone until then; NULL: it works
  trips INTEGER NOT NULL,               -- how often in a row that was prolonged
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_endpoint_name ON jobs_endpoint (name);
