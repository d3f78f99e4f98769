package observe

// The tables of telemetry.db. Each entry brings the file one version further.
// Whatever is here may be lost; the business database knows nothing of it.
var mainSchema = []string{`
CREATE TABLE observe_issue (
	id            TEXT NOT NULL PRIMARY KEY,
	algo          INTEGER NOT NULL, -- version of the grouping that made hash
	hash          TEXT NOT NULL,
	kind          TEXT NOT NULL,    -- panic, error, job
	title         TEXT NOT NULL,
	culprit       TEXT NOT NULL,    -- function, else route or kind of job
	status        TEXT NOT NULL,    -- open, resolved, ignored
	assignee      TEXT NOT NULL,    -- user id
	first_seen    INTEGER NOT NULL,
	last_seen     INTEGER NOT NULL,
	n             INTEGER NOT NULL, -- exact, unlike the number of bodies
	first_release TEXT NOT NULL,
	last_release  TEXT NOT NULL,
	resolved_at   INTEGER,
	resolved_in   TEXT,             -- release that still had it: seen in another it is back
	ignored_until INTEGER,          -- 0: for good
	regressed_at  INTEGER,
	first_body    TEXT NOT NULL,
	last_body     TEXT NOT NULL,
	UNIQUE (algo, hash)
) STRICT;
CREATE INDEX observe_issue_status ON observe_issue (status, last_seen DESC, id DESC);
CREATE INDEX observe_issue_seen ON observe_issue (last_seen DESC, id DESC);
CREATE TABLE observe_issue_hour (
	issue TEXT NOT NULL REFERENCES observe_issue (id) ON DELETE CASCADE,
	hour  INTEGER NOT NULL, -- ms, start of the hour
	n     INTEGER NOT NULL,
	PRIMARY KEY (issue, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX observe_issue_hour_hour ON observe_issue_hour (hour);
CREATE TABLE observe_drop (
	hour   INTEGER NOT NULL,
	class  TEXT NOT NULL, -- log, error
	reason TEXT NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (hour, class, reason)
) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE observe_metric (
	res    INTEGER NOT NULL, -- index of the resolution: 10 s, 1 min, 15 min, 1 d
	ts     INTEGER NOT NULL, -- ms, start of the span
	series TEXT NOT NULL,    -- class, a space, name
	blob   BLOB NOT NULL,    -- figures, see histogram.go
	PRIMARY KEY (res, ts, series)
) STRICT, WITHOUT ROWID;
`, `
CREATE TABLE observe_query (
	id         TEXT NOT NULL PRIMARY KEY, -- of its text
	text       TEXT NOT NULL,
	caller     TEXT NOT NULL,             -- function, file and line that ran it first
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL
) STRICT;
CREATE TABLE observe_query_hour (
	hour      INTEGER NOT NULL, -- ms, start of the hour
	query     TEXT NOT NULL,
	rows      INTEGER NOT NULL, -- read or changed
	txs       INTEGER NOT NULL, -- write transactions that ran it; the times are theirs together
	gate_us   INTEGER NOT NULL,
	lock_us   INTEGER NOT NULL,
	commit_us INTEGER NOT NULL,
	blob      BLOB NOT NULL,    -- figures, see histogram.go
	PRIMARY KEY (hour, query)
) STRICT, WITHOUT ROWID;
CREATE INDEX observe_query_hour_query ON observe_query_hour (query, hour);
CREATE TABLE observe_query_source (
	query  TEXT NOT NULL,
	hour   INTEGER NOT NULL,
	source TEXT NOT NULL, -- class, a space, name
	n      INTEGER NOT NULL,
	us     INTEGER NOT NULL,
	PRIMARY KEY (query, hour, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX observe_query_source_hour ON observe_query_source (hour);
CREATE INDEX observe_query_source_source ON observe_query_source (source, hour);
CREATE TABLE observe_release (
	release    TEXT NOT NULL PRIMARY KEY,
	first_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX observe_release_seen ON observe_release (first_seen);
CREATE TABLE observe_monitor (
	id          TEXT NOT NULL PRIMARY KEY, -- of project, slug and environment
	project     INTEGER NOT NULL,
	slug        TEXT NOT NULL,
	environment TEXT NOT NULL,
	spec        TEXT NOT NULL,    -- line of a crontab, or @every; '' for none
	zone        TEXT NOT NULL,
	margin      INTEGER NOT NULL, -- minutes
	longest     INTEGER NOT NULL, -- minutes
	status      TEXT NOT NULL,    -- ok or error, of the run that ended last; '' before the first
	check_in    TEXT NOT NULL,    -- id of the run that began last
	started_at  INTEGER NOT NULL, -- of the run that goes on; 0 for none
	last_at     INTEGER NOT NULL, -- when it last began or ended
	runs        INTEGER NOT NULL,
	failures    INTEGER NOT NULL,
	made_at     INTEGER NOT NULL
) STRICT;
CREATE TABLE observe_plan (
	query      TEXT NOT NULL,
	hash       TEXT NOT NULL,
	plan       TEXT NOT NULL,
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL,
	PRIMARY KEY (query, hash)
) STRICT, WITHOUT ROWID;
`, `
ALTER TABLE observe_issue ADD COLUMN merged_into TEXT NOT NULL DEFAULT ''; -- issue that counts for it as well
ALTER TABLE observe_issue ADD COLUMN project INTEGER NOT NULL DEFAULT 0;   -- 0: this program
ALTER TABLE observe_issue ADD COLUMN level TEXT NOT NULL DEFAULT 'error';
CREATE INDEX observe_issue_merged ON observe_issue (merged_into, id);
CREATE TABLE observe_issue_tag (
	issue     TEXT NOT NULL REFERENCES observe_issue (id) ON DELETE CASCADE,
	name      TEXT NOT NULL, -- release, environment
	value     TEXT NOT NULL,
	last_seen INTEGER NOT NULL,
	PRIMARY KEY (issue, name, value)
) STRICT, WITHOUT ROWID;
INSERT INTO observe_issue_tag (issue, name, value, last_seen) SELECT id, 'release', last_release, last_seen FROM observe_issue WHERE last_release <> '';
INSERT INTO observe_issue_tag (issue, name, value, last_seen) SELECT id, 'release', first_release, first_seen FROM observe_issue WHERE first_release <> '' AND first_release <> last_release;
`, `
DELETE FROM observe_issue_tag WHERE issue NOT IN (SELECT id FROM observe_issue); -- earlier releases left them behind
`}

// The tables of a segment: only ever added to, and deleted as a file.
var segmentSchema = []string{`
CREATE TABLE observe_log (
	seq     INTEGER NOT NULL PRIMARY KEY, -- rises across segments, whatever the clock does
	at      INTEGER NOT NULL,
	level   INTEGER NOT NULL,             -- as slog counts
	msg     TEXT NOT NULL,
	request TEXT NOT NULL,
	trace   TEXT NOT NULL,
	user_id TEXT NOT NULL,
	org     TEXT NOT NULL,
	job     TEXT NOT NULL,
	attrs   TEXT NOT NULL                 -- JSON
) STRICT;
CREATE TABLE observe_event (
	seq   INTEGER NOT NULL PRIMARY KEY,
	issue TEXT NOT NULL,
	at    INTEGER NOT NULL,
	body  TEXT NOT NULL
) STRICT;
CREATE INDEX observe_event_issue ON observe_event (issue, seq);
`, `
CREATE TABLE observe_span (
	seq    INTEGER NOT NULL PRIMARY KEY,
	trace  TEXT NOT NULL,
	span   TEXT NOT NULL,
	parent TEXT NOT NULL,    -- '' for the root
	at     INTEGER NOT NULL, -- start
	ms     INTEGER NOT NULL,
	op     TEXT NOT NULL,
	name   TEXT NOT NULL,
	status TEXT NOT NULL,
	attrs  TEXT NOT NULL     -- JSON
) STRICT;
CREATE INDEX observe_span_trace ON observe_span (trace, seq);
`, `
ALTER TABLE observe_span ADD COLUMN start_us INTEGER NOT NULL DEFAULT 0; -- of the start, beyond its ms
ALTER TABLE observe_span ADD COLUMN us INTEGER NOT NULL DEFAULT 0;       -- how long, exactly; 0 where only ms is known
CREATE TABLE observe_trace (
	seq        INTEGER NOT NULL PRIMARY KEY,
	trace      TEXT NOT NULL,
	at         INTEGER NOT NULL,
	us         INTEGER NOT NULL,
	class      TEXT NOT NULL,
	source     TEXT NOT NULL, -- route or kind of job
	status     TEXT NOT NULL,
	reason     TEXT NOT NULL, -- why it was kept
	spans      INTEGER NOT NULL,
	lost       INTEGER NOT NULL,
	statements INTEGER NOT NULL,
	sql_us     INTEGER NOT NULL,
	wait_us    INTEGER NOT NULL,
	request    TEXT NOT NULL,
	job        TEXT NOT NULL,
	user_id    TEXT NOT NULL
) STRICT;
CREATE INDEX observe_trace_trace ON observe_trace (trace, seq);
CREATE INDEX observe_trace_source ON observe_trace (class, source, seq);
CREATE TABLE observe_slow (
	seq       INTEGER NOT NULL PRIMARY KEY,
	at        INTEGER NOT NULL,
	kind      TEXT NOT NULL, -- slow, wait, n+1
	query     TEXT NOT NULL, -- '' of a wait
	source    TEXT NOT NULL,
	trace     TEXT NOT NULL,
	request   TEXT NOT NULL,
	job       TEXT NOT NULL,
	caller    TEXT NOT NULL,
	gate_us   INTEGER NOT NULL,
	lock_us   INTEGER NOT NULL,
	run_us    INTEGER NOT NULL,
	commit_us INTEGER NOT NULL,
	rows      INTEGER NOT NULL,
	n         INTEGER NOT NULL, -- how often within the request
	blocker   TEXT NOT NULL,
	plan      TEXT NOT NULL  -- at that time
) STRICT;
CREATE INDEX observe_slow_query ON observe_slow (query, seq);
`}

// Schemas are the statements that make an empty file of each kind, for the tests
// that look at every query's plan.
func Schemas() (main, segment []string) { return mainSchema, segmentSchema }
