-- Feature flags: definitions, their history, and what is counted of them
-- (spec/flags.md). A definition is a flag object of flagd's JSON, verbatim, with
-- the member x-seaworthy beside flagd's own.
CREATE TABLE flags_flag (
  key TEXT NOT NULL PRIMARY KEY,
  definition TEXT NOT NULL,             -- JSON
  version INTEGER NOT NULL,             -- of flags_version; raised by each change
  state TEXT NOT NULL,                  -- on off killed faulty archived: what a list is narrowed by
  owner TEXT NOT NULL,                  -- from the definition; '' for none
  expires_at INTEGER,                   -- from the definition
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  archived_at INTEGER                   -- NULL: it is evaluated
) STRICT;

-- Each version a flag has had. Append-only: restoring one writes a new version.
CREATE TABLE flags_version (
  key TEXT NOT NULL REFERENCES flags_flag (key),
  version INTEGER NOT NULL,
  act TEXT NOT NULL,                    -- created changed archived unarchived restored imported scheduled
  definition TEXT NOT NULL,
  comment TEXT NOT NULL,
  made_by TEXT NOT NULL,                -- type:id, as the audit log writes it
  made_at INTEGER NOT NULL,
  PRIMARY KEY (key, version)
) STRICT;

-- flagd's $evaluators: rules that flags share, which people know as segments.
CREATE TABLE flags_evaluator (
  name TEXT NOT NULL PRIMARY KEY,
  rule TEXT NOT NULL,                   -- JSON
  about TEXT NOT NULL,                  -- for people
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;

-- Its history outlives it: one that is made again under the name goes on counting.
CREATE TABLE flags_evaluator_version (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  act TEXT NOT NULL,                    -- created changed deleted restored imported
  rule TEXT NOT NULL,
  comment TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;

-- What a flag or an evaluator names: prerequisites, $refs and tags, so that cycles
-- are found before a save and nothing is removed that something needs.
CREATE TABLE flags_reference (
  from_kind TEXT NOT NULL,              -- flag evaluator
  from_name TEXT NOT NULL,
  to_kind TEXT NOT NULL,                -- flag evaluator tag
  to_name TEXT NOT NULL,
  PRIMARY KEY (from_kind, from_name, to_kind, to_name)
) STRICT;
CREATE INDEX flags_reference_to ON flags_reference (to_kind, to_name, from_kind, from_name);

-- The kill switch over many flags: one row.
CREATE TABLE flags_kill (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  everything INTEGER NOT NULL,          -- 1: all flags but those exempt
  tags TEXT NOT NULL,                   -- JSON list; flags with one of them
  version INTEGER NOT NULL,
  since INTEGER,                        -- NULL: nothing is killed here
  made_by TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;
INSERT INTO flags_kill (id, everything, tags, version, since, made_by, why) VALUES (1, 0, '[]', 0, NULL, '', '');

-- One targeting key's variant of a flag; it comes before the flag's targeting.
CREATE TABLE flags_override (
  key TEXT NOT NULL REFERENCES flags_flag (key),
  target TEXT NOT NULL,                 -- targeting key: a user's id
  variant TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (key, target)
) STRICT;
CREATE INDEX flags_override_target ON flags_override (target, key);

-- Changes that wait for their time; a job of the queue makes each, once.
CREATE TABLE flags_change (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL REFERENCES flags_flag (key),
  patch TEXT NOT NULL,                  -- JSON
  state TEXT NOT NULL,                  -- scheduled applied cancelled failed
  due_at INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  comment TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  ended_at INTEGER,
  fault TEXT NOT NULL                   -- why it failed
) STRICT;
CREATE INDEX flags_change_flag ON flags_change (key, id);

-- Evaluations by variant: by the hour for two weeks, by the day for thirteen months.
CREATE TABLE flags_stat (
  key TEXT NOT NULL,
  grain TEXT NOT NULL,                  -- hour day
  at INTEGER NOT NULL,                  -- its beginning, ms UTC
  variant TEXT NOT NULL,                -- '' for an answer without a variant
  n INTEGER NOT NULL,
  PRIMARY KEY (key, grain, at, variant)
) STRICT;
CREATE INDEX flags_stat_age ON flags_stat (grain, at);

-- When a flag was last evaluated, and since when with one variant alone.
CREATE TABLE flags_use (
  key TEXT NOT NULL PRIMARY KEY,
  last_at INTEGER NOT NULL,
  variant TEXT NOT NULL,                -- '' when the last evaluations had several
  variant_since INTEGER NOT NULL
) STRICT;
