-- Second factors (spec/auth.md section 3). One that is not confirmed proves nothing.
CREATE TABLE auth_factor (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_user (id),
  kind TEXT NOT NULL,                   -- totp sms webauthn
  label TEXT NOT NULL,                  -- for people; of a phone its last digits
  secret BLOB NOT NULL,                 -- sealed: the seed, the phone's number, the public key
  handle BLOB,                          -- id of a WebAuthn credential
  last_step INTEGER,                    -- of TOTP: the newest time step whose code was used
  sign_count INTEGER,                   -- of WebAuthn, as are the next three
  be INTEGER,
  bs INTEGER,
  aaguid BLOB,
  created_at INTEGER NOT NULL,
  confirmed_at INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX auth_factor_user ON auth_factor (user_id, kind, id);
CREATE UNIQUE INDEX auth_factor_handle ON auth_factor (handle) WHERE handle IS NOT NULL;

-- Devices on which the second step is not asked for a while.
CREATE INDEX auth_device_trusted ON auth_device (user_id, trusted_until) WHERE trusted_until IS NOT NULL;

-- Texts (SMS). Number and body are sealed with the master key; the body is wiped
-- once it has left or is of no use any more.
CREATE TABLE sms_message (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT,
  recipient BLOB NOT NULL,              -- sealed, E.164
  recipient_mac BLOB NOT NULL,          -- keyed hash, for the limits
  body BLOB,                            -- sealed
  status TEXT NOT NULL,                 -- queued sent failed expired
  provider TEXT,
  provider_id TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,          -- pointless after
  sent_at INTEGER
) STRICT;
CREATE INDEX sms_message_recipient ON sms_message (recipient_mac, created_at);
CREATE INDEX sms_message_user ON sms_message (user_id, created_at) WHERE user_id IS NOT NULL;
CREATE INDEX sms_message_created ON sms_message (created_at);

-- What would have been sent, in development.
CREATE TABLE sms_inbox (
  id TEXT NOT NULL PRIMARY KEY,
  message_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  body TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  read_at INTEGER
) STRICT;
CREATE INDEX sms_inbox_message ON sms_inbox (message_id);
