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
	r := &readers{pool: pool, free: make(chan *statements, o.Readers), n: o.Readers}
	for range o.Readers {
		conn, err := pool.Conn(context.Background())
		if err != nil {
			r.close(nil)
			return nil, err
		}
		r.free <- &statements{conn: conn, watch: o.Watch}
	}
	return r, nil
}

// close closes every reader, each after a call of before, which may be nil.
func (r *readers) close(before func(*sql.Conn)) {
	// Readers still out are waited for: a close under a running query would
	// leave its rows half-read.
	for len(r.free) > 0 || r.n > 0 {
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
		if err := tx.stmts.exec("BEGIN"); err != nil {
			return err
		}
		// COMMIT in every case, a panic included: a reader left in a transaction
		// would pin the write-ahead log.
		defer tx.stmts.exec("COMMIT")
		return fn(tx)
	})
}

// reader runs fn with a reader that is free, outside of any transaction.
func (db *DB) reader(ctx context.Context, fn func(*Tx) error) error {
	if db.closed.Load() {
		return ErrClosed
	}
	var s *statements
	select {
	case s = <-db.readers.free:
	default:
		asked := time.Now()
		select {
		case s = <-db.readers.free:
			if s.watch != nil {
				s.watch.Transaction(ctx, Transaction{Start: asked, Gate: time.Since(asked)})
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for a reader: %w", context.Cause(ctx))
		}
	}
	defer func() { db.readers.free <- s }()
	return fn(&Tx{ctx: ctx, db: db, stmts: s, now: db.clock().UTC().Truncate(time.Millisecond)})
}

func (s *statements) exec(query string) error {
	stmt, err := s.get(query)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(context.Background())
	return translate(err)
}
