package queue

import (
	"time"

	"seaworthy/store"
)

// goqiteTime is the format goqite compares its timeouts in.
func goqiteTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func duplicate(tx *store.Tx, uniq string) (id string, err error) {
	err = tx.QueryRow(`SELECT id FROM queue_job WHERE uniq = ?
		AND (state NOT IN ('completed', 'dead', 'cancelled') OR uniq_until > ?)
		ORDER BY id DESC LIMIT 1`, uniq, tx.Now().UnixMilli()).Scan(&id)
	return id, err
}

type newJob struct {
	spec
	id, kind, meta string
	args           []byte
	state          State
	runAt          time.Time
	uniq, msgID    *string
}

func insertJob(tx *store.Tx, j newJob) error {
	now := tx.Now().UnixMilli()
	var until int64
	if j.window > 0 {
		until = tx.Now().Add(j.window).UnixMilli()
	}
	if _, err := tx.Exec(`INSERT INTO queue_job (id, msg_id, queue, kind, args, state, priority, attempt, max_attempts, crashes,
			run_at, due_at, created_at, timeout_ms, uniq, uniq_until, deps_left, progress, meta, cancel_requested)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0)`,
		j.id, j.msgID, j.queue, j.kind, j.args, string(j.state), j.priority, j.maxAttempts,
		j.runAt.UnixMilli(), dueAt(j.state, j.runAt), now, j.timeout.Milliseconds(), j.uniq, until, j.meta); err != nil {
		return err
	}
	if j.msgID == nil {
		return nil
	}
	return sendMessage(tx, *j.msgID, j.queue, j.id, j.priority)
}

// dueAt is what the index of waiting jobs holds.
func dueAt(state State, runAt time.Time) *int64 {
	if state != Scheduled && state != Retryable {
		return nil
	}
	at := runAt.UnixMilli()
	return &at
}

// sendMessage is goqite's Send, with an id we chose and the transaction's time.
func sendMessage(tx *store.Tx, msgID, queue, jobID string, priority int) error {
	at := goqiteTime(tx.Now())
	_, err := tx.Exec(`INSERT INTO goqite (id, created, updated, queue, body, timeout, received, priority)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?)`, msgID, at, at, queue, []byte(jobID), at, priority)
	return err
}

func deleteMessage(tx *store.Tx, msgID string) error {
	_, err := tx.Exec(`DELETE FROM goqite WHERE id = ?`, msgID)
	return err
}

func extendMessage(tx *store.Tx, msgID string, until time.Time) error {
	_, err := tx.Exec(`UPDATE goqite SET timeout = ? WHERE id = ?`, goqiteTime(until), msgID)
	return err
}

// nextQueue walks the names of the queues that have messages, one index seek each.
func nextQueue(tx *store.Tx, after string) (name string, err error) {
	err = tx.QueryRow(`SELECT queue FROM goqite WHERE queue > ? ORDER BY queue LIMIT 1`, after).Scan(&name)
	return name, err
}

type message struct{ id, jobID string }

// receiveMessages is goqite's Receive for up to n messages at once.
func receiveMessages(tx *store.Tx, queue string, n int, lease time.Duration) ([]message, error) {
	return store.All(tx, func(r store.Scanner) (m message, err error) {
		var body []byte
		err = r.Scan(&m.id, &body)
		m.jobID = string(body)
		return m, err
	}, `UPDATE goqite SET timeout = ?, received = received + 1
		WHERE id IN (SELECT id FROM goqite WHERE queue = ? AND timeout <= ? ORDER BY priority DESC, created LIMIT ?)
		RETURNING id, body`, goqiteTime(tx.Now().Add(lease)), queue, goqiteTime(tx.Now()), n)
}

type jobRow struct {
	id, queue, kind, state, meta string
	msgID, lease                 *string
	args                         []byte
	attempt, maxAttempts         int
	crashes                      int
	created, timeoutMS           int64
	started, heldSince           *int64
	cancelRequested              bool
}

const jobColumns = `id, queue, kind, state, coalesce(meta, ''), msg_id, lease, args, attempt, max_attempts, crashes, created_at, timeout_ms, started_at, held_since, cancel_requested`

func scanJob(r store.Scanner) (j jobRow, err error) {
	err = r.Scan(&j.id, &j.queue, &j.kind, &j.state, &j.meta, &j.msgID, &j.lease, &j.args,
		&j.attempt, &j.maxAttempts, &j.crashes, &j.created, &j.timeoutMS, &j.started, &j.heldSince, &j.cancelRequested)
	return j, err
}

func jobByID(tx *store.Tx, id string) (jobRow, error) {
	return scanJob(tx.QueryRow(`SELECT `+jobColumns+` FROM queue_job WHERE id = ?`, id))
}

func markRunning(tx *store.Tx, id, lease string) (jobRow, error) {
	return scanJob(tx.QueryRow(`UPDATE queue_job SET state = 'running', attempt = attempt + 1, lease = ?, started_at = ?
		WHERE id = ? AND state = 'available' RETURNING `+jobColumns, lease, tx.Now().UnixMilli(), id))
}

// markFinished ends an attempt. It changes nothing unless the job is still
// running under the same lease and attempt: the fence against a stale worker.
func markFinished(tx *store.Tx, id, lease string, attempt int, r result) (bool, error) {
	var finished *int64
	if r.state.Final() {
		now := tx.Now().UnixMilli()
		finished = &now
	}
	var lastError *string
	if r.err != "" {
		lastError = &r.err
	}
	refund := 0
	if r.refund {
		refund = 1
	}
	n, err := tx.Exec(`UPDATE queue_job SET state = ?, msg_id = NULL, lease = NULL, run_at = ?, due_at = ?, finished_at = ?,
			attempt = attempt - ?, last_error = coalesce(?, last_error), held_since = ?, cancel_requested = 0
		WHERE id = ? AND state = 'running' AND attempt = ? AND lease = ?`,
		string(r.state), r.runAt.UnixMilli(), dueAt(r.state, r.runAt), finished, refund, lastError, r.heldSince, id, attempt, lease)
	return n == 1, err
}

func insertAttempt(tx *store.Tx, id string, attempt int, started int64, r result) error {
	var errText, stack *string
	if r.err != "" {
		errText = &r.err
	}
	if r.stack != "" {
		stack = &r.stack
	}
	_, err := tx.Exec(`INSERT INTO queue_attempt (job_id, attempt, started_at, finished_at, outcome, error, stack)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, attempt, started_at) DO NOTHING`,
		id, attempt, started, tx.Now().UnixMilli(), r.outcome, errText, stack)
	return err
}

// makeAvailable gives a waiting job a message again.
func makeAvailable(tx *store.Tx, id, queue string, priority int) error {
	msg := newMessageID()
	if err := tx.ExecOne(`UPDATE queue_job SET state = 'available', msg_id = ?, lease = NULL, due_at = NULL WHERE id = ?`, msg, id); err != nil {
		return err
	}
	return sendMessage(tx, msg, queue, id, priority)
}

type dueJob struct {
	id, queue string
	priority  int
}

func dueJobs(tx *store.Tx, limit int) ([]dueJob, error) {
	return store.All(tx, func(r store.Scanner) (d dueJob, err error) { return d, r.Scan(&d.id, &d.queue, &d.priority) },
		`SELECT id, queue, priority FROM queue_job WHERE due_at <= ? ORDER BY due_at LIMIT ?`, tx.Now().UnixMilli(), limit)
}

// nextDue is when the next waiting job is due, in unix ms, or ErrNotFound.
func nextDue(tx *store.Tx) (at int64, err error) {
	err = tx.QueryRow(`SELECT due_at FROM queue_job WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1`).Scan(&at)
	return at, err
}

// orphans are the jobs another process left running.
func orphans(tx *store.Tx, lease string, limit int) ([]jobRow, error) {
	return store.All(tx, scanJob, `SELECT `+jobColumns+` FROM queue_job WHERE state = 'running' AND lease <> ? ORDER BY lease LIMIT ?`, lease, limit)
}

func markCrashed(tx *store.Tx, id string, state State, finished *int64, lastError string) error {
	return tx.ExecOne(`UPDATE queue_job SET state = ?, crashes = crashes + 1, lease = NULL, finished_at = ?, last_error = ?,
		msg_id = CASE WHEN ? = 'available' THEN msg_id ELSE NULL END WHERE id = ?`,
		string(state), finished, lastError, string(state), id)
}

func purgeFinished(tx *store.Tx, completedBefore, othersBefore time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM queue_job WHERE id IN (
		SELECT id FROM queue_job WHERE finished_at IS NOT NULL AND finished_at < ? AND (state = 'completed' OR finished_at < ?)
		ORDER BY finished_at LIMIT ?)`, completedBefore.UnixMilli(), othersBefore.UnixMilli(), limit)
}
