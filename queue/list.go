package queue

import (
	"errors"
	"time"

	"seaworthy/store"
)

// Listed is a job as a list shows it.
type Listed struct {
	ID, Kind, Queue, LastError string
	State                      State
	Attempt, MaxAttempts       int
	RunAt                      time.Time
}

// List returns jobs, newest first: those before the id, in one state if it is
// not empty.
func List(tx *store.Tx, state State, before string, limit int) ([]Listed, error) {
	if before == "" {
		before = "job_~"
	}
	if state != "" {
		return store.All(tx, scanListed, listedColumns+`WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?`, string(state), before, limit)
	}
	return store.All(tx, scanListed, listedColumns+`WHERE id < ? ORDER BY id DESC LIMIT ?`, before, limit)
}

const listedColumns = `SELECT id, kind, queue, state, attempt, max_attempts, run_at, coalesce(last_error, '') FROM queue_job `

func scanListed(r store.Scanner) (l Listed, err error) {
	var at int64
	err = r.Scan(&l.ID, &l.Kind, &l.Queue, &l.State, &l.Attempt, &l.MaxAttempts, &at, &l.LastError)
	l.RunAt = time.UnixMilli(at).UTC()
	return l, err
}

// CountState counts the jobs in a state, up to a limit that bounds the work.
func CountState(tx *store.Tx, state State, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM queue_job WHERE state = ? LIMIT ?)`, string(state), limit).Scan(&n)
	return n, err
}

// OldestReady is how long the longest-waiting ready job has waited, by its place
// in its queue; 0 when none waits.
func OldestReady(tx *store.Tx) (time.Duration, error) {
	var oldest time.Duration
	for after := ""; ; {
		name, err := nextQueue(tx, after)
		if errors.Is(err, store.ErrNotFound) {
			return oldest, nil
		}
		if err != nil {
			return 0, err
		}
		var runAt int64
		err = tx.QueryRow(`SELECT run_at FROM queue_job WHERE state = 'available' AND queue = ? ORDER BY id LIMIT 1`, name).Scan(&runAt)
		if err == nil {
			oldest = max(oldest, tx.Now().Sub(time.UnixMilli(runAt)))
		} else if !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
		after = name
	}
}

// Running is how many jobs run in this process now.
func (q *Queue) Running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.running)
}
