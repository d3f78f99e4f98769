-- What people can unsubscribe from: rows, so that whoever runs this adds one
-- without a release. A category is never deleted: old mails still name it.
CREATE TABLE email_category (
  key TEXT NOT NULL PRIMARY KEY,        -- "product-news", as messages name it
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  kind TEXT NOT NULL,                   -- product, marketing
  needs_consent INTEGER NOT NULL,       -- 1: only to those who said yes
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  archived_at INTEGER                   -- NULL: people can choose it
) STRICT;

-- Who said yes or no to what, when and how: evidence, so append-only. An erasure
-- takes the person out of a row (address, ip, user_agent) and leaves the rest.
CREATE TABLE email_consent (
  id TEXT NOT NULL PRIMARY KEY,
  address_hash BLOB NOT NULL,
  address TEXT,                         -- normalised; NULL once erased
  category TEXT NOT NULL,               -- email_category.key; '*': all of them
  act TEXT NOT NULL,                    -- asked (a mail asks to confirm), given, withdrawn
  source TEXT NOT NULL,                 -- one_click preferences account confirmed api provider
  text_version TEXT NOT NULL,           -- of the words that were agreed to; '' for a no
  ip TEXT,
  user_agent TEXT,
  actor TEXT NOT NULL,                  -- "user:usr_…", "key:key_…"; '' for whoever held the link
  message_id TEXT,                      -- email_message.id whose link was used
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX email_consent_latest ON email_consent (address_hash, category, id);
CREATE INDEX email_consent_hash ON email_consent (address_hash, id);
CREATE INDEX email_consent_address ON email_consent (address, id) WHERE address IS NOT NULL;
CREATE TRIGGER email_consent_no_update BEFORE UPDATE ON email_consent
WHEN NEW.id <> OLD.id OR NEW.address_hash <> OLD.address_hash OR NEW.category <> OLD.category OR NEW.act <> OLD.act OR NEW.source <> OLD.source
  OR NEW.text_version <> OLD.text_version OR NEW.actor <> OLD.actor OR NEW.at <> OLD.at OR NEW.message_id IS NOT OLD.message_id
  OR NEW.address IS NOT NULL OR NEW.ip IS NOT NULL OR NEW.user_agent IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'email_consent is append-only but for erasure');
END;
CREATE TRIGGER email_consent_no_delete BEFORE DELETE ON email_consent BEGIN
  SELECT RAISE(ABORT, 'email_consent is append-only');
END;

-- The keys that sign the links to unsubscribe. Their secrets are derived from the
-- master key and the id, so a row is only the fact that there is one. Key 1 is
-- there from the start; the newest signs, all of them verify.
CREATE TABLE email_link_key (
  id INTEGER NOT NULL PRIMARY KEY,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL              -- "user:usr_…", "key:key_…"
) STRICT;

CREATE INDEX email_event_recipient ON email_event (recipient_norm, id) WHERE recipient_norm <> '';
CREATE INDEX email_suppression_reason ON email_suppression (reason, id);
