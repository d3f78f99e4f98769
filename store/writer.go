package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"seaworthy/store/trail"
)

// Write runs fn in a write transaction and returns its value once the commit is
// durable. fn may run more than once (see Tx). If ctx ends while the call still
// waits its turn, fn never runs; once fn has run, its outcome is returned.
func Write[T any](ctx context.Context, db *DB, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := db.submit(ctx, reflect.ValueOf(fn).Pointer(), func(tx *Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// Write is the function Write for closures without a value.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return db.submit(ctx, reflect.ValueOf(fn).Pointer(), fn)
}

// PanicError is what Write panics with, in the caller's goroutine, after a
// closure panicked; its transaction was rolled back.
type PanicError struct {
	Value any
	Stack []byte // of the writer's goroutine at the panic
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic in a write transaction: %v", p.Value) }

// The life of a request: it is taken by the writer or abandoned by its caller,
// never both.
const (
	pending int32 = iota
	taken
	abandoned
)

type request struct {
	ctx    context.Context
	fn     func(*Tx) error
	name   uintptr // code pointer of the caller's closure: who holds the lock
	queued time.Time
	state  atomic.Int32
	done   chan error
	timing timing
}

func (db *DB) submit(ctx context.Context, name uintptr, fn func(*Tx) error) error {
	w := db.writer
	r := &request{ctx: ctx, fn: fn, name: name, queued: time.Now(), done: make(chan error, 1)}
	select {
	case <-w.quit:
		return ErrClosed
	default:
	}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return fmt.Errorf("wait for the writer: %w", context.Cause(ctx))
	case <-w.quit:
		return ErrClosed
	}
	var err error
	select {
	case err = <-r.done:
		db.watched(r, err)
	case <-ctx.Done():
		if r.state.CompareAndSwap(pending, abandoned) {
			return fmt.Errorf("wait for the writer: %w", context.Cause(ctx))
		}
		err = w.outcome(r)
	case <-w.gone:
		err = w.outcome(r)
	}
	var p *PanicError
	if errors.As(err, &p) {
		panic(p)
	}
	if reckonedWith(err) {
		return err
	}
	return trail.Follow(err) // a statement's calls are those of the writer's goroutine
}

// outcome waits for a request the writer may have taken.
func (w *writer) outcome(r *request) error {
	select {
	case err := <-r.done:
		return err
	case <-w.gone:
	}
	select {
	case err := <-r.done:
		return err
	default:
		return ErrClosed
	}
}

// writer owns the only connection that writes.
type writer struct {
	db       *DB
	pool     *sql.DB
	conn     *sql.Conn
	stmts    *statements
	queue    chan *request
	held     []*request        // taken off the queue but put back by refuse
	last     []func(*Tx) error // run before each commit
	holds    holds
	pauses   chan *pause
	quit     chan struct{} // closed to stop
	gone     chan struct{} // closed when stopped
	maxBatch int
	busyWait time.Duration

	checkpoints  atomic.Bool // the writer checkpoints on its own
	sinceLook    int         // groups since the log's size was looked at
	dataVersion  int64       // PRAGMA data_version as of our last commit
	foreignUntil time.Time   // another process wrote recently: yield
}

func newWriter(db *DB, o Options) (*writer, error) {
	// temp_store: the savepoints' journals would otherwise go to the system's
	// temporary folder as soon as a closure touches a dozen pages, and a write
	// fail when that folder is full.
	name := dsn(db.path, url.Values{"_txlock": {"immediate"}},
		fmt.Sprintf("busy_timeout(%d)", o.BusyWait.Milliseconds()),
		"journal_mode(wal)", "synchronous(FULL)", "wal_autocheckpoint(0)", "foreign_keys(1)",
		"secure_delete(1)", "temp_store(memory)")
	pool, err := connect(name, 1)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(context.Background())
	if err != nil {
		pool.Close()
		return nil, err
	}
	steady(conn)
	w := &writer{
		db: db, pool: pool, conn: conn, stmts: &statements{conn: conn, watch: o.Watch},
		queue: make(chan *request, 2*o.MaxBatch), pauses: make(chan *pause),
		quit: make(chan struct{}), gone: make(chan struct{}),
		maxBatch: o.MaxBatch, busyWait: o.BusyWait,
	}
	w.checkpoints.Store(true)
	go w.run()
	return w, nil
}

func (w *writer) run() {
	defer close(w.gone)
	for {
		if len(w.held) > 0 {
			r := w.held[0]
			w.held = w.held[1:]
			w.group(r)
			continue
		}
		select {
		case r := <-w.queue:
			w.group(r)
		case p := <-w.pauses:
			w.runPause(p)
		case <-w.quit:
			w.drain()
			return
		}
	}
}

// drain serves what was handed in before the close.
func (w *writer) drain() {
	for {
		select {
		case r := <-w.queue:
			w.group(r)
		default:
			return
		}
	}
}

func (w *writer) close() error {
	close(w.quit)
	<-w.gone
	w.stmts.close()
	w.db.beforeClose(w.conn)
	err := w.conn.Close()
	return errors.Join(err, w.pool.Close())
}

// next is the next waiting request, or nil when none waits.
func (w *writer) next() *request {
	select {
	case r := <-w.queue:
		return r
	default:
		return nil
	}
}

// call runs one closure, turning a panic into a *PanicError.
func call(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn(tx)
}

// closureName is the function that handed in a closure, for logs and metrics.
func closureName(pc uintptr) string {
	if f := runtime.FuncForPC(pc); f != nil {
		return f.Name()
	}
	return "unknown"
}
