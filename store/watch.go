package store

import (
	"context"
	"database/sql"
	"time"
)

// Watcher is told what statements and transactions took. It is called on the
// goroutine of whoever ran them, so that it finds the caller on its stack; it must
// be quick and must not use the database.
type Watcher interface {
	// Shape is asked once for each text on each connection; Statement is given what it returns.
	Shape(text string) any
	Statement(ctx context.Context, s Statement)
	// Transaction is told of each write, and of a read that had to wait for a connection.
	Transaction(ctx context.Context, t Transaction)
}

// Statement is one run of a statement. SQLite works while rows are read, so a query
// lasts until its rows are closed.
type Statement struct {
	Shape any // what the Watcher made of its text
	Start time.Time
	Took  time.Duration
	Rows  int64 // read or changed
	Write bool  // within a write transaction
	Err   error
}

// Transaction is the life of one closure: it waits for its turn (Gate), then for the lock
// of another process (Lock), runs (Run), and waits until the group it is in is durable (Commit).
type Transaction struct {
	Start                   time.Time // when it was handed in
	Gate, Lock, Run, Commit time.Duration
	Write                   bool
	Holder                  string // the function that handed it in; "" of a read
	Blocker                 Blocker
	Err                     error
}

// Blocker is what ran for most of the time that a transaction waited.
type Blocker struct {
	Name string          // function, "commit", "another process", or the holder of a pause; "" for none
	Ctx  context.Context // of the closure it was; nil otherwise
	Held time.Duration
}

// prepared is a statement with what the Watcher knows it by.
type prepared struct {
	*sql.Stmt
	shape any
}

// begin is the time at which a statement begins, and zero when nobody asks.
func (s *statements) begin() time.Time {
	if s.watch == nil {
		return time.Time{}
	}
	return time.Now()
}

// ran tells the watcher of a statement.
func (tx *Tx) ran(p *prepared, start time.Time, rows int64, err error) {
	if start.IsZero() {
		return
	}
	tx.stmts.watch.Statement(tx.ctx, Statement{Shape: p.shape, Start: start, Took: time.Since(start), Rows: rows, Write: tx.write, Err: err})
}

// Rows are the answer to Query.
type Rows struct {
	*sql.Rows
	tx    *Tx
	p     *prepared
	start time.Time
	n     int64
}

// Next prepares the next row for Scan.
func (r *Rows) Next() bool {
	if !r.Rows.Next() {
		return false
	}
	r.n++
	return true
}

// Err is what ended the rows before their end; nil otherwise.
func (r *Rows) Err() error { return r.tx.fails(r.Rows.Err()) }

// Close ends the query. It may be called again.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	r.tx.ran(r.p, r.start, r.n, r.Err())
	r.start = time.Time{}
	return err
}

// mostHolds is how many of those who held the writer up are remembered, and leastHold
// for how long one must have.
const (
	mostHolds = 16
	leastHold = time.Millisecond
)

// hold is a time in which the writer could serve nobody else.
type hold struct {
	name       string // "" for a closure
	request    *request
	start, end time.Time
}

// holds are the last ones, of the writer's goroutine alone.
type holds struct {
	last [mostHolds]hold
	at   int
}

func (h *holds) add(one hold) {
	if one.end.Sub(one.start) < leastHold {
		return
	}
	h.last[h.at] = one
	h.at = (h.at + 1) % mostHolds
}

// within is the hold that took most of a span of time.
func (h *holds) within(from, until time.Time) (b Blocker) {
	var most time.Duration
	for i := range h.last {
		one := &h.last[i]
		start, end := one.start, one.end
		if start.Before(from) {
			start = from
		}
		if end.After(until) {
			end = until
		}
		if d := end.Sub(start); d > most {
			most = d
			b = Blocker{Name: one.name, Held: one.end.Sub(one.start)}
			if one.request != nil {
				b.Name, b.Ctx = closureName(one.request.name), one.request.ctx
			}
		}
	}
	return b
}

// timing is what the writer notes of a request; its caller reads it when it is answered.
type timing struct {
	started, ended, durable time.Time // of the closure, of its end, of the commit
	lock                    time.Duration
	blocker                 Blocker
}

// note writes down that a closure ran in a group.
func (w *writer) note(g *group, r *request, started, ended time.Time) {
	if w.stmts.watch == nil {
		return
	}
	r.timing.started, r.timing.ended = started, ended
	if r.queued.Before(g.locked) {
		r.timing.lock = g.lock
	}
	if started.Sub(r.queued) > leastHold {
		r.timing.blocker = w.holds.within(r.queued, started)
	}
	w.holds.add(hold{request: r, start: started, end: ended})
}

// watched tells the watcher how a request fared.
func (db *DB) watched(r *request, err error) {
	watch := db.writer.stmts.watch
	t := &r.timing
	if watch == nil || t.started.IsZero() {
		return
	}
	one := Transaction{Start: r.queued, Write: true, Holder: closureName(r.name), Lock: t.lock, Run: t.ended.Sub(t.started), Blocker: t.blocker, Err: err}
	one.Gate = max(0, t.started.Sub(r.queued)-t.lock)
	if !t.durable.IsZero() {
		one.Commit = t.durable.Sub(t.ended)
	}
	watch.Transaction(r.ctx, one)
}
