package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotRead says that a statement would change something, or is none.
var ErrNotRead = errors.New("store: only a query can be run again")

// ErrValues says that a query cannot be run with the values it was given: a text where LIMIT wants
// a number, what is no JSON where JSON is read.
var ErrValues = errors.New("store: the query does not run with these values")

// Analysis is what running a query came to. What it found is not told.
type Analysis struct {
	Rows     int64
	Took     time.Duration
	CutShort bool // it was ended at the limit
}

// mostAnalysed bounds how many rows are read.
const mostAnalysed = 10_000_000

// Analyse runs a query with values on a connection of its own that cannot write, and ends it at
// the limit. Anything but SELECT is ErrNotRead; what SQLite refuses of the values is ErrValues.
func (db *DB) Analyse(ctx context.Context, query string, args []any, limit time.Duration) (a Analysis, err error) {
	switch word, _, _ := strings.Cut(strings.TrimSpace(query), " "); strings.ToUpper(strings.TrimSpace(word)) {
	case "SELECT", "WITH":
	default:
		return a, ErrNotRead
	}
	pool, err := connect(dsn(db.path, url.Values{"mode": {"ro"}}, "busy_timeout(1000)", "query_only(1)"), 1)
	if err != nil {
		return a, fmt.Errorf("open a connection to analyse on: %w", translate(err))
	}
	defer pool.Close()
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	start := time.Now()
	a.Rows, err = count(ctx, pool, query, args)
	a.Took = time.Since(start)
	if a.CutShort = errors.Is(ctx.Err(), context.DeadlineExceeded); a.CutShort {
		return a, nil
	}
	var refused *Error
	switch err = translate(err); {
	case errors.Is(err, ErrReadOnly):
		return a, ErrNotRead
	case errors.As(err, &refused) && ofValues(refused.Code):
		return a, fmt.Errorf("%w: %w", ErrValues, err)
	}
	return a, err
}

// ofValues reports whether SQLite fails a query with a code because of what it is about, and
// not because of the disk, the file or another process (https://www.sqlite.org/rescode.html).
func ofValues(code int) bool {
	switch code & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}

func count(ctx context.Context, pool *sql.DB, query string, args []any) (n int64, err error) {
	rows, err := pool.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() && n < mostAnalysed {
		n++
	}
	return n, rows.Err()
}

// row runs a statement once, without keeping it prepared.
func (s *statements) row(ctx context.Context, query string) *sql.Row {
	return s.conn.QueryRowContext(ctx, query)
}
