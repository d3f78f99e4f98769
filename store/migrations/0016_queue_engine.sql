-- What the engine needs beyond running and retrying: limits, the jobs of the
-- customer's app, and figures over time.
ALTER TABLE queue_job ADD COLUMN endpoint TEXT;     -- delivered there over HTTP; NULL: run by a handler of this program
ALTER TABLE queue_job ADD COLUMN org TEXT;          -- on whose behalf, for lists
ALTER TABLE queue_job ADD COLUMN snoozes INTEGER NOT NULL DEFAULT 0; -- attempts that were refunded because the job asked
ALTER TABLE queue_job ADD COLUMN uniq_states TEXT NOT NULL DEFAULT 'scheduled blocked available running retryable'; -- in which it keeps others out

-- queue_job.ckey: at most climit jobs of one key are available or running; the
-- rest are blocked, and each that leaves lets in the next one.
DROP INDEX queue_job_blocked;
CREATE INDEX queue_job_blocked ON queue_job (ckey, priority DESC, id) WHERE state = 'blocked';
CREATE INDEX queue_job_key ON queue_job (ckey) WHERE ckey IS NOT NULL AND state IN ('available', 'running');
DROP INDEX queue_job_finished;
CREATE INDEX queue_job_ended ON queue_job (state, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX queue_job_kind ON queue_job (kind, id);
CREATE INDEX queue_job_queue ON queue_job (queue, id);
CREATE INDEX queue_job_org ON queue_job (org, id) WHERE org IS NOT NULL;
CREATE INDEX queue_job_endpoint ON queue_job (endpoint, id) WHERE endpoint IS NOT NULL;

-- A queue without a row runs with the defaults. rate jobs may start in per_ms,
-- burst of them at once; tat is the theoretical arrival time of the next one (GCRA), in
-- microseconds since 1970.
ALTER TABLE queue_setting ADD COLUMN per_ms INTEGER NOT NULL DEFAULT 1000;
ALTER TABLE queue_setting ADD COLUMN paused_at INTEGER;
ALTER TABLE queue_setting ADD COLUMN paused_by TEXT; -- type:id

-- What ended in a minute, by queue and kind. wait and run are counts of
-- attempts by duration (queue.Buckets), separated by spaces.
CREATE TABLE queue_minute (
  minute INTEGER NOT NULL,              -- unix ms at its start
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,              -- attempts that will be made again
  dead INTEGER NOT NULL,
  wait TEXT NOT NULL,                   -- from ready to start
  run TEXT NOT NULL,                    -- from start to end
  PRIMARY KEY (minute, queue, kind)
) STRICT;
