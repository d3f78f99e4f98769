package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"seaworthy/store"
)

// handler runs one kind of job.
type handler struct {
	kind    string
	backoff Policy
	run     func(ctx context.Context, r *running) error
	gaveUp  func(tx *store.Tx, args []byte, info Info) error // or nil; see GaveUp
}

// HandleOption says how a kind of job is run.
type HandleOption func(*handler)

// Policy is the wait before the attempt after the given one (1 at the first),
// before jitter of ±10 %.
type Policy func(attempt int) time.Duration

// Backoff sets the retry policy of a kind; Polynomial(4) otherwise.
func Backoff(p Policy) HandleOption { return func(h *handler) { h.backoff = p } }

// longestWait bounds every policy that grows.
const longestWait = 24 * time.Hour

// Polynomial waits attempt^power seconds, at most a day.
func Polynomial(power float64) Policy {
	return func(attempt int) time.Duration {
		return bounded(math.Pow(float64(attempt), power)*float64(time.Second), longestWait)
	}
}

// Exponential waits first, then twice as long each time, at most longest.
func Exponential(first, longest time.Duration) Policy {
	return func(attempt int) time.Duration {
		return bounded(float64(first)*math.Pow(2, float64(attempt-1)), longest)
	}
}

// Steps waits as listed, and then as the last one again.
func Steps(waits ...time.Duration) Policy {
	return func(attempt int) time.Duration { return waits[min(attempt, len(waits))-1] }
}

func bounded(d float64, longest time.Duration) time.Duration {
	if d > float64(longest) {
		return longest
	}
	return time.Duration(d)
}

// Handle registers the handler of a kind of job. It panics when the kind has
// one already: that is a mistake in the program.
func Handle[T Args](q *Queue, fn func(ctx context.Context, job Job[T]) error, opts ...HandleOption) {
	var zero T
	h := newHandler(zero.Kind(), fn, opts)
	if q.handlers[h.kind] != nil {
		panic("queue: two handlers for " + h.kind)
	}
	q.handlers[h.kind] = h
}

// HandleEndpoint registers the handler of all jobs with an endpoint, whatever
// their kind: a kind of the customer's never reaches a handler of this program.
func HandleEndpoint(q *Queue, fn func(ctx context.Context, job Job[json.RawMessage]) error, opts ...HandleOption) {
	if q.endpoint != nil {
		panic("queue: two handlers for endpoints")
	}
	q.endpoint = newHandler("endpoint", fn, opts)
}

func newHandler[T any](kind string, fn func(ctx context.Context, job Job[T]) error, opts []HandleOption) *handler {
	h := &handler{kind: kind, backoff: Polynomial(4)}
	for _, o := range opts {
		o(h)
	}
	h.run = func(ctx context.Context, r *running) error {
		job := Job[T]{Info: r.info, run: r}
		if err := json.Unmarshal(r.args, &job.Args); err != nil {
			return Bury(fmt.Errorf("arguments of %s: %w", r.info.Kind, err))
		}
		return fn(ctx, job)
	}
	return h
}

// handlerOf is what runs a job, or nil.
func (q *Queue) handlerOf(j jobRow) *handler {
	if j.endpoint != "" {
		return q.endpoint
	}
	return q.handlers[j.kind]
}

// Kinds are the kinds of job with a handler, sorted, for documentation and tests.
func (q *Queue) Kinds() []string {
	var kinds []string
	for k := range q.handlers {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds
}
