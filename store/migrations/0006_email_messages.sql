-- A message is stored when it is decided on and rendered when it is sent. Its
-- variables may hold a secret link, so they are sealed with the master key and
-- wiped once the message has left.
CREATE TABLE email_message (
  id TEXT NOT NULL PRIMARY KEY,
  stream TEXT NOT NULL,                 -- transactional, broadcast
  class TEXT NOT NULL,                  -- security, account, billing, product, marketing
  template TEXT NOT NULL,
  locale TEXT NOT NULL,
  recipient TEXT NOT NULL,
  recipient_norm TEXT NOT NULL,
  user_id TEXT,
  org_id TEXT,
  subject TEXT,                         -- known once rendered
  vars BLOB,                            -- sealed JSON; NULL once sent
  status TEXT NOT NULL,                 -- queued sent delivered deferred bounced complained failed suppressed expired unknown
  provider TEXT,
  provider_id TEXT,
  message_id TEXT,                      -- RFC 5322 Message-ID
  error TEXT,
  idempotency_key TEXT,
  job_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,                   -- pointless after
  sent_at INTEGER
) STRICT;
CREATE INDEX email_message_recipient ON email_message (recipient_norm, id);
CREATE INDEX email_message_status ON email_message (status, id);
CREATE INDEX email_message_user ON email_message (user_id, id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX email_message_provider ON email_message (provider, provider_id) WHERE provider_id IS NOT NULL;
CREATE UNIQUE INDEX email_message_idem ON email_message (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- What the development inbox received: the message as sent, nothing parsed away.
CREATE TABLE email_inbox (
  id TEXT NOT NULL PRIMARY KEY,
  message_id TEXT NOT NULL,             -- email_message.id, or '' for foreign mail
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  source BLOB NOT NULL,                 -- the raw RFC 5322 message
  received_at INTEGER NOT NULL,
  read_at INTEGER
) STRICT;
CREATE INDEX email_inbox_recipient ON email_inbox (recipient, id);
