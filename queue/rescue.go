package queue

import (
	"context"
	"fmt"

	"seaworthy/store"
)

// Rescue requeues at once what another run of the process left running: the
// store's exclusive lock proves that nobody runs it any more. A job that has
// taken the process down MaxCrashes times, or had its last attempt, is dead.
func (q *Queue) Rescue(ctx context.Context) error {
	for {
		n, err := store.Write(ctx, q.db, func(tx *store.Tx) (int, error) {
			left, err := orphans(tx, q.lease, rescueSlice)
			for _, j := range left {
				if err := q.rescue(tx, j); err != nil {
					return 0, err
				}
			}
			return len(left), err
		})
		if err != nil {
			return fmt.Errorf("rescue orphaned jobs: %w", err)
		}
		if n == 0 {
			return nil
		}
		q.log.Warn("requeued jobs that a killed process was running", "jobs", n)
	}
}

// rescueSlice is how many jobs are taken back in one transaction.
const rescueSlice = 200

func (q *Queue) rescue(tx *store.Tx, j jobRow) error {
	j.crashes++
	state, err := q.takeBack(tx, j, result{outcome: "crashed", err: "the process died while the job ran"})
	if err != nil || state != Available {
		return err
	}
	return extendMessage(tx, *j.msgID, tx.Now()) // its lease, which nobody has any more
}

// takeBack ends the attempt of a worker that is gone. The job is ready again, unless somebody
// cancelled it, it has no attempt left, or it has taken the process down too often. It returns
// what the job is then.
func (q *Queue) takeBack(tx *store.Tx, j jobRow, res result) (State, error) {
	if err := insertAttempt(tx, j.id, j.attempt, deref(j.started), res); err != nil {
		return "", err
	}
	switch {
	case j.cancelRequested:
		res.state = Cancelled
	case j.crashes >= q.o.MaxCrashes || j.attempt >= j.maxAttempts:
		res.state = Dead
	default:
		res.state = Available
		return Available, markTakenBack(tx, j, res)
	}
	if err := deleteMessage(tx, *j.msgID); err != nil {
		return "", err
	}
	if err := markTakenBack(tx, j, res); err != nil {
		return "", err
	}
	tx.AfterCommit(func() { q.tell(j.info(), res) })
	if err := vacate(tx, j.ckey); err != nil || res.state != Dead {
		return res.state, err
	}
	return Dead, q.died(tx, q.handlerOf(j), j.args, j.info())
}
