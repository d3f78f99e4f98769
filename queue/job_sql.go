package queue

import (
	"errors"
	"strings"
	"time"

	"seaworthy/store"
)

// goqiteTime is the format goqite compares its timeouts in.
func goqiteTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// duplicate is the job that keeps another of the same kind and key out, or store.ErrNotFound. No
// state's name is a part of another's.
func duplicate(tx *store.Tx, uniq string) (id string, err error) {
	err = tx.QueryRow(`SELECT id FROM queue_job WHERE uniq = ? AND (uniq_until > ? OR uniq_states LIKE '%' || state || '%')
		ORDER BY id DESC LIMIT 1`, uniq, tx.Now().UnixMilli()).Scan(&id)
	return id, err
}

func bySourceKey(tx *store.Tx, source, key string) (id string, fingerprint []byte, err error) {
	err = tx.QueryRow(`SELECT id, fingerprint FROM queue_job WHERE source = ? AND idem = ? AND idem IS NOT NULL`, source, key).Scan(&id, &fingerprint)
	return id, fingerprint, err
}

// keepUnique is for how long a job keeps others out.
type keepUnique struct {
	until  int64 // unix ms
	states string
}

// after reports whether a job still does in a state.
func (k keepUnique) after(state State, now time.Time) bool {
	return k.until > now.UnixMilli() || strings.Contains(k.states, string(state))
}

type newJob struct {
	spec
	id, kind, meta, org string
	args                []byte
	state               State
	runAt               time.Time
	uniq, msgID         *string
}

func insertJob(tx *store.Tx, j newJob) error {
	now := tx.Now().UnixMilli()
	var until int64
	if j.window > 0 {
		until = tx.Now().Add(j.window).UnixMilli()
	}
	var limit *int // has a meaning beside a key only
	if j.ckey != "" {
		limit = &j.climit
	}
	if _, err := tx.Exec(`INSERT INTO queue_job (id, msg_id, queue, kind, args, state, priority, attempt, max_attempts, crashes,
			run_at, due_at, created_at, timeout_ms, uniq, uniq_until, uniq_states, ckey, climit, source, idem, fingerprint, endpoint, org,
			deps_left, progress, meta, cancel_requested)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0)`,
		j.id, j.msgID, j.queue, j.kind, j.args, string(j.state), j.priority, j.maxAttempts,
		j.runAt.UnixMilli(), dueAt(j.state, j.runAt), now, j.timeout.Milliseconds(), j.uniq, until, j.uniqueStates(),
		orNull(j.ckey), limit, orNull(j.source), orNull(j.idem), j.fingerprint, orNull(j.endpoint), orNull(j.org), j.meta); err != nil {
		return err
	}
	if j.msgID == nil { // it waits for its time or its key
		return nil
	}
	return sendMessage(tx, *j.msgID, j.queue, j.id, j.priority)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// sendMessage is goqite's Send, with an id we chose and the transaction's time.
func sendMessage(tx *store.Tx, msgID, queue, jobID string, priority int) error {
	at := goqiteTime(tx.Now())
	_, err := tx.Exec(`INSERT INTO goqite (id, created, updated, queue, body, timeout, received, priority)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?)`, msgID, at, at, queue, []byte(jobID), at, priority)
	return err
}

// deleteMessage is goqite's Delete. A message that is gone is no error: whoever took the job away
// has deleted it.
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
	endpoint, ckey               string
	msgID, lease                 *string
	args                         []byte
	attempt, maxAttempts         int
	crashes, snoozes, priority   int
	climit                       int
	created, timeoutMS, runAt    int64
	started, heldSince           *int64
	cancelRequested              bool
	keepUnique
}

const jobColumns = `id, queue, kind, state, coalesce(meta, ''), coalesce(endpoint, ''), coalesce(ckey, ''), msg_id, lease, args, attempt, max_attempts, crashes, snoozes,
	priority, coalesce(climit, 0), created_at, timeout_ms, run_at, started_at, held_since, cancel_requested, uniq_until, uniq_states`

func scanJob(r store.Scanner) (j jobRow, err error) {
	err = r.Scan(&j.id, &j.queue, &j.kind, &j.state, &j.meta, &j.endpoint, &j.ckey, &j.msgID, &j.lease, &j.args, &j.attempt, &j.maxAttempts, &j.crashes, &j.snoozes,
		&j.priority, &j.climit, &j.created, &j.timeoutMS, &j.runAt, &j.started, &j.heldSince, &j.cancelRequested, &j.until, &j.states)
	return j, err
}

func (j jobRow) waiting() waiting {
	return waiting{id: j.id, queue: j.queue, priority: j.priority, ckey: j.ckey, climit: j.climit}
}

func jobByID(tx *store.Tx, id string) (jobRow, error) {
	return scanJob(tx.QueryRow(`SELECT `+jobColumns+` FROM queue_job WHERE id = ?`, id))
}

// markRunning begins an attempt of a job that is available; store.ErrNotFound if it is not.
func markRunning(tx *store.Tx, id, lease string) (jobRow, error) {
	return scanJob(tx.QueryRow(`UPDATE queue_job SET state = 'running', attempt = attempt + 1, lease = ?, started_at = ?
		WHERE id = ? AND state = 'available' RETURNING `+jobColumns, lease, tx.Now().UnixMilli(), id))
}

// markFinished ends an attempt. It changes nothing unless the job is still
// running under the same lease and attempt: the fence against a stale worker.
func (r *running) markFinished(tx *store.Tx, res result) (bool, error) {
	var finished *int64
	progress := 0
	if res.state.Final() {
		now := tx.Now().UnixMilli()
		finished = &now
		progress = int(r.progress.Load())
	}
	if res.state == Completed {
		progress = 100
	}
	n, err := tx.Exec(`UPDATE queue_job SET state = ?, msg_id = NULL, lease = NULL, run_at = ?, due_at = ?, finished_at = ?,
			attempt = attempt - ?, snoozes = snoozes + ?, last_error = coalesce(?, last_error), held_since = ?, cancel_requested = 0,
			progress = ?, output = coalesce(?, output), uniq = CASE WHEN ? THEN uniq ELSE NULL END
		WHERE id = ? AND state = 'running' AND attempt = ? AND lease = ?`,
		string(res.state), res.runAt.UnixMilli(), dueAt(res.state, res.runAt), finished, one(res.refund), one(res.outcome == "snoozed"),
		orNull(res.err), res.heldSince, progress, res.output, r.keep.after(res.state, tx.Now()) || !res.state.Final(),
		r.info.ID, r.info.Attempt, r.q.lease)
	return n == 1, err
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func insertAttempt(tx *store.Tx, id string, attempt int, started int64, r result) error {
	var status *int
	if r.status != 0 {
		status = &r.status
	}
	_, err := tx.Exec(`INSERT INTO queue_attempt (job_id, attempt, started_at, finished_at, outcome, error, stack, http_status, response_snippet)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job_id, attempt, started_at) DO NOTHING`,
		id, attempt, started, tx.Now().UnixMilli(), r.outcome, orNull(r.err), orNull(r.stack), status, orNull(r.snippet))
	return err
}

// orphans are the jobs another process left running.
func orphans(tx *store.Tx, lease string, limit int) ([]jobRow, error) {
	return store.All(tx, scanJob, `SELECT `+jobColumns+` FROM queue_job WHERE state = 'running' AND lease <> ? ORDER BY lease LIMIT ?`, lease, limit)
}

// markTakenBack says what becomes of a job whose worker is gone. Its last error is a crash, or
// what made an end of it; that a worker fell silent is none of its own.
func markTakenBack(tx *store.Tx, j jobRow, res result) error {
	var finished *int64
	if res.state.Final() {
		now := tx.Now().UnixMilli()
		finished = &now
	} else if res.outcome == "lost" {
		res.err = ""
	}
	return tx.ExecOne(`UPDATE queue_job SET state = ?, crashes = ?, lease = NULL, finished_at = ?, last_error = coalesce(?, last_error), cancel_requested = 0,
		msg_id = CASE WHEN ? = 'available' THEN msg_id ELSE NULL END, uniq = CASE WHEN ? THEN uniq ELSE NULL END WHERE id = ?`,
		string(res.state), j.crashes, finished, orNull(res.err), string(res.state), j.after(res.state, tx.Now()) || !res.state.Final(), j.id)
}

// cancelRequested reports whether somebody cancelled a job while it ran.
func cancelRequested(tx *store.Tx, id string) (bool, error) {
	var requested bool
	err := tx.QueryRow(`SELECT cancel_requested FROM queue_job WHERE id = ?`, id).Scan(&requested)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return requested, err
}
