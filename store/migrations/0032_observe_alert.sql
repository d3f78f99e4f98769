-- What people set of a rule; a kind without a row is as the program has it.
CREATE TABLE observe_rule (
  kind TEXT NOT NULL PRIMARY KEY,
  enabled INTEGER NOT NULL,
  critical INTEGER NOT NULL,
  bound INTEGER NOT NULL,               -- in the rule's own unit
  minutes INTEGER NOT NULL,
  factor INTEGER NOT NULL,              -- percent
  changed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE observe_alert (
  id TEXT NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,                -- what it is about among those of the rule: an error, a route, a queue
  critical INTEGER NOT NULL,
  title TEXT NOT NULL,
  detail TEXT NOT NULL,
  number TEXT NOT NULL,                 -- as people read it
  before TEXT NOT NULL,                 -- what it was, or is held against
  app_release TEXT NOT NULL,
  path TEXT NOT NULL,                   -- the console's page
  told INTEGER NOT NULL,                -- 1: channels were told that it fires
  fired_at INTEGER NOT NULL,
  calm_at INTEGER,                      -- since when it is well again, while that may be a pause
  acked_at INTEGER,
  acked_by TEXT NOT NULL,
  resolved_at INTEGER
) STRICT;
CREATE UNIQUE INDEX observe_alert_open ON observe_alert (rule, subject) WHERE resolved_at IS NULL;
CREATE INDEX observe_alert_fired ON observe_alert (fired_at, id) WHERE resolved_at IS NULL;
CREATE INDEX observe_alert_resolved ON observe_alert (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE TABLE observe_alert_event (
  id TEXT NOT NULL PRIMARY KEY,
  alert TEXT NOT NULL REFERENCES observe_alert (id),
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,                   -- fired, worse, acknowledged, resolved
  actor TEXT NOT NULL,                  -- user id; '' for the program
  note TEXT NOT NULL
) STRICT;
CREATE INDEX observe_alert_event_alert ON observe_alert_event (alert, id);
CREATE TABLE observe_silence (
  id TEXT NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL,                   -- '' for all
  subject TEXT NOT NULL,                -- '' for all of the rule
  until INTEGER NOT NULL,
  note TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX observe_silence_until ON observe_silence (until, id);
CREATE TABLE observe_channel (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,                   -- mail, webhook, slack
  target TEXT NOT NULL,                 -- addresses with blanks between them; '' for all operators
  url BLOB NOT NULL,                    -- sealed: that of a chat is a secret
  secret BLOB NOT NULL,                 -- sealed; empty where nothing is signed
  level TEXT NOT NULL,                  -- all, critical, fallback
  per_hour INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
INSERT INTO observe_channel (id, name, kind, target, url, secret, level, per_hour, enabled, created_at, changed_at)
  VALUES ('chn_operators', 'Operators', 'mail', '', X'', X'', 'all', 6, 1, 0, 0);
-- One mail or request to a channel, about one alert or many.
CREATE TABLE observe_delivery (
  id TEXT NOT NULL PRIMARY KEY,
  channel TEXT NOT NULL,
  alerts INTEGER NOT NULL,
  test INTEGER NOT NULL,
  state TEXT NOT NULL,                  -- queued, mailing, sent, failed
  problem TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX observe_delivery_channel ON observe_delivery (channel, created_at, id);
CREATE INDEX observe_delivery_created ON observe_delivery (created_at);
CREATE INDEX observe_delivery_open ON observe_delivery (id) WHERE ended_at IS NULL;
-- What a channel is to be told of; it waits until it has a delivery.
CREATE TABLE observe_notice (
  id TEXT NOT NULL PRIMARY KEY,
  channel TEXT NOT NULL,
  alert TEXT NOT NULL REFERENCES observe_alert (id),
  what TEXT NOT NULL,                   -- fired, worse, resolved
  critical INTEGER NOT NULL,
  delivery TEXT NOT NULL,               -- '' while it waits
  created_at INTEGER NOT NULL,
  UNIQUE (alert, channel, what)
) STRICT;
CREATE INDEX observe_notice_waiting ON observe_notice (channel, delivery, id);
CREATE INDEX observe_notice_delivery ON observe_notice (delivery, id);
CREATE TABLE observe_alert_mail (
  message TEXT NOT NULL PRIMARY KEY,
  delivery TEXT NOT NULL REFERENCES observe_delivery (id)
) STRICT;
CREATE INDEX observe_alert_mail_delivery ON observe_alert_mail (delivery);
