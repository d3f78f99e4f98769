package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"seaworthy/store"
)

// result is how an attempt ended and what becomes of the job.
type result struct {
	state     State
	outcome   string // as in queue_attempt.outcome
	err       string
	cause     error // that err is the text of
	stack     string
	runAt     time.Time
	refund    bool // the attempt does not count
	heldSince *int64
	output    []byte
	status    int // an endpoint's answer; 0: none
	snippet   string
}

// maxText bounds an error or stack that is stored, in bytes.
const maxText = 8 << 10

// clip bounds a text. What comes from outside may be no text at all, and a cut may part a
// character: what is stored can be shown all the same.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

type panicked struct {
	value any
	stack string
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// execute runs the handler of a claimed job and stores how it ended.
func (q *Queue) execute(r *running) result {
	begun, end := r.ctx, func(bool) {}
	if q.o.Begin != nil {
		begun, end = q.o.Begin(r.ctx)
	}
	ctx, stop := context.WithTimeout(begun, r.timeout)
	err := r.protect(ctx)
	stop()
	res := r.judge(ctx, err)
	res.output, res.status, res.snippet = r.output, r.status, r.snippet
	if !r.finished {
		res = q.store(r, res)
	}
	now := q.db.Now()
	q.figures.ended(r, res, now)
	if q.o.Ended != nil {
		q.o.Ended(r.info.Kind, now.Sub(time.UnixMilli(r.started)), res.state == Dead || res.state == Retryable)
	}
	end(res.state == Dead || res.state == Retryable)
	q.release(r)
	return res
}

func (r *running) protect(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked{v, string(debug.Stack())}
		}
	}()
	return r.handler.run(ctx, r)
}

// judge decides what becomes of the job.
func (r *running) judge(ctx context.Context, err error) result {
	now := r.q.db.Now()
	if r.finished || err == nil {
		return result{state: Completed, outcome: "completed", runAt: now}
	}
	res := result{err: clip(err.Error()), cause: err, outcome: "failed", runAt: now}
	var snoozed snooze
	var final permanent
	var crash panicked
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrCancelled): // whatever the handler says: nobody wants it any more
		res.state, res.outcome = Cancelled, "cancelled"
		return res
	case errors.Is(cause, ErrStopping) && !buried(err): // what else failed may have failed because of the stop
		res.state, res.outcome, res.refund = Scheduled, "stopped", true
		return res
	case errors.As(err, &snoozed):
		res.state, res.outcome, res.refund, res.err = Scheduled, "snoozed", true, ""
		res.runAt = now.Add(snoozed.d)
		return res
	case errors.As(err, &final):
		res.state = final.state
		if final.state == Cancelled {
			res.outcome = "cancelled"
		}
		return res
	case errors.As(err, &crash):
		res.outcome, res.stack = "panicked", clip(crash.stack)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		res.outcome = "timeout"
	}
	var retry later
	res.state = Dead
	if r.info.Attempt < r.info.MaxAttempts {
		wait := r.handler.backoff(r.info.Attempt)
		// ±10 %, so that jobs that failed together do not return together.
		wait += time.Duration((r.q.o.Jitter()*0.2 - 0.1) * float64(wait))
		if errors.As(err, &retry) {
			wait = retry.d
		}
		res.state, res.runAt = Retryable, now.Add(wait)
	}
	return res
}

// buried reports whether a handler found that another attempt could not succeed.
func buried(err error) bool {
	var final permanent
	return errors.As(err, &final) && final.state == Dead
}

// store writes the result, and keeps trying while the database cannot be
// written: a finished effect must not be forgotten because the disk is full. It
// returns what was stored.
func (q *Queue) store(r *running, res result) result {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		stored, err := store.Write(context.Background(), q.db, func(tx *store.Tx) (result, error) {
			tx.Notify(Ready)
			return r.finish(tx, res)
		})
		switch {
		case err == nil:
			res = stored
			if res.err != "" {
				q.log.Warn("job failed", "job", r.info.ID, "kind", r.info.Kind, "attempt", r.info.Attempt,
					"state", res.state, "outcome", res.outcome, "err", res.err)
			}
			q.tell(r.info, res)
			return res
		case errors.Is(err, ErrLost):
			q.log.Warn("discarded the result of a job that was taken away", "job", r.info.ID, "kind", r.info.Kind)
			return res
		case errors.Is(err, store.ErrClosed) || !store.Retryable(err):
			q.log.Error("the result of a job could not be stored", "job", r.info.ID, "kind", r.info.Kind, "err", err)
			return res
		}
		time.Sleep(wait)
	}
}

// finish applies a result in tx and returns it, or ErrLost. A job that would run again
// although somebody cancelled it is cancelled: the cancellation may have come
// when its context had ended already, because of its time or of a stop.
func (r *running) finish(tx *store.Tx, res result) (result, error) {
	if res.runAt.IsZero() {
		res.runAt = tx.Now()
	}
	if !res.state.Final() {
		cancelled, err := cancelRequested(tx, r.info.ID)
		if err != nil {
			return res, fmt.Errorf("finish job %s: %w", r.info.ID, err)
		}
		if cancelled {
			res.state, res.outcome, res.refund = Cancelled, "cancelled", false
		}
	}
	ok, err := r.markFinished(tx, res)
	if err != nil {
		return res, fmt.Errorf("finish job %s: %w", r.info.ID, err)
	}
	if !ok {
		return res, ErrLost
	}
	if err := deleteMessage(tx, r.msgID); err != nil {
		return res, err
	}
	if err := insertAttempt(tx, r.info.ID, r.info.Attempt, r.started, res); err != nil {
		return res, err
	}
	if err := vacate(tx, r.ckey); err != nil || res.state != Dead {
		return res, err
	}
	return res, r.q.died(tx, r.handler, r.args, r.info)
}

// release frees the worker's place.
func (q *Queue) release(r *running) {
	r.cancel(nil)
	q.mu.Lock()
	if q.running[r.info.ID] == r {
		delete(q.running, r.info.ID)
	}
	if q.busy[r.info.Queue]--; q.busy[r.info.Queue] == 0 {
		delete(q.busy, r.info.Queue)
	}
	q.mu.Unlock()
	select {
	case q.freed <- struct{}{}:
	default:
	}
}
