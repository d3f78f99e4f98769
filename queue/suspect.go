package queue

import (
	"time"

	"seaworthy/store"
)

// When the process dies, every job that was running is blamed, the innocent
// with the guilty. A job on its last chance therefore waits until no other such
// job runs: the one that kills the process then dies alone. And it waits until
// the process has settled: one that is killed again and again by something else
// takes its jobs up again first at each start, and would make dead letters of them.

const (
	awaitTurn = 200 * time.Millisecond // how long a suspect waits before it is looked at again
	settle    = 5 * time.Second        // how long the process runs before a suspect does
)

// suspectWaits returns how long a suspect is to wait; 0: it may run.
func (q *Queue) suspectWaits(now time.Time, another bool) time.Duration {
	up := now.Sub(q.opened)
	switch {
	case up >= 0 && up < settle: // a clock that was set back says nothing
		return settle - up
	case another:
		return awaitTurn
	}
	return 0
}

func (q *Queue) suspectRuns() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.running {
		if r.suspect {
			return true
		}
	}
	return false
}

// postpone takes back the claim of a job that may not run yet, as if it had
// never been claimed.
func (r *running) postpone(tx *store.Tx, wait time.Duration) error {
	at := tx.Now().Add(wait).UnixMilli()
	if err := tx.ExecOne(`UPDATE queue_job SET state = 'scheduled', msg_id = NULL, lease = NULL, attempt = attempt - 1, run_at = ?, due_at = ? WHERE id = ?`,
		at, at, r.info.ID); err != nil {
		return err
	}
	tx.Notify(Ready)
	if err := deleteMessage(tx, r.msgID); err != nil {
		return err
	}
	return vacate(tx, r.ckey)
}
