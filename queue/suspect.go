package queue

import (
	"time"

	"seaworthy/store"
)

// When the process dies, every job that was running is blamed, the innocent
// with the guilty. A job on its last chance therefore waits until no other such
// job runs: the one that kills the process then dies alone.

// awaitTurn is how long a suspect waits before it is looked at again.
const awaitTurn = 200 * time.Millisecond

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
func (r *running) postpone(tx *store.Tx) error {
	at := tx.Now().Add(awaitTurn).UnixMilli()
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
