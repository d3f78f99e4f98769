package queue

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"seaworthy/store"
)

// Options say how the workers run. The zero value is right for production.
type Options struct {
	Log        *slog.Logger
	Workers    int                                               // jobs running at once, all queues together; 32 if 0
	PerQueue   int                                               // jobs of one queue running at once; 16 if 0
	Lease      time.Duration                                     // how long a worker may be silent before its job is taken; 1 minute if 0
	Jitter     func() float64                                    // in [0,1), spreads retries; math/rand if nil
	KeepDone   time.Duration                                     // completed jobs are kept for; 7 days if 0
	KeepOther  time.Duration                                     // dead and cancelled jobs are kept for; 90 days if 0
	MaxUnknown time.Duration                                     // a job of an unknown kind is held for; 24 hours if 0
	Failed     func(Failure)                                     // a job gave up, or its handler panicked; quick, called after the commit; may be nil
	Ended      func(kind string, run time.Duration, failed bool) // an attempt ended; quick; may be nil
	// Begin is told of each attempt; what it returns is the handler's context, and a function
	// that is told how the attempt ended. Quick; may be nil.
	Begin      func(ctx context.Context) (context.Context, func(failed bool))
	MaxCrashes int // a job that killed the process this often is dead; 3 if 0
}

// Queue runs the jobs of one database.
type Queue struct {
	db       *store.DB
	log      *slog.Logger
	o        Options
	lease    string // of this run of the process
	handlers map[string]*handler
	endpoint *handler // of jobs with an endpoint; nil: none
	wake     <-chan struct{}
	figures  *figures

	mu      sync.Mutex
	running map[string]*running  // by job id
	busy    map[string]int       // running jobs by queue
	last    map[string]time.Time // when one of a queue was last started, if one was
	opened  time.Time
	freed   chan struct{} // a worker became free
	engine  *engine       // nil until Start

	plans plans // schedules
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
	q := &Queue{
		db: db, log: o.Log, o: o, lease: db.NewID("lse"),
		handlers: map[string]*handler{}, wake: db.Listen(Ready), figures: newFigures(),
		running: map[string]*running{}, busy: map[string]int{}, last: map[string]time.Time{}, opened: db.Now(), freed: make(chan struct{}, 1),
	}
	Handle(q, q.replay)
	return q
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
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
	if err := tx.ExecOne(`UPDATE queue_job SET state = 'cancelled', msg_id = NULL, due_at = NULL, finished_at = ?,
		uniq = CASE WHEN ? THEN uniq ELSE NULL END WHERE id = ?`, tx.Now().UnixMilli(), j.after(Cancelled, tx.Now()), id); err != nil {
		return err
	}
	if j.msgID == nil {
		return nil // it held no place
	}
	return vacate(tx, j.ckey)
}

// Replay makes a finished job run again with fresh attempts; its history stays.
// It returns store.ErrConflict for one that has not finished.
func Replay(tx *store.Tx, id string) error {
	j, err := jobByID(tx, id)
	if err != nil {
		return err
	}
	if !State(j.state).Final() {
		return store.ErrConflict
	}
	if err := tx.ExecOne(`UPDATE queue_job SET attempt = 0, crashes = 0, snoozes = 0, progress = 0, finished_at = NULL, held_since = NULL, cancel_requested = 0, run_at = ?
		WHERE id = ?`, tx.Now().UnixMilli(), id); err != nil {
		return err
	}
	tx.Notify(Ready)
	return makeReady(tx, j.waiting())
}

// Hasten makes a job that waits for its time run now. It returns store.ErrConflict
// for one that does not wait.
func Hasten(tx *store.Tx, id string) error {
	j, err := jobByID(tx, id)
	if err != nil {
		return err
	}
	if s := State(j.state); s != Scheduled && s != Retryable {
		return store.ErrConflict
	}
	if err := tx.ExecOne(`UPDATE queue_job SET run_at = ? WHERE id = ?`, tx.Now().UnixMilli(), id); err != nil {
		return err
	}
	tx.Notify(Ready)
	return makeReady(tx, j.waiting())
}

func (q *Queue) interrupt(id string, cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.running[id]; r != nil {
		r.cancel(cause)
	}
}
