package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"
)

// readers are pinned read-only connections, each with its own statements.
type readers struct {
	pool *sql.DB
	free chan *statements
	gone chan struct{} // closed with them
	n    int
}

// newReaders opens the pool. query_only keeps a mistake in a read from
// becoming a write; mmap saves a copy for every page read.
func newReaders(path string, o Options) (*readers, error) {
	name := dsn(path, url.Values{},
		fmt.Sprintf("busy_timeout(%d)", o.BusyWait.Milliseconds()),
		"query_only(1)", "foreign_keys(1)", fmt.Sprintf("mmap_size(%d)", o.CacheMmap))
	pool, err := connect(name, o.Readers)
	if err != nil {
		return nil, err
	}
	r := &readers{pool: pool, free: make(chan *statements, o.Readers), gone: make(chan struct{})}
	for range o.Readers {
		conn, err := pool.Conn(context.Background())
		if err != nil {
			r.close(nil)
			return nil, err
		}
		steady(conn)
		r.free <- &statements{conn: conn, watch: o.Watch}
		r.n++
	}
	return r, nil
}

// lend returns a reader that is free, once one is; waited is how long that took. It is given back
// to free. ErrClosed says that there are none any more.
func (r *readers) lend(ctx context.Context) (s *statements, waited time.Duration, err error) {
	select {
	case s = <-r.free:
		return s, 0, nil
	default:
	}
	asked := time.Now()
	select {
	case s = <-r.free:
		return s, time.Since(asked), nil
	case <-r.gone:
		return nil, 0, ErrClosed
	case <-ctx.Done():
		return nil, 0, fmt.Errorf("wait for a reader: %w", context.Cause(ctx))
	}
}

// close closes every reader, each after a call of before, which may be nil.
func (r *readers) close(before func(*sql.Conn)) {
	close(r.gone)
	// Readers still out are waited for: a close under a running query would
	// leave its rows half-read.
	for r.n > 0 {
		select {
		case s := <-r.free:
			s.close()
			if before != nil {
				before(s.conn)
			}
			s.conn.Close()
			r.n--
		case <-time.After(5 * time.Second):
			r.n = 0
		}
	}
	r.pool.Close()
}

// Read runs fn on a consistent snapshot of the last commit. It waits for a free
// reader until ctx ends.
func Read[T any](ctx context.Context, db *DB, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := db.Read(ctx, func(tx *Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}

// Peek is Read for a closure of one statement, which sees one commit by itself:
// it saves BEGIN and COMMIT, an eighth of a small read. A second statement in the
// closure may see a later commit.
func Peek[T any](ctx context.Context, db *DB, fn func(*Tx) (T, error)) (T, error) {
	var out T
	err := db.reader(ctx, func(tx *Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	return out, err
}

// Read is the function Read for closures without a value.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	return db.reader(ctx, func(tx *Tx) error {
		return tx.stmts.snapshot(func() error { return fn(tx) })
	})
}

// reader runs fn with a reader that is free, outside of any transaction.
func (db *DB) reader(ctx context.Context, fn func(*Tx) error) error {
	if db.closed.Load() {
		return ErrClosed
	}
	s, waited, err := db.readers.lend(ctx)
	if err != nil {
		return err
	}
	defer func() { db.readers.free <- s }()
	if s.watch != nil && waited > 0 {
		s.watch.Transaction(ctx, Transaction{Start: time.Now().Add(-waited), Gate: waited})
	}
	return noted(fn(&Tx{ctx: ctx, db: db, stmts: s, sees: db.Commits(), now: db.clock().UTC().Truncate(time.Millisecond)}))
}

// snapshot runs fn in a transaction that only reads. It ends in every case, a panic included: a
// reader left in one would pin the write-ahead log.
func (s *statements) snapshot(fn func() error) error {
	if err := s.exec("BEGIN"); err != nil {
		return err
	}
	defer s.exec("COMMIT")
	return fn()
}

func (s *statements) exec(query string) error {
	stmt, err := s.get(query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(context.Background())
	return translate(err)
}
