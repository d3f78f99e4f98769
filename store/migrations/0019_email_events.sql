-- What happened to a message, in one vocabulary whatever the provider calls it
-- (spec/email.md section 4): each row once, append-only, the timeline of its
-- message. An event that comes before its message is known, or belongs to none of
-- ours, has no message_id.
CREATE TABLE email_event (
  id TEXT NOT NULL PRIMARY KEY,
  message_id TEXT,                      -- email_message.id; NULL: parked, or not ours
  kind TEXT NOT NULL,                   -- queued rendered attempted accepted delivered deferred bounced failed complained unsubscribed autoresponded suppressed expired cancelled unknown
  provider TEXT NOT NULL,               -- '' for what happened here
  provider_id TEXT NOT NULL,            -- the provider's id of the message; '' for none
  dedupe TEXT NOT NULL,                 -- provider and its own key of the event; our own events: their id
  recipient_norm TEXT NOT NULL,
  details TEXT NOT NULL,                -- JSON object: type, reason, attempt, duration_ms, …
  raw BLOB,                             -- as the provider sent it; NULL for what happened here
  at INTEGER NOT NULL,                  -- when it happened, by whoever says so
  received_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX email_event_dedupe ON email_event (dedupe);
CREATE INDEX email_event_message ON email_event (message_id, id);
CREATE INDEX email_event_parked ON email_event (provider, provider_id, id) WHERE message_id IS NULL;

-- Addresses that get no mail, or not all of it. Looked up by an HMAC of the address
-- under a key derived from the master key, so that it still works once the address
-- itself was erased.
CREATE TABLE email_suppression (
  id TEXT NOT NULL PRIMARY KEY,
  address_hash BLOB NOT NULL,
  address TEXT,                         -- normalised; NULL once erased
  scope TEXT NOT NULL,                  -- all (dead mailbox), nonsecurity (complaint), category
  category TEXT NOT NULL,               -- of scope category; else ''
  reason TEXT NOT NULL,                 -- bounce complaint unsubscribe manual provider
  event_id TEXT,                        -- email_event.id that led to it
  created_at INTEGER NOT NULL,
  created_by TEXT,                      -- user id of who added it by hand
  lifted_at INTEGER,                    -- NULL: it holds
  lifted_by TEXT,
  lifted_why TEXT
) STRICT;
CREATE UNIQUE INDEX email_suppression_holds ON email_suppression (address_hash, scope, category) WHERE lifted_at IS NULL;
CREATE INDEX email_suppression_address ON email_suppression (address, id) WHERE address IS NOT NULL;

ALTER TABLE email_message ADD COLUMN category TEXT NOT NULL DEFAULT '';  -- what people can unsubscribe from; '' for what they cannot
