package queue

import (
	"errors"
	"maps"
	"time"

	"seaworthy/store"
)

// Filter says which jobs a list shows; what is empty is not asked for.
type Filter struct {
	State                      State
	Kind, Queue, Org, Endpoint string
	Before                     string // id; newer ones and it are left out
	Limit                      int
}

// List returns jobs, the newest first.
func List(tx *store.Tx, f Filter) ([]Record, error) {
	if f.Before == "" {
		f.Before = "job_~"
	}
	rest := []any{string(f.State), string(f.State), f.Kind, f.Kind, f.Queue, f.Queue, f.Org, f.Org, f.Endpoint, f.Endpoint, f.Before, f.Limit}
	with := func(first any) []any { return append([]any{first}, rest...) }
	// One text for each index: the filter walks the narrowest one and looks at the
	// rest as it goes.
	switch {
	case f.State != "" && f.State != Completed:
		return store.All(tx, scanRecord, recordColumns+`WHERE state = ? `+andRest, with(string(f.State))...)
	case f.Endpoint != "":
		return store.All(tx, scanRecord, recordColumns+`WHERE endpoint IS NOT NULL AND endpoint = ? `+andRest, with(f.Endpoint)...)
	case f.Kind != "":
		return store.All(tx, scanRecord, recordColumns+`WHERE kind = ? `+andRest, with(f.Kind)...)
	case f.Org != "":
		return store.All(tx, scanRecord, recordColumns+`WHERE org IS NOT NULL AND org = ? `+andRest, with(f.Org)...)
	case f.Queue != "":
		return store.All(tx, scanRecord, recordColumns+`WHERE queue = ? `+andRest, with(f.Queue)...)
	case f.State != "":
		return store.All(tx, scanRecord, recordColumns+`WHERE state = ? `+andRest, with(string(f.State))...)
	}
	return store.All(tx, scanRecord, recordColumns+`WHERE id < ? ORDER BY id DESC LIMIT ?`, f.Before, f.Limit)
}

const andRest = `AND (? = '' OR state = ?) AND (? = '' OR kind = ?) AND (? = '' OR queue = ?) AND (? = '' OR org = ?) AND (? = '' OR endpoint = ?)
	AND id < ? ORDER BY id DESC LIMIT ?`

// Record is a job as it stands.
type Record struct {
	ID, Kind, Queue, Endpoint, Org string
	State                          State
	Priority, Attempt, MaxAttempts int
	Crashes, Snoozes, Progress     int
	RunAt, Created                 time.Time
	Started, Finished              time.Time // of the last attempt, of the job; zero before
	Timeout                        time.Duration
	Key                            string // concurrency key
	KeyLimit                       int
	Source, Idempotency            string
	Args, Output                   []byte
	LastError                      string
	Cancelling                     bool // cancelled, and its handler has not returned
	Meta                           []byte
}

const recordColumns = `SELECT id, kind, queue, coalesce(endpoint, ''), coalesce(org, ''), state, priority, attempt, max_attempts, crashes, snoozes, progress,
	run_at, created_at, coalesce(started_at, 0), coalesce(finished_at, 0), timeout_ms, coalesce(ckey, ''), coalesce(climit, 0), coalesce(source, ''), coalesce(idem, ''),
	args, output, coalesce(last_error, ''), cancel_requested, coalesce(meta, '') FROM queue_job `

func scanRecord(r store.Scanner) (j Record, err error) {
	var runAt, created, started, finished, timeout int64
	err = r.Scan(&j.ID, &j.Kind, &j.Queue, &j.Endpoint, &j.Org, &j.State, &j.Priority, &j.Attempt, &j.MaxAttempts, &j.Crashes, &j.Snoozes, &j.Progress,
		&runAt, &created, &started, &finished, &timeout, &j.Key, &j.KeyLimit, &j.Source, &j.Idempotency, &j.Args, &j.Output, &j.LastError, &j.Cancelling, &j.Meta)
	j.RunAt, j.Created, j.Started, j.Finished = moment(runAt), moment(created), moment(started), moment(finished)
	j.Timeout = time.Duration(timeout) * time.Millisecond
	return j, err
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ByID is one job, or store.ErrNotFound.
func ByID(tx *store.Tx, id string) (Record, error) {
	return scanRecord(tx.QueryRow(recordColumns+`WHERE id = ?`, id))
}

// Attempt is one run of a job that ended.
type Attempt struct {
	Number            int
	Started, Finished time.Time
	Outcome           string // completed failed panicked timeout snoozed cancelled crashed lost stopped unknown_kind
	Err, Stack        string
	Status            int // an endpoint's answer; 0: none
	Snippet           string
}

// Attempts is the history of a job, the oldest first.
func Attempts(tx *store.Tx, id string, limit int) ([]Attempt, error) {
	return store.All(tx, func(r store.Scanner) (a Attempt, err error) {
		var started, finished int64
		err = r.Scan(&a.Number, &started, &finished, &a.Outcome, &a.Err, &a.Stack, &a.Status, &a.Snippet)
		a.Started, a.Finished = moment(started), moment(finished)
		return a, err
	}, `SELECT attempt, started_at, finished_at, outcome, coalesce(error, ''), coalesce(stack, ''), coalesce(http_status, 0), coalesce(response_snippet, '')
		FROM queue_attempt WHERE job_id = ? ORDER BY attempt, started_at LIMIT ?`, id, limit)
}

// CountState counts the jobs in a state, up to a limit that bounds the work.
func CountState(tx *store.Tx, state State, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM queue_job WHERE state = ? LIMIT ?)`, string(state), limit).Scan(&n)
	return n, err
}

// OldestReady is how long jobs that could run have waited, of each queue the one that was enqueued
// first; 0 when none waits. Queues that people hold back or slow down do not count.
func OldestReady(tx *store.Tx) (time.Duration, error) {
	lines, err := Lines(tx, 1)
	return Oldest(lines), err
}

// Oldest is OldestReady for lines that were read already.
func Oldest(lines []Line) (oldest time.Duration) {
	for _, l := range lines {
		if !l.Paused && l.Rate == 0 {
			oldest = max(oldest, l.Oldest)
		}
	}
	return oldest
}

// Line is a queue as it stands.
type Line struct {
	Setting
	Ready  int           // with a message, running ones too; up to the limit of the count
	Oldest time.Duration // since that of the ready jobs which was enqueued first could have started
}

// Lines are the queues that have work ready or that somebody changed, by name.
// Ready jobs are counted up to a limit.
func Lines(tx *store.Tx, limit int) ([]Line, error) {
	const most = 1000
	changed, err := settings(tx, most)
	if err != nil {
		return nil, err
	}
	var all []Line
	for after := ""; len(all) < most; {
		name, err := nextQueue(tx, after)
		none := errors.Is(err, store.ErrNotFound)
		if err != nil && !none {
			return nil, err
		}
		for len(changed) > 0 && (none || changed[0].Queue <= name) {
			if none || changed[0].Queue < name {
				all = append(all, Line{Setting: changed[0]})
				changed = changed[1:]
				continue
			}
			break
		}
		if none {
			return all, nil
		}
		l := Line{Setting: Setting{Queue: name}}
		if len(changed) > 0 && changed[0].Queue == name {
			l.Setting, changed = changed[0], changed[1:]
		}
		if err := l.measure(tx, limit); err != nil {
			return nil, err
		}
		all, after = append(all, l), name
	}
	return all, nil
}

func (l *Line) measure(tx *store.Tx, limit int) error {
	var runAt int64
	err := tx.QueryRow(`SELECT run_at FROM queue_job WHERE state = 'available' AND queue = ? ORDER BY id LIMIT 1`, l.Queue).Scan(&runAt)
	if err == nil {
		l.Oldest = max(0, tx.Now().Sub(time.UnixMilli(runAt)))
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM goqite WHERE queue = ? LIMIT ?)`, l.Queue, limit).Scan(&l.Ready)
}

// Running is how many jobs run in this process now.
func (q *Queue) Running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.running)
}

// Halted names the queues in which a job could have run for longer than d, and
// none was started meanwhile. One that is only behind still starts jobs.
func (q *Queue) Halted(lines []Line, d time.Duration) (names []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range lines {
		last, ok := q.last[l.Queue]
		if !ok {
			last = q.opened
		}
		if !l.Paused && l.Rate == 0 && l.Oldest > d && q.db.Now().Sub(last) > d {
			names = append(names, l.Queue)
		}
	}
	return names
}

// Busy is how many jobs of each queue run in this process now.
func (q *Queue) Busy() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.busy)
}
