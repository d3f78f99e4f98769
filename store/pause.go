package store

import (
	"context"
	"fmt"
	"time"
)

// ownCheckpoint is the size in bytes at which the writer empties the log when
// nobody else does.
const ownCheckpoint = 8 << 20

// pause is work that must run between groups, with no transaction open.
type pause struct {
	holder string
	fn     func() error
	done   chan error
}

// Pause stops writing between two groups, runs fn, and goes on. Litestream's
// checkpoints run here: they need the write lock and would otherwise fight the
// groups for it. The holder is named in Stats while fn runs.
func (db *DB) Pause(ctx context.Context, holder string, fn func() error) error {
	p := &pause{holder: holder, fn: fn, done: make(chan error, 1)}
	select {
	case db.writer.pauses <- p:
		return <-p.done
	case <-ctx.Done():
		return fmt.Errorf("wait to pause the writer: %w", context.Cause(ctx))
	case <-db.writer.quit:
		return ErrClosed
	}
}

// BeforeCommit has fn run once at the end of every group that commits something,
// inside its transaction: for what follows from the rows of all its members, such
// as the head of a log. When fn fails the members are tried one by one. Like a
// closure it may run again, and it must cost nothing when there is nothing to do.
func (db *DB) BeforeCommit(ctx context.Context, fn func(*Tx) error) error {
	return db.Pause(ctx, "register", func() error {
		db.writer.last = append(db.writer.last, fn)
		return nil
	})
}

func (w *writer) runPause(p *pause) {
	s := &w.db.stats
	s.pausing.Store(&p.holder)
	started := time.Now()
	err := call(func(*Tx) error { return p.fn() }, nil)
	s.pausing.Store(nil)
	w.holds.add(hold{name: p.holder, start: started, end: time.Now()})
	s.pauseNS.Add(int64(time.Since(started)))
	if err := translate(err); fatal(err) { // a checkpoint syncs both files, whoever runs it
		w.giveUp(err)
	}
	// What the holder wrote through its own connection is not a foreign writer's.
	w.dataVersion = 0
	p.done <- err
}

// ManageCheckpoints tells the writer that someone else (the replica's driver)
// empties the write-ahead log from now on, or that the writer must again.
func (db *DB) ManageCheckpoints(elsewhere bool) { db.writer.checkpoints.Store(!elsewhere) }

// Checkpoint copies the write-ahead log into the file as far as readers allow,
// between two groups.
func (db *DB) Checkpoint(ctx context.Context) error {
	return db.Pause(ctx, "checkpoint", db.writer.checkpoint)
}

// Scrub copies the write-ahead log into the file and truncates it, so that what
// was erased stands in neither. It is for databases without a replica, whose
// driver has a Scrub of its own. Reads that began before are waited for.
func (db *DB) Scrub(ctx context.Context) error {
	return db.Pause(ctx, "scrub", func() error { return db.writer.checkpointAs("PRAGMA wal_checkpoint(TRUNCATE)") })
}

func (w *writer) checkpoint() error { return w.checkpointAs("PRAGMA wal_checkpoint(PASSIVE)") }

func (w *writer) checkpointAs(pragma string) error {
	var busy, logged, done int
	row := w.conn.QueryRowContext(context.Background(), pragma)
	if err := row.Scan(&busy, &logged, &done); err != nil {
		return fmt.Errorf("checkpoint: %w", translate(err))
	}
	return nil
}

func (w *writer) checkpointIfOurs() {
	if !w.checkpoints.Load() {
		return
	}
	// Looked at now and then: a look costs a few small reads.
	if w.sinceLook++; w.sinceLook < 32 {
		return
	}
	w.sinceLook = 0
	if WALBytes(w.db.path) < ownCheckpoint {
		return
	}
	err := w.checkpoint()
	if fatal(err) {
		w.giveUp(err)
	} else if err != nil {
		w.db.log.Warn("checkpoint failed", "err", err)
	}
}
