-- The Merkle tree over the log, what is signed of it, and what stands around an
-- event (spec/audit.md B4). audit_event is made anew: a body can be dropped when
-- its time is over, and each target has a row of its own.

CREATE TABLE audit_target (
  target TEXT NOT NULL,                 -- type:id
  seq INTEGER NOT NULL,
  PRIMARY KEY (target, seq)
) WITHOUT ROWID, STRICT;
INSERT INTO audit_target (target, seq) SELECT target, seq FROM audit_event WHERE target IS NOT NULL;

CREATE TABLE audit_kept_disclosure (
  seq INTEGER NOT NULL,
  subject TEXT NOT NULL,                -- type:id of the person; '' when unknown
  items TEXT NOT NULL,                  -- JSON: [disclosure, ...] as RFC 9901 encodes them
  PRIMARY KEY (seq, subject)
) STRICT;
INSERT INTO audit_kept_disclosure (seq, subject, items) SELECT seq, subject, items FROM audit_disclosure;
DROP TABLE audit_disclosure;
ALTER TABLE audit_kept_disclosure RENAME TO audit_disclosure;
CREATE INDEX audit_disclosure_subject ON audit_disclosure (subject, seq);

CREATE TABLE audit_kept_event (
  seq INTEGER NOT NULL PRIMARY KEY,     -- 1, 2, 3 without gaps
  id TEXT NOT NULL,
  ts INTEGER NOT NULL,
  org TEXT,
  org_seq INTEGER,                      -- 1, 2, 3 within the org
  actor TEXT NOT NULL,                  -- type:id
  action TEXT NOT NULL,
  request_id TEXT,
  body TEXT,                            -- JSON with a 128-bit nonce, at most 65535 bytes; NULL once retention has dropped it
  leaf BLOB NOT NULL                    -- RFC 6962 leaf hash of body
) STRICT;
INSERT INTO audit_kept_event (seq, id, ts, org, org_seq, actor, action, request_id, body, leaf)
  SELECT seq, id, ts, org, org_seq, actor, action, request_id, body, leaf FROM audit_event;
DROP TABLE audit_event;
ALTER TABLE audit_kept_event RENAME TO audit_event;
CREATE UNIQUE INDEX audit_event_id ON audit_event (id);
CREATE UNIQUE INDEX audit_event_org ON audit_event (org, org_seq) WHERE org IS NOT NULL;
CREATE INDEX audit_event_org_action ON audit_event (org, action, seq) WHERE org IS NOT NULL;
CREATE INDEX audit_event_actor ON audit_event (actor, seq);
CREATE INDEX audit_event_action ON audit_event (action, seq);

-- One row for each unbroken history of the log. A restore behind a signed size
-- and a break that was acknowledged begin another.
CREATE TABLE audit_origin (
  gen INTEGER NOT NULL PRIMARY KEY,     -- 1, 2, 3
  origin TEXT NOT NULL,                 -- first line of its checkpoints
  first_seq INTEGER NOT NULL,           -- of its leaf 0
  started_at INTEGER NOT NULL
) STRICT;

-- The tree's size and root as of the last commit, one row.
CREATE TABLE audit_head (
  id INTEGER NOT NULL PRIMARY KEY,      -- 1
  gen INTEGER NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  broken TEXT                           -- why the tree no longer follows the log; NULL while it does
) STRICT;

-- Full tiles of 256 hashes (c2sp.org/tlog-tiles); what is not full yet follows
-- from the leaves and from the roots of the level below.
CREATE TABLE audit_tile (
  gen INTEGER NOT NULL,
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  hashes BLOB NOT NULL,                 -- 256 hashes of 32 bytes
  root BLOB NOT NULL,                   -- of this tile: a hash of the level above
  PRIMARY KEY (gen, level, n)
) STRICT;

-- Signed tree heads (c2sp.org/tlog-checkpoint): the last, and one of each earlier day.
CREATE TABLE audit_checkpoint (
  gen INTEGER NOT NULL,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,                   -- as it was signed
  signed_at INTEGER NOT NULL,
  PRIMARY KEY (gen, size)
) STRICT;

-- Keys that have signed, and up to which size each may be believed.
CREATE TABLE audit_key (
  public TEXT NOT NULL PRIMARY KEY,     -- Ed25519 public key, base64
  since_at INTEGER NOT NULL,
  retired_at INTEGER,
  retired_gen INTEGER,                  -- with retired_size: signs nothing larger
  retired_size INTEGER
) STRICT;

-- How long bodies are kept, by org; '' for events of no org. No row: for ever.
CREATE TABLE audit_retention (
  org TEXT NOT NULL PRIMARY KEY,
  keep_days INTEGER NOT NULL,
  dropped_before INTEGER NOT NULL,      -- bodies of earlier events may be gone, in ms
  dropped_seq INTEGER NOT NULL          -- up to which the bodies are gone
) STRICT;

-- Requests of the API that were carried out, so that a repeat gets the same answer.
CREATE TABLE audit_idempotency (
  source TEXT NOT NULL,                 -- who asked, type:id
  idem TEXT NOT NULL,
  fingerprint BLOB NOT NULL,            -- SHA-256 of the request
  event TEXT NOT NULL,                  -- the one it made: the answer holds personal data and is not kept
  created_at INTEGER NOT NULL,
  PRIMARY KEY (source, idem)
) STRICT;
CREATE INDEX audit_idempotency_age ON audit_idempotency (created_at);

CREATE TABLE audit_export (
  id TEXT NOT NULL PRIMARY KEY,
  org TEXT NOT NULL,                    -- '' for the whole installation
  format TEXT NOT NULL,                 -- csv ndjson bundle
  filter TEXT NOT NULL,                 -- JSON
  state TEXT NOT NULL,                  -- waiting ready failed expired
  requested_by TEXT NOT NULL,           -- type:id
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  events INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  problem TEXT NOT NULL
) STRICT;
CREATE INDEX audit_export_org ON audit_export (org, id);
CREATE INDEX audit_export_age ON audit_export (state, created_at);

-- The last verifications of the whole log, newest with the highest id.
CREATE TABLE audit_verification (
  id INTEGER NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  size INTEGER NOT NULL,                -- events looked at
  bad_seq INTEGER NOT NULL,             -- the first that is wrong; 0: none
  problem TEXT NOT NULL                 -- what is wrong with it; '' when nothing is
) STRICT;

-- Guards. INSERT OR REPLACE deletes without firing delete triggers, so the insert
-- guard is what stops it: only the next seq may be inserted, with an id and an
-- org_seq that no row has. A body may go once its org's retention allows it. A
-- disclosure may be deleted; that it is the right one, its digest in the body says.
CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
WHEN NEW.body IS NOT NULL OR NEW.seq IS NOT OLD.seq OR NEW.id IS NOT OLD.id OR NEW.ts IS NOT OLD.ts OR NEW.org IS NOT OLD.org
  OR NEW.org_seq IS NOT OLD.org_seq OR NEW.actor IS NOT OLD.actor OR NEW.action IS NOT OLD.action
  OR NEW.request_id IS NOT OLD.request_id OR NEW.leaf IS NOT OLD.leaf
  OR OLD.ts >= coalesce((SELECT dropped_before FROM audit_retention WHERE org = coalesce(OLD.org, '')), 0) BEGIN
  SELECT RAISE(ABORT, 'audit_event is append-only');
END;
CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN
  SELECT RAISE(ABORT, 'audit_event is append-only');
END;
CREATE TRIGGER audit_event_only_next BEFORE INSERT ON audit_event
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_event)
  OR EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)
  OR NEW.org IS NOT NULL AND NEW.org_seq IS NOT (SELECT coalesce(max(org_seq), 0) + 1 FROM audit_event WHERE org = NEW.org) BEGIN
  SELECT RAISE(ABORT, 'audit_event takes the next seq only');
END;
CREATE TRIGGER audit_disclosure_no_update BEFORE UPDATE ON audit_disclosure BEGIN
  SELECT RAISE(ABORT, 'a disclosure is deleted, never changed');
END;
CREATE TRIGGER audit_tile_no_update BEFORE UPDATE ON audit_tile BEGIN
  SELECT RAISE(ABORT, 'a full tile never changes');
END;
CREATE TRIGGER audit_tile_no_delete BEFORE DELETE ON audit_tile BEGIN
  SELECT RAISE(ABORT, 'a full tile never changes');
END;
CREATE TRIGGER audit_tile_no_replace BEFORE INSERT ON audit_tile
WHEN EXISTS (SELECT 1 FROM audit_tile WHERE gen = NEW.gen AND level = NEW.level AND n = NEW.n) BEGIN
  SELECT RAISE(ABORT, 'a full tile never changes');
END;
CREATE TRIGGER audit_checkpoint_no_update BEFORE UPDATE ON audit_checkpoint BEGIN
  SELECT RAISE(ABORT, 'a signed checkpoint never changes');
END;
