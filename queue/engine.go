package queue

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// engine is the running part: one dispatcher, a fixed set of workers, and one
// keeper for all of them.
type engine struct {
	work    chan *running
	stop    chan struct{}  // no more claims
	stopped sync.Once      // closes it
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
	for !e.stopping() {
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

func (e *engine) stopping() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

func (q *Queue) free() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.o.Workers - len(q.running)
}

// Stop lets running jobs finish until ctx ends, then cancels their contexts
// with ErrStopping and waits a last moment. Jobs that end because of that, or
// had not started, run again later with their attempt refunded. Whoever calls it again waits, too.
func (q *Queue) Stop(ctx context.Context) error {
	e := q.engine
	if e == nil {
		return nil
	}
	e.stopped.Do(func() { close(e.stop) })
	e.beside.Wait()
	defer q.writeFigures(true) // of the jobs that are waited for, too
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
