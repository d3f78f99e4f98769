-- Schedules, and each time one was due. The first tables of these names were never
-- written to.
DROP TABLE queue_schedule_run;
DROP TABLE queue_schedule;

CREATE TABLE queue_schedule (
  name TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,                 -- code: the program declares it; person
  spec TEXT NOT NULL,                   -- five fields, or @daily, @every 90s…
  tz TEXT NOT NULL,                     -- IANA name; empty: UTC
  missed TEXT NOT NULL,                 -- skip, once or all:N
  overlap INTEGER NOT NULL,             -- 0: a run is left out while the last one is unfinished
  kind TEXT NOT NULL,                   -- of its jobs
  args BLOB,                            -- JSON; NULL: the schedule's name and when it was due
  queue TEXT NOT NULL,
  priority INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  timeout_ms INTEGER NOT NULL,
  endpoint TEXT NOT NULL,               -- of the customer's app; empty: a handler of the program
  next_at INTEGER,                      -- NULL while paused, retired or faulty
  last_at INTEGER,                      -- due time of the last run
  paused_at INTEGER,
  retired_at INTEGER,                   -- the program does not declare it any more since
  fault TEXT,                           -- why it does not run
  left_out INTEGER NOT NULL,            -- runs that were missed and not made up, the last time that happened
  left_out_at INTEGER,
  kept INTEGER NOT NULL,                -- rows of queue_schedule_run
  purged_to INTEGER NOT NULL,           -- due times up to here are not in queue_schedule_run any more
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX queue_schedule_next ON queue_schedule (next_at) WHERE next_at IS NOT NULL;

-- That this row is unique is what makes a run happen once, whoever is quicker.
CREATE TABLE queue_schedule_run (
  name TEXT NOT NULL REFERENCES queue_schedule (name) ON DELETE CASCADE,
  due_at INTEGER NOT NULL,
  made_at INTEGER NOT NULL,             -- when its job was enqueued
  outcome TEXT NOT NULL,                -- enqueued, by_hand, overlap
  job_id TEXT,
  PRIMARY KEY (name, due_at)
) STRICT;

CREATE INDEX queue_schedule_run_job ON queue_schedule_run (job_id, due_at) WHERE job_id IS NOT NULL;
