-- A row of goqite exists exactly while the job is available or running; everything
-- else about a job lives here (spec/jobs.md section 2).
CREATE TABLE queue_job (
  id TEXT NOT NULL PRIMARY KEY,
  msg_id TEXT,                          -- goqite.id while available or running
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  args BLOB NOT NULL,                   -- JSON
  key_id TEXT,                          -- of the key args are sealed with; NULL: plain
  state TEXT NOT NULL,                  -- scheduled blocked available running retryable completed dead cancelled
  priority INTEGER NOT NULL,            -- higher first
  attempt INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL,             -- times the process died while it ran
  run_at INTEGER NOT NULL,              -- not before
  due_at INTEGER,                       -- run_at while scheduled or retryable
  created_at INTEGER NOT NULL,
  started_at INTEGER,                   -- of the last attempt
  finished_at INTEGER,                  -- when it became completed, dead or cancelled
  held_since INTEGER,                   -- its kind is unknown to this binary since
  timeout_ms INTEGER NOT NULL,
  lease TEXT,                           -- of the engine that runs it; with attempt, the fence
  uniq TEXT,                            -- hash of kind and key
  uniq_until INTEGER NOT NULL,          -- uniqueness outlives the job until then
  ckey TEXT,                            -- concurrency key
  climit INTEGER,
  source TEXT,                          -- outbox or API client the job came from
  idem TEXT,                            -- its idempotency key there
  fingerprint BLOB,                     -- of the request that idem belongs to
  parent TEXT,
  batch TEXT,
  deps_left INTEGER NOT NULL,
  progress INTEGER NOT NULL,            -- 0 to 100
  output BLOB,
  last_error TEXT,
  meta TEXT,                            -- JSON: who caused it
  traceparent TEXT,
  cancel_requested INTEGER NOT NULL     -- 0 or 1: cancelled while running, final on return
) STRICT;

CREATE UNIQUE INDEX queue_job_msg ON queue_job (msg_id) WHERE msg_id IS NOT NULL;
CREATE INDEX queue_job_due ON queue_job (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX queue_job_running ON queue_job (lease) WHERE state = 'running';
CREATE INDEX queue_job_uniq ON queue_job (uniq, uniq_until) WHERE uniq IS NOT NULL;
CREATE UNIQUE INDEX queue_job_idem ON queue_job (source, idem) WHERE idem IS NOT NULL;
CREATE INDEX queue_job_blocked ON queue_job (ckey, id) WHERE state = 'blocked';
CREATE INDEX queue_job_state ON queue_job (state, id);
CREATE INDEX queue_job_ready ON queue_job (queue, id) WHERE state = 'available';
CREATE INDEX queue_job_finished ON queue_job (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE queue_attempt (
  job_id TEXT NOT NULL REFERENCES queue_job (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,                -- completed failed panicked timeout snoozed cancelled crashed lost stopped unknown_kind
  error TEXT,
  stack TEXT,
  http_status INTEGER,
  response_snippet TEXT,
  PRIMARY KEY (job_id, attempt, started_at)
) STRICT;

CREATE TABLE queue_schedule (
  name TEXT NOT NULL PRIMARY KEY,
  spec TEXT NOT NULL,
  tz TEXT NOT NULL,
  missed TEXT NOT NULL,
  next_at INTEGER,
  last_at INTEGER
) STRICT;

CREATE TABLE queue_schedule_run (
  name TEXT NOT NULL REFERENCES queue_schedule (name) ON DELETE CASCADE,
  due_at INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  PRIMARY KEY (name, due_at)
) STRICT;

CREATE TABLE queue_setting (
  queue TEXT NOT NULL PRIMARY KEY,
  paused INTEGER NOT NULL,
  concurrency INTEGER,
  rate REAL,
  burst INTEGER,
  tat INTEGER
) STRICT;
