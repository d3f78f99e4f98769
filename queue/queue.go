package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"seaworthy/store"
)

// Options say how the workers run. The zero value is right for production.
type Options struct {
	Log        *slog.Logger
	Workers    int            // jobs running at once, all queues together; 32 if 0
	PerQueue   int            // jobs of one queue running at once; 16 if 0
	Lease      time.Duration  // how long a worker may be silent before its job is taken; 1 minute if 0
	Jitter     func() float64 // in [0,1), spreads retries; math/rand if nil
	KeepDone   time.Duration  // completed jobs are kept for; 7 days if 0
	KeepOther  time.Duration  // dead and cancelled jobs are kept for; 90 days if 0
	MaxUnknown time.Duration  // a job of an unknown kind is held for; 24 hours if 0
	MaxCrashes int            // a job that killed the process this often is dead; 3 if 0
}

// Queue runs the jobs of one database.
type Queue struct {
	db       *store.DB
	log      *slog.Logger
	o        Options
	lease    string // of this run of the process
	handlers map[string]*handler
	wake     <-chan struct{}

	mu      sync.Mutex
	running map[string]*running // by job id
	lanes   map[string]int      // running jobs by queue
	freed   chan struct{}       // a worker became free
	engine  *engine             // nil until Start

	plans plans // schedules
}

// handler runs one kind of job.
type handler struct {
	kind    string
	backoff func(attempt int) time.Duration
	run     func(ctx context.Context, r *running) error
}

// HandleOption says how a kind of job is run.
type HandleOption func(*handler)

// Backoff is the wait before the attempt after the given one (1 at the first),
// before jitter. The default is attempt⁴ seconds, at most a day.
func Backoff(f func(attempt int) time.Duration) HandleOption {
	return func(h *handler) { h.backoff = f }
}

// New makes a queue on db. Register handlers with Handle, then Start or Drain.
func New(db *store.DB, o Options) *Queue {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Workers = or(o.Workers, 32)
	o.PerQueue = or(o.PerQueue, 16)
	o.Lease = or(o.Lease, time.Minute)
	o.KeepDone = or(o.KeepDone, 7*24*time.Hour)
	o.KeepOther = or(o.KeepOther, 90*24*time.Hour)
	o.MaxUnknown = or(o.MaxUnknown, 24*time.Hour)
	o.MaxCrashes = or(o.MaxCrashes, 3)
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return &Queue{
		db: db, log: o.Log, o: o, lease: db.NewID("lse"),
		handlers: map[string]*handler{}, wake: db.Listen(Ready),
		running: map[string]*running{}, lanes: map[string]int{}, freed: make(chan struct{}, 1),
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Handle registers the handler of a kind of job. It panics when the kind has
// one already: that is a mistake in the program.
func Handle[T Args](q *Queue, fn func(ctx context.Context, job Job[T]) error, opts ...HandleOption) {
	var zero T
	h := &handler{kind: zero.Kind(), backoff: defaultBackoff}
	for _, o := range opts {
		o(h)
	}
	h.run = func(ctx context.Context, r *running) error {
		job := Job[T]{Info: r.info, run: r}
		if err := json.Unmarshal(r.args, &job.Args); err != nil {
			return Bury(fmt.Errorf("arguments of %s: %w", h.kind, err))
		}
		return fn(ctx, job)
	}
	if q.handlers[h.kind] != nil {
		panic("queue: two handlers for " + h.kind)
	}
	q.handlers[h.kind] = h
}

func defaultBackoff(attempt int) time.Duration {
	n := time.Duration(attempt)
	return min(n*n*n*n*time.Second, 24*time.Hour)
}

// Kinds are the kinds of job with a handler, for documentation and tests.
func (q *Queue) Kinds() []string {
	var kinds []string
	for k := range q.handlers {
		kinds = append(kinds, k)
	}
	return kinds
}

// Cancel ends a job that has not finished. A running one has its context
// cancelled and is final when its handler returns. It returns store.ErrNotFound
// for a job that does not exist or has finished.
func (q *Queue) Cancel(tx *store.Tx, id string) error {
	j, err := jobByID(tx, id)
	if err != nil {
		return err
	}
	switch state := State(j.state); {
	case state.Final():
		return store.ErrNotFound
	case state == Running:
		tx.AfterCommit(func() { q.interrupt(id, ErrCancelled) })
		return tx.ExecOne(`UPDATE queue_job SET cancel_requested = 1 WHERE id = ?`, id)
	}
	if j.msgID != nil {
		if err := deleteMessage(tx, *j.msgID); err != nil {
			return err
		}
	}
	return tx.ExecOne(`UPDATE queue_job SET state = 'cancelled', msg_id = NULL, due_at = NULL, finished_at = ? WHERE id = ?`, tx.Now().UnixMilli(), id)
}

// Replay makes a finished job run again with fresh attempts; its history stays.
func Replay(tx *store.Tx, id string) error {
	j, err := jobByID(tx, id)
	if err != nil {
		return err
	}
	if !State(j.state).Final() {
		return store.ErrConflict
	}
	if err := tx.ExecOne(`UPDATE queue_job SET attempt = 0, crashes = 0, finished_at = NULL, run_at = ? WHERE id = ?`, tx.Now().UnixMilli(), id); err != nil {
		return err
	}
	tx.Notify(Ready)
	return makeAvailable(tx, id, j.queue, 0)
}

func (q *Queue) interrupt(id string, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.running[id]; r != nil {
		r.cancel(cause)
	}
}
