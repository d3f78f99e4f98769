-- The append-only log (spec/audit.md B4). body holds no personal data: those are
-- salted disclosures in audit_disclosure, so that erasing them leaves body and
-- leaf, and with them every proof, untouched.
CREATE TABLE audit_event (
  seq INTEGER NOT NULL PRIMARY KEY,     -- 1, 2, 3 without gaps
  id TEXT NOT NULL,
  ts INTEGER NOT NULL,
  org TEXT,
  org_seq INTEGER,                      -- 1, 2, 3 within the org
  actor TEXT NOT NULL,                  -- type:id
  action TEXT NOT NULL,
  target TEXT,                          -- type:id of the first target
  request_id TEXT,
  body TEXT NOT NULL,                   -- canonical JSON with a 128-bit nonce, at most 65535 bytes
  leaf BLOB NOT NULL                    -- RFC 6962 leaf hash of body
) STRICT;

CREATE UNIQUE INDEX audit_event_id ON audit_event (id);
CREATE UNIQUE INDEX audit_event_org ON audit_event (org, org_seq) WHERE org IS NOT NULL;
CREATE INDEX audit_event_actor ON audit_event (actor, seq);
CREATE INDEX audit_event_action ON audit_event (action, seq);
CREATE INDEX audit_event_target ON audit_event (target, seq) WHERE target IS NOT NULL;

CREATE TABLE audit_disclosure (
  seq INTEGER NOT NULL REFERENCES audit_event (seq),
  subject TEXT NOT NULL,                -- type:id of the person; '' when unknown
  items TEXT NOT NULL,                  -- JSON: [[salt, name, value], ...] as RFC 9901 discloses them
  PRIMARY KEY (seq, subject)
) STRICT;

CREATE INDEX audit_disclosure_subject ON audit_disclosure (subject, seq);

-- Guards. INSERT OR REPLACE deletes without firing delete triggers, so the insert
-- guard is what stops it: only the next seq may be inserted.
CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN
  SELECT RAISE(ABORT, 'audit_event is append-only');
END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN
  SELECT RAISE(ABORT, 'audit_event is append-only');
END;
CREATE TRIGGER audit_event_only_next BEFORE INSERT ON audit_event
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_event) BEGIN
  SELECT RAISE(ABORT, 'audit_event takes the next seq only');
END;
