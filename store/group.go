package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

const (
	// slowHold is how long one closure may hold the write lock before it is named in the log.
	slowHold = 50 * time.Millisecond
	// groupBudget ends a group early so that no caller waits long for the commit it shares.
	groupBudget = 20 * time.Millisecond
	// foreignBatch and foreignPause leave room for another process's writes:
	// saturated groups of 512 starve it for seconds (spec/jobs.md section 3).
	foreignBatch  = 64
	foreignPause  = time.Millisecond
	foreignWindow = 2 * time.Second
)

// group is the closures that share one SQLite transaction and one fsync.
type group struct {
	tx    *sql.Tx
	ok    []*request // ran without error, not yet committed
	after []*Tx      // their transactions, for AfterCommit and Notify
	dead  error      // SQLite rolled the whole transaction back on its own

	locked time.Time     // when the write lock was had
	lock   time.Duration // how long that took
}

// group commits first together with whatever else is waiting.
func (w *writer) group(first *request) {
	if first.state.Load() == abandoned {
		return
	}
	asked := time.Now()
	tx, err := w.begin()
	if err != nil {
		w.refuse(first, err)
		return
	}
	g := &group{tx: tx, locked: time.Now()}
	g.lock = g.locked.Sub(asked)
	w.holds.add(hold{name: "another process", start: asked, end: g.locked})
	limit := w.yieldToOthers()
	started := time.Now()
	w.member(g, first)
	for n := 1; g.dead == nil && n < limit && time.Since(started) < groupBudget; n++ {
		r := w.next()
		if r == nil {
			// Callers woken by the last commit may be about to hand in more.
			runtime.Gosched()
			if r = w.next(); r == nil {
				break
			}
		}
		w.member(g, r)
	}
	w.commit(g)
	if limit < w.maxBatch {
		time.Sleep(foreignPause)
	}
}

// begin opens the group's transaction, never after a fatal failure: a commit
// that then succeeds may rest on pages that the kernel has dropped.
func (w *writer) begin() (*sql.Tx, error) {
	if err := w.db.FailErr(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClosed, err)
	}
	w.db.stats.locking.Store(time.Now().UnixNano())
	defer w.db.stats.locking.Store(0)
	tx, err := w.conn.BeginTx(context.Background(), nil)
	return tx, translate(err)
}

// yieldToOthers returns the size of this group: small while another process is
// writing to the file, which the change of data_version tells.
func (w *writer) yieldToOthers() int {
	var v int64
	stmt, err := w.stmts.get("PRAGMA data_version")
	if err != nil || stmt.QueryRow().Scan(&v) != nil {
		return w.maxBatch
	}
	if w.dataVersion != 0 && v != w.dataVersion {
		w.foreignUntil = time.Now().Add(foreignWindow)
		w.db.stats.foreign.Add(1)
	}
	w.dataVersion = v
	if time.Now().Before(w.foreignUntil) {
		return min(foreignBatch, w.maxBatch)
	}
	return w.maxBatch
}

// refuse answers the requests that could not even get the write lock.
func (w *writer) refuse(first *request, err error) {
	w.db.stats.failure(err)
	waiting := append([]*request{first}, w.held...)
	w.held = nil
	for r := w.next(); r != nil; r = w.next() {
		waiting = append(waiting, r)
	}
	var refused []*request
	for _, r := range waiting {
		// The lock was waited for on behalf of all; who came late waits on.
		if errors.Is(err, ErrBusy) && r != first && time.Since(r.queued) < w.busyWait/2 {
			w.held = append(w.held, r)
			continue
		}
		if r.state.CompareAndSwap(pending, taken) {
			refused = append(refused, r)
		}
	}
	w.answer(refused, err)
}

// member runs one closure under its own savepoint. A failure rolls back to the
// savepoint alone and is answered at once; success is answered by commit.
func (w *writer) member(g *group, r *request) {
	if !r.state.CompareAndSwap(pending, taken) {
		return
	}
	if r.ctx.Err() != nil {
		r.done <- context.Cause(r.ctx)
		return
	}
	tx, err := w.attempt(g, r)
	if err == nil {
		g.ok = append(g.ok, r)
		g.after = append(g.after, tx)
		return
	}
	if g.dead == nil || fatal(err) {
		r.done <- err
		return
	}
	// The whole transaction is gone with this closure; commit sorts it out.
	g.ok = append(g.ok, r)
}

func (w *writer) attempt(g *group, r *request) (*Tx, error) {
	s := &w.db.stats
	started := time.Now()
	s.hold(r, started)
	defer func() {
		ended := time.Now()
		s.release(w.db.log, r, ended.Sub(started))
		w.note(g, r, started, ended)
	}()
	if err := w.stmts.exec("SAVEPOINT member"); err != nil {
		g.dead = err
		return nil, err
	}
	tx := &Tx{ctx: r.ctx, db: w.db, sqlTx: g.tx, stmts: w.stmts, write: true,
		now: w.db.clock().UTC().Truncate(time.Millisecond)}
	err := call(r.fn, tx)
	if err == nil {
		err = tx.broken // the closure went on all the same
	}
	if err == nil {
		if err = w.stmts.exec("RELEASE member"); err != nil {
			g.dead = err
		}
		return tx, err
	}
	if back := errors.Join(w.stmts.exec("ROLLBACK TO member"), w.stmts.exec("RELEASE member")); back != nil {
		g.dead = err
	} else if endsTransaction(err) {
		s.failure(err)
	}
	return nil, err
}

// commit makes the group durable and answers its members. When the commit
// fails, each member is tried alone, so that one that cannot be committed does
// not take its neighbours with it.
func (w *writer) commit(g *group) {
	err := g.dead
	if err == nil && len(g.ok) > 0 {
		err = w.beforeCommit(g)
	}
	asked := time.Now()
	if err == nil {
		err = translate(g.tx.Commit())
	}
	if err != nil {
		g.tx.Rollback()
		w.conn.ExecContext(context.Background(), "ROLLBACK") // a failed COMMIT leaves it open
		w.failed(g, err)
		return
	}
	durable := time.Now()
	w.db.stats.committed(len(g.ok))
	w.holds.add(hold{name: "commit", start: asked, end: durable})
	for _, tx := range g.after {
		w.afterCommit(tx)
	}
	for _, r := range g.ok {
		r.timing.durable = durable
		r.done <- nil
	}
	w.db.topics.signal(Commits)
	w.checkpointIfOurs()
}

// beforeCommit runs what is due once a group, within its transaction.
func (w *writer) beforeCommit(g *group) error {
	for _, fn := range w.last {
		tx := &Tx{ctx: context.Background(), db: w.db, sqlTx: g.tx, stmts: w.stmts, write: true,
			now: w.db.clock().UTC().Truncate(time.Millisecond)}
		if err := call(fn, tx); err != nil {
			return fmt.Errorf("before the commit: %w", err)
		}
	}
	return nil
}

func (w *writer) failed(g *group, err error) {
	w.db.stats.failure(err)
	if len(g.ok) <= 1 || fatal(err) {
		w.answer(g.ok, err)
		return
	}
	for i, r := range g.ok {
		tx, err := w.begin()
		if err != nil { // the others need not wait for the same lock, one after another
			w.answer(g.ok[i:], err)
			return
		}
		w.alone(tx, r)
	}
}

// giveUp ends all writing after a fatal failure: before anybody is told of it, who could
// otherwise write again at once.
func (w *writer) giveUp(err error) {
	w.db.log.Error("the database can no longer be written safely", slog.Any("err", err))
	w.db.fail(err)
}

// answer tells requests of a failure that is not of their own making.
func (w *writer) answer(requests []*request, err error) {
	if fatal(err) {
		w.giveUp(err)
	}
	for _, r := range requests {
		r.done <- err
	}
}

// alone runs one closure in a transaction of its own.
func (w *writer) alone(tx *sql.Tx, r *request) {
	g := &group{tx: tx}
	done, err := w.attempt(g, r)
	if err != nil {
		tx.Rollback()
		w.answer([]*request{r}, err)
		return
	}
	g.ok, g.after = []*request{r}, []*Tx{done}
	w.commit(g)
}

func (w *writer) afterCommit(tx *Tx) {
	for _, f := range tx.after {
		func() {
			defer func() {
				if v := recover(); v != nil {
					w.db.log.Error("panic after commit", slog.Any("panic", v))
				}
			}()
			f()
		}()
	}
	for _, topic := range tx.topics {
		w.db.topics.signal(topic)
	}
}
