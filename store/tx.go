package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Tx is a transaction as a closure sees it. It is valid only until the closure
// returns, and must not be used from another goroutine.
//
// A closure may run again after a rollback, so it changes nothing but the
// database: no I/O, no sending, no hashing, nothing outside the Tx.
type Tx struct {
	ctx    context.Context
	db     *DB
	sqlTx  *sql.Tx // nil in a read
	stmts  *statements
	now    time.Time
	write  bool
	sees   int64 // commits that a read is sure to see
	after  []func()
	topics []string
	broken error // after which SQLite may have rolled everything back; see fails
}

var errReadTx = errors.New("store: a read transaction cannot write")

// Context is the caller's context, for its values. It never cancels a
// statement: SQLite would roll back the whole group (DESIGN section 4).
func (tx *Tx) Context() context.Context { return tx.ctx }

// Now is the one clock reading of this transaction, in UTC to the millisecond.
func (tx *Tx) Now() time.Time { return tx.now }

// NewID makes an id that carries the transaction's time; see DB.NewID.
func (tx *Tx) NewID(prefix string) string { return tx.db.newID(prefix, tx.now) }

// Sees is how many commits this read is sure to see, as DB.Commits counts them. What is
// remembered of it is out of date once a later one has changed what it read. A write,
// which also sees what is not committed yet, has -1.
func (tx *Tx) Sees() int64 {
	if tx.write {
		return -1
	}
	return tx.sees
}

// SQL is the write transaction as database/sql knows it, for libraries such as
// goqite. It is nil in a read. Never commit or roll it back.
func (tx *Tx) SQL() *sql.Tx { return tx.sqlTx }

// AfterCommit runs f once the transaction is durable, on the writer's
// goroutine: f must be quick and must not write.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Notify wakes the listeners of a topic after the commit; see DB.Listen.
func (tx *Tx) Notify(topic string) {
	if !slices.Contains(tx.topics, topic) {
		tx.topics = append(tx.topics, topic)
	}
}

// fails gives a statement's error its kind. One after which SQLite may have rolled the whole
// transaction back is the last thing that the transaction does: what a closure that does not heed
// it ran next would be saved on its own.
func (tx *Tx) fails(err error) error {
	err = translate(err)
	if tx.sqlTx != nil && endsTransaction(err) {
		tx.broken = err
	}
	return err
}

// Exec runs one statement and returns how many rows it changed.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if !tx.write {
		return 0, errReadTx
	}
	if tx.broken != nil {
		return 0, tx.broken
	}
	stmt, err := tx.stmts.get(query)
	if err != nil {
		return 0, err
	}
	start := tx.stmts.begin()
	res, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		err = tx.fails(err)
		tx.ran(stmt, start, 0, err)
		return 0, err
	}
	n, err := res.RowsAffected()
	tx.ran(stmt, start, n, err)
	return n, translate(err)
}

// ExecOne runs one statement that must change exactly one row, and returns
// ErrNotFound when it changed none.
func (tx *Tx) ExecOne(query string, args ...any) error {
	n, err := tx.Exec(query, args...)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	if err == nil && n > 1 {
		return fmt.Errorf("store: %d rows changed where one was meant", n)
	}
	return err
}

// QueryRow runs a query of at most one row. Scan returns ErrNotFound when
// there is none.
func (tx *Tx) QueryRow(query string, args ...any) Row {
	if tx.broken != nil {
		return Row{err: tx.broken}
	}
	stmt, err := tx.stmts.get(query)
	if err != nil {
		return Row{err: err}
	}
	start := tx.stmts.begin()
	return Row{row: stmt.QueryRowContext(context.Background(), args...), tx: tx, p: stmt, start: start}
}

// Query runs a query of many rows; the caller closes them. All is shorter.
func (tx *Tx) Query(query string, args ...any) (*Rows, error) {
	if tx.broken != nil {
		return nil, tx.broken
	}
	stmt, err := tx.stmts.get(query)
	if err != nil {
		return nil, err
	}
	start := tx.stmts.begin()
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		err = tx.fails(err)
		tx.ran(stmt, start, 0, err)
		return nil, err
	}
	return &Rows{Rows: rows, tx: tx, p: stmt, start: start}, nil
}

// Row is the answer to QueryRow.
type Row struct {
	row   *sql.Row
	err   error
	tx    *Tx
	p     *prepared
	start time.Time
}

// Scan copies the columns of the row, or returns ErrNotFound.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := r.tx.fails(r.row.Scan(dest...))
	switch {
	case err == nil:
		r.tx.ran(r.p, r.start, 1, nil)
	case errors.Is(err, ErrNotFound):
		r.tx.ran(r.p, r.start, 0, nil)
	default:
		r.tx.ran(r.p, r.start, 0, err)
	}
	return err
}

// Scanner is one row being read: a Row, or the current one of a Query.
type Scanner interface{ Scan(dest ...any) error }

// All runs a query and reads every row with scan. No rows is an empty slice.
func All[T any](tx *Tx, scan func(Scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, translate(err)
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// statements are the prepared statements of one pinned connection. Every query
// text in the program is a constant, so the set is small; the bound is a guard.
type statements struct {
	conn  *sql.Conn
	m     map[string]*prepared
	watch Watcher // nil: nobody asks
}

const maxStatements = 1000

func (s *statements) get(query string) (*prepared, error) {
	if stmt, ok := s.m[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, translate(err))
	}
	if len(s.m) >= maxStatements {
		s.close()
	}
	if s.m == nil {
		s.m = make(map[string]*prepared)
	}
	p := &prepared{Stmt: stmt}
	if s.watch != nil {
		p.shape = s.watch.Shape(query)
	}
	s.m[query] = p
	return p, nil
}

func (s *statements) close() {
	for _, stmt := range s.m {
		stmt.Close()
	}
	s.m = nil
}
