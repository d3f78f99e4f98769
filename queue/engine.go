package queue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"seaworthy/store"
)

// engine is the running part: one dispatcher, a fixed set of workers, and one
// keeper for all of them.
type engine struct {
	work    chan *running
	stop    chan struct{}  // no more claims
	beside  sync.WaitGroup // dispatcher and keeper
	workers sync.WaitGroup
}

// safetyPoll bounds how long a missed wake-up or a change of the clock can
// delay a job.
const safetyPoll = 5 * time.Second

// Start requeues what a killed process left running and starts the workers.
// Stop ends them.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.Rescue(ctx); err != nil {
		return err
	}
	e := &engine{work: make(chan *running, q.o.Workers), stop: make(chan struct{})}
	q.engine = e
	for range q.o.Workers {
		e.workers.Go(func() {
			for r := range e.work {
				q.execute(r)
			}
		})
	}
	e.beside.Go(func() { q.dispatch(e) })
	e.beside.Go(func() { q.keep(e) })
	return nil
}

func (q *Queue) dispatch(e *engine) {
	defer close(e.work)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-timer.C:
		case <-q.wake:
		case <-q.freed:
		}
		timer.Reset(q.fill(e))
	}
}

// fill hands out as many jobs as there are free workers, and returns how long
// nothing is known to be due.
func (q *Queue) fill(e *engine) time.Duration {
	ctx := context.Background()
	next, err := q.promote(ctx)
	if err != nil {
		q.log.Error("jobs cannot be promoted", "err", err)
		return time.Second
	}
	next = q.withSchedules(ctx, next)
	for {
		claimed, token, err := q.claim(ctx, q.free())
		if err != nil {
			q.log.Error("jobs cannot be claimed", "err", err)
			return time.Second
		}
		if !token.IsZero() && (next.IsZero() || token.Before(next)) {
			next = token
		}
		if len(claimed) == 0 {
			break
		}
		for _, r := range claimed {
			e.work <- r // has room: never more are claimed than workers are free
		}
	}
	if next.IsZero() {
		return safetyPoll
	}
	return max(0, min(safetyPoll, next.Sub(q.db.Now())))
}

func (q *Queue) free() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.o.Workers - len(q.running)
}

// Stop lets running jobs finish until ctx ends, then cancels their contexts
// with ErrStopping and waits a last moment. Jobs that end because of that, or
// had not started, run again later with their attempt refunded.
func (q *Queue) Stop(ctx context.Context) error {
	e := q.engine
	if e == nil {
		return nil
	}
	close(e.stop)
	e.beside.Wait()
	done := make(chan struct{})
	go func() { e.workers.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	left := len(q.running)
	for _, r := range q.running {
		r.cancel(ErrStopping)
	}
	q.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-time.After(2 * time.Second):
		return fmt.Errorf("stop: %d jobs did not end in time; they will run again", left)
	}
}

// Rescue requeues at once what another run of the process left running: the
// store's exclusive lock proves that nobody runs it any more. A job that has
// taken the process down MaxCrashes times is dead.
func (q *Queue) Rescue(ctx context.Context) error {
	for {
		n, err := store.Write(ctx, q.db, func(tx *store.Tx) (int, error) {
			left, err := orphans(tx, q.lease, 200)
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

func (q *Queue) rescue(tx *store.Tx, j jobRow) error {
	res := result{outcome: "crashed", err: "the process died while the job ran"}
	if err := insertAttempt(tx, j.id, j.attempt, deref(j.started), res); err != nil {
		return err
	}
	final := Dead
	if j.cancelRequested {
		final = Cancelled
	}
	if j.crashes+1 >= q.o.MaxCrashes || j.cancelRequested {
		if err := deleteMessage(tx, *j.msgID); err != nil {
			return err
		}
		now := tx.Now().UnixMilli()
		if err := markCrashed(tx, j, final, &now, res.err); err != nil {
			return err
		}
		if final == Dead && q.o.Failed != nil {
			tx.AfterCommit(func() { q.o.Failed(Failure{Job: j.info(), Dead: true, Err: res.err}) })
		}
		return vacate(tx, j.ckey)
	}
	if err := markCrashed(tx, j, Available, nil, res.err); err != nil {
		return err
	}
	return extendMessage(tx, *j.msgID, tx.Now())
}
