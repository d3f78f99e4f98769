-- Mail that the app hands in: what the messages of one request have in common.
CREATE TABLE email_request (
  id TEXT NOT NULL PRIMARY KEY,
  sender TEXT NOT NULL,                 -- as in From; '' as configured
  reply_to TEXT NOT NULL,               -- '' for none
  tags TEXT NOT NULL,                   -- JSON array of text
  metadata TEXT NOT NULL,               -- JSON object of text; never leaves this machine
  headers TEXT NOT NULL,                -- JSON object of text
  content BLOB,                         -- sealed JSON {subject, html, text}; NULL for a template, or once wiped
  files INTEGER NOT NULL,               -- how many go along
  created_by TEXT NOT NULL,             -- actor
  created_at INTEGER NOT NULL,
  wipe_at INTEGER                       -- when what is in the messages is deleted, unless some still wait; NULL once it is
) STRICT;
CREATE INDEX email_request_wipe ON email_request (wipe_at, id) WHERE wipe_at IS NOT NULL;

-- Attachments, and images that the HTML shows.
CREATE TABLE email_file (
  request_id TEXT NOT NULL REFERENCES email_request (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,                   -- type/subtype
  content_id TEXT NOT NULL,             -- '' for an attachment
  data BLOB NOT NULL,                   -- sealed
  PRIMARY KEY (request_id, position)
) STRICT;

ALTER TABLE email_message ADD COLUMN request_id TEXT REFERENCES email_request (id); -- NULL: a mail of our own
ALTER TABLE email_message ADD COLUMN send_at INTEGER;                               -- not before; NULL: at once
ALTER TABLE email_message ADD COLUMN via TEXT NOT NULL DEFAULT '';                  -- the one provider it may go by; '' for any
CREATE INDEX email_message_request ON email_message (request_id, id) WHERE request_id IS NOT NULL;

CREATE TABLE email_tag (
  tag TEXT NOT NULL,
  message TEXT NOT NULL REFERENCES email_message (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, message)
) STRICT;
CREATE INDEX email_tag_message ON email_tag (message);
