-- How a message leaves, and what is known of those who deliver.
ALTER TABLE email_message ADD COLUMN on_unknown TEXT NOT NULL DEFAULT 'hold'; -- hold retry failover: when nobody knows whether it was taken
ALTER TABLE email_message ADD COLUMN slot_at INTEGER;                        -- when a provider's rate lets it through; its place is taken

-- One call of a provider. The row is written before the call: one without an end
-- belongs to a process that died, and its message may have been taken.
CREATE TABLE email_attempt (
  id TEXT NOT NULL PRIMARY KEY,
  message_id TEXT NOT NULL REFERENCES email_message (id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  class TEXT NOT NULL                   -- '' while it goes on; accepted, a class of failure, lost or stopped
) STRICT;
CREATE INDEX email_attempt_message ON email_attempt (message_id, id);

-- How providers do, so that a restart knows. One that is not here works.
CREATE TABLE email_provider (
  name TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,                  -- working paused open quota stopped
  until INTEGER NOT NULL,               -- of paused, open, quota
  probe_until INTEGER NOT NULL,         -- one message is trying whether it works again
  failures INTEGER NOT NULL,            -- in a row
  trips INTEGER NOT NULL,               -- rests in a row
  slow INTEGER NOT NULL,                -- how often its rate is halved
  slow_until INTEGER NOT NULL,          -- when it is doubled again
  error TEXT NOT NULL,                  -- the last one
  error_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- Rate limits (GCRA): when the next message may go, by provider and stream.
CREATE TABLE email_bucket (
  provider TEXT NOT NULL,
  stream TEXT NOT NULL,
  next INTEGER NOT NULL,                -- microseconds
  PRIMARY KEY (provider, stream)
) STRICT;

-- What came of calls, in slots of five minutes.
CREATE TABLE email_count (
  provider TEXT NOT NULL,
  slot INTEGER NOT NULL,                -- its beginning, ms
  sent INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (provider, slot)
) STRICT;
