-- The development inbox takes mail of the customer's own app too (SMTP), so it keeps
-- what was read of each message when it came. The message itself lies beside: to list
-- mails, or to mark one as read, must not move megabytes.
CREATE TABLE email_inbox_head (
  id TEXT NOT NULL PRIMARY KEY,
  message_id TEXT NOT NULL,             -- email_message.id, or '' for foreign mail
  origin TEXT NOT NULL,                 -- seaworthy, smtp
  sender TEXT NOT NULL,                 -- as in the head
  recipient TEXT NOT NULL,
  cc TEXT NOT NULL,
  reply_to TEXT NOT NULL,
  recipients TEXT NOT NULL,             -- every address it goes to, lower case, each between line feeds
  subject TEXT NOT NULL,
  sender_norm TEXT NOT NULL,            -- lower case
  subject_norm TEXT NOT NULL,
  size INTEGER NOT NULL,                -- of the source, in bytes
  received_at INTEGER NOT NULL,
  read_at INTEGER,
  parts TEXT NOT NULL,                  -- JSON: name, type, size, content_id, inline of each attachment
  search TEXT NOT NULL                  -- what a search looks through, lower case
) STRICT;
CREATE TABLE email_inbox_body (
  id TEXT NOT NULL PRIMARY KEY REFERENCES email_inbox_head (id) ON DELETE CASCADE,
  headers TEXT NOT NULL,                -- JSON: name and value of each
  text TEXT NOT NULL,
  html TEXT NOT NULL,
  source BLOB NOT NULL                  -- the raw RFC 5322 message
) STRICT;
INSERT INTO email_inbox_head (id, message_id, origin, sender, recipient, cc, reply_to, recipients, subject, sender_norm, subject_norm, size, received_at, read_at, parts, search)
  SELECT id, message_id, 'seaworthy', sender, recipient, '', '', lower(recipient), subject, lower(sender), lower(subject), length(source), received_at, read_at, '[]',
    lower(sender || ' ' || recipient || ' ' || subject || ' ' || text) FROM email_inbox;
INSERT INTO email_inbox_body (id, headers, text, html, source) SELECT id, '[]', text, html, source FROM email_inbox;
DROP TABLE email_inbox;
ALTER TABLE email_inbox_head RENAME TO email_inbox;
CREATE INDEX email_inbox_message ON email_inbox (message_id, id) WHERE message_id <> '';

-- The console lists messages by template.
CREATE INDEX email_message_template ON email_message (template, id);

-- How many lately reached nobody.
CREATE INDEX email_message_unsent ON email_message (created_at) WHERE status IN ('failed', 'bounced');
