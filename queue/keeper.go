package queue

import (
	"context"
	"time"

	"seaworthy/store"
)

// keep looks after the running jobs and the tables beside the dispatcher, so that
// neither waits for the other.
func (q *Queue) keep(e *engine) {
	heartbeat := time.NewTicker(q.o.Lease / 4)
	defer heartbeat.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-heartbeat.C:
			q.heartbeat()
		case <-second.C:
			q.writeProgress()
			q.writeFigures(false)
		case <-minute.C:
			q.purge(e.stop)
		}
	}
}

// current is a copy of what runs now.
func (q *Queue) current() []*running {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]*running, 0, len(q.running))
	for _, r := range q.running {
		all = append(all, r)
	}
	return all
}

// heartbeat extends the lease of every running job in one transaction, and says
// which of them ignore the end of their time.
func (q *Queue) heartbeat() {
	all := q.current()
	if len(all) == 0 {
		return
	}
	err := q.db.Write(context.Background(), func(tx *store.Tx) error {
		for _, r := range all {
			if err := extendMessage(tx, r.msgID, tx.Now().Add(q.o.Lease)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.log.Error("leases cannot be extended", "err", err)
	}
	for _, r := range all {
		if over := r.overdue(q.db.Now()); over > q.o.Lease {
			q.log.Error("a job ignores the end of its time and keeps a worker", "job", r.info.ID, "kind", r.info.Kind, "over", over)
		}
	}
}

// overdue is how long ago the attempt should have ended; negative before.
func (r *running) overdue(now time.Time) time.Duration {
	return now.Sub(time.UnixMilli(r.started)) - r.timeout
}

// Stuck counts the running jobs that ignore the end of their time: each keeps a
// worker from others.
func (q *Queue) Stuck() (n int) {
	for _, r := range q.current() {
		if r.overdue(q.db.Now()) > q.o.Lease {
			n++
		}
	}
	return n
}

// unwritten is no progress: whatever it is will be stored.
const unwritten = -1

// writeProgress stores what changed, all jobs' in one transaction.
func (q *Queue) writeProgress() {
	var changed []*running
	for _, r := range q.current() {
		if p := r.progress.Load(); p != r.written {
			r.written = p
			changed = append(changed, r)
		}
	}
	if len(changed) == 0 {
		return
	}
	err := q.db.Write(context.Background(), func(tx *store.Tx) error {
		for _, r := range changed {
			if _, err := tx.Exec(`UPDATE queue_job SET progress = ? WHERE id = ? AND state = 'running' AND attempt = ? AND lease = ?`,
				r.written, r.info.ID, r.info.Attempt, q.lease); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.log.Error("progress cannot be stored", "err", err)
		for _, r := range changed {
			r.written = unwritten
		}
	}
}

// purgeSlice bounds one transaction of a purge, in rows, so that nobody waits long for it.
const purgeSlice = 500

// purge deletes, slice by slice, what finished long ago.
func (q *Queue) purge(stop <-chan struct{}) {
	ended := func(state State, keep time.Duration) func(*store.Tx) (int64, error) {
		return func(tx *store.Tx) (int64, error) { return purgeEnded(tx, state, tx.Now().Add(-keep), purgeSlice) }
	}
	for _, slice := range []func(*store.Tx) (int64, error){
		ended(Completed, q.o.KeepDone), ended(Dead, q.o.KeepOther), ended(Cancelled, q.o.KeepOther),
		func(tx *store.Tx) (int64, error) { return purgeMinutes(tx, tx.Now().Add(-keepMinutes), purgeSlice) },
	} {
		for n := int64(purgeSlice); n == purgeSlice; {
			select {
			case <-stop:
				return
			default:
			}
			var err error
			if n, err = store.Write(context.Background(), q.db, slice); err != nil {
				q.log.Error("finished jobs cannot be purged", "err", err)
				return
			}
		}
	}
}

func purgeEnded(tx *store.Tx, state State, before time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM queue_job WHERE id IN (
		SELECT id FROM queue_job WHERE state = ? AND finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at LIMIT ?)`, string(state), before.UnixMilli(), limit)
}

func purgeMinutes(tx *store.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM queue_minute WHERE (minute, queue, kind) IN (SELECT minute, queue, kind FROM queue_minute WHERE minute < ? ORDER BY minute LIMIT ?)`,
		before.UnixMilli(), limit)
}
