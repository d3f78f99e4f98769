// Package queue runs background jobs that are enqueued in the transaction of
// the change that needs them (the outbox pattern). goqite's table holds the
// messages that are ready to run; everything else about a job (schedule,
// retries, history, dead letters) lives in queue_job, so that receiving stays
// fast however much waits (spec/jobs.md section 2).
package queue

import (
	"context"
	"errors"
	"time"

	"seaworthy/store"
)

// Args are the typed arguments of a job: a plain struct that survives JSON.
// Kind names the handler and never changes once jobs of it exist. Args may also
// have a method Defaults() []Option.
type Args interface{ Kind() string }

// Job is one attempt at a job, as its handler sees it.
type Job[T any] struct {
	Info
	Args T
	run  *running
}

// Info is what is known of a running job apart from its arguments.
type Info struct {
	ID          string
	Kind        string
	Queue       string
	Endpoint    string // of the customer's app; "" for a handler of this program
	Attempt     int    // 1 at the first
	MaxAttempts int
	Snoozes     int // attempts that were refunded because the job asked
	Enqueued    time.Time
	Cause       Cause
}

// Cause says on whose behalf a job was enqueued. It is stored with the job, so
// that log lines and audit events of the job can point back.
type Cause struct {
	RequestID string `json:"request_id,omitempty"`
	Actor     string `json:"actor,omitempty"` // type:id
	Org       string `json:"org,omitempty"`
	Trace     string `json:"trace,omitempty"` // id, 32 hexadecimal digits
}

type causeKey struct{}
type infoKey struct{}

// WithCause makes jobs enqueued under ctx remember who caused them.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// FromContext is the job whose handler runs under ctx.
func FromContext(ctx context.Context) (Info, bool) {
	info, ok := ctx.Value(infoKey{}).(Info)
	return info, ok
}

// ErrLost says that the job was taken from this worker: its lease ran out, or
// it was cancelled. Whatever the worker found out is discarded.
var ErrLost = errors.New("queue: the job is no longer this worker's")

// ErrStopping is the cause of a job's context ending because the process stops.
// The attempt is refunded.
var ErrStopping = errors.New("queue: stopping")

// ErrCancelled is the cause of a job's context ending because it was cancelled.
var ErrCancelled = errors.New("queue: cancelled")

// Complete runs fn and finishes the job in one transaction: either both the
// effect and the completion are there or neither. It returns ErrLost, and
// changes nothing, when the job is no longer this worker's.
func (j Job[T]) Complete(ctx context.Context, fn func(*store.Tx) error) error {
	err := j.run.q.db.Write(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		_, err := j.run.finish(tx, result{state: Completed, outcome: "completed", output: j.run.output, status: j.run.status, snippet: j.run.snippet})
		return err
	})
	if err == nil {
		j.run.finished = true
	}
	return err
}

// Progress says how far the job is, in percent. It is written within about a second, many
// jobs' at once, and lost when the attempt fails.
func (j Job[T]) Progress(percent int) {
	j.run.progress.Store(int32(min(100, max(0, percent))))
}

// MaxOutput bounds what a job may leave behind, in bytes.
const MaxOutput = 64 << 10

// Output sets what the job leaves behind, stored when the attempt ends; what is
// beyond MaxOutput is cut off. It is of the handler's goroutine only.
func (j Job[T]) Output(b []byte) { j.run.output = b[:min(len(b), MaxOutput)] }

// Answer keeps with the attempt what an endpoint answered: the HTTP status and
// the beginning of the body. It is of the handler's goroutine only.
func (j Job[T]) Answer(status int, snippet string) {
	j.run.status, j.run.snippet = status, clip(snippet)
}

// State is where a job is in its life.
type State string

const (
	Scheduled State = "scheduled" // waits for its time
	Blocked   State = "blocked"   // waits for a place of its concurrency key
	Available State = "available" // ready to run
	Running   State = "running"
	Retryable State = "retryable" // failed, waits for its next attempt
	Completed State = "completed"
	Dead      State = "dead" // attempts or crashes exhausted, or a permanent error
	Cancelled State = "cancelled"
)

// Final reports whether the job will not run again unless it is replayed.
func (s State) Final() bool { return s == Completed || s == Dead || s == Cancelled }

// States are all of them, in the order of a life.
var States = []State{Scheduled, Blocked, Available, Running, Retryable, Completed, Dead, Cancelled}

type snooze struct{ d time.Duration }
type later struct {
	d   time.Duration
	err error
}
type permanent struct {
	state State
	err   error
}

func (s snooze) Error() string    { return "snoozed for " + s.d.String() }
func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Snooze, returned by a handler, runs the job again after d; the attempt does
// not count.
func Snooze(d time.Duration) error { return snooze{d} }

// RetryAfter, returned by a handler, fails the attempt and makes the next one
// after d, instead of what the retry policy says.
func RetryAfter(d time.Duration, err error) error { return later{d, err} }

func (l later) Error() string { return l.err.Error() }
func (l later) Unwrap() error { return l.err }

// Cancel, returned by a handler, ends the job as cancelled: its purpose is gone.
func Cancel(err error) error { return permanent{Cancelled, err} }

// Bury, returned by a handler, ends the job as a dead letter at once: another
// attempt could not succeed.
func Bury(err error) error { return permanent{Dead, err} }
