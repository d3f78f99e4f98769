package queue

import (
	"errors"
	"time"

	"seaworthy/store"
)

// A concurrency key holds back at the moment a job would become ready, not when a
// worker looks for one: so a claim never has to skip rows (Solid Queue's idea).
// A place is held from there until the job is neither available nor running.

// admit is what becomes of a job whose time has come: Available, or Blocked while
// its key has no place.
func admit(tx *store.Tx, key string, limit int) (State, error) {
	if key == "" {
		return Available, nil
	}
	n, err := holders(tx, key, limit)
	if err != nil || n >= limit {
		return Blocked, err
	}
	return Available, nil
}

// makeReady gives a waiting job its message, or blocks it.
func makeReady(tx *store.Tx, w waiting) error {
	state, err := admit(tx, w.ckey, w.climit)
	if err != nil {
		return err
	}
	if state == Blocked {
		return tx.ExecOne(`UPDATE queue_job SET state = 'blocked', msg_id = NULL, lease = NULL, due_at = NULL WHERE id = ?`, w.id)
	}
	msg := newMessageID()
	if err := tx.ExecOne(`UPDATE queue_job SET state = 'available', msg_id = ?, lease = NULL, due_at = NULL WHERE id = ?`, msg, w.id); err != nil {
		return err
	}
	return sendMessage(tx, msg, w.queue, w.id, w.priority)
}

// vacate lets in those that a job kept out, once it holds its place no more. The
// job must have left its state already.
func vacate(tx *store.Tx, key string) error {
	if key == "" {
		return nil
	}
	for {
		next, err := firstBlocked(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := holders(tx, key, next.climit)
		if err != nil || n >= next.climit {
			return err
		}
		if err := makeReady(tx, next); err != nil {
			return err
		}
		tx.Notify(Ready)
	}
}

// waiting is a job that could become ready.
type waiting struct {
	id, queue, ckey  string
	priority, climit int
}

const waitingColumns = `SELECT id, queue, priority, coalesce(ckey, ''), coalesce(climit, 0) FROM queue_job `

func scanWaiting(r store.Scanner) (w waiting, err error) {
	return w, r.Scan(&w.id, &w.queue, &w.priority, &w.ckey, &w.climit)
}

func dueJobs(tx *store.Tx, limit int) ([]waiting, error) {
	return store.All(tx, scanWaiting, waitingColumns+`WHERE due_at <= ? ORDER BY due_at LIMIT ?`, tx.Now().UnixMilli(), limit)
}

func firstBlocked(tx *store.Tx, key string) (waiting, error) {
	return scanWaiting(tx.QueryRow(waitingColumns+`WHERE state = 'blocked' AND ckey = ? ORDER BY priority DESC, id LIMIT 1`, key))
}

// holders counts the jobs that hold a place of a key, up to a limit.
func holders(tx *store.Tx, key string, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM queue_job
		WHERE ckey = ? AND ckey IS NOT NULL AND state IN ('available', 'running') LIMIT ?)`, key, limit).Scan(&n)
	return n, err
}

// nextDue is when the next waiting job is due, in unix ms, or ErrNotFound.
func nextDue(tx *store.Tx) (at int64, err error) {
	err = tx.QueryRow(`SELECT due_at FROM queue_job WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1`).Scan(&at)
	return at, err
}

// dueAt is what the index of waiting jobs holds.
func dueAt(state State, runAt time.Time) *int64 {
	if state != Scheduled && state != Retryable {
		return nil
	}
	at := runAt.UnixMilli()
	return &at
}
