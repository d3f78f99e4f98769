package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ErrNotRead says that a statement would change something, or is none.
var ErrNotRead = errors.New("store: only a query can be run again")

// Analysis is what running a query came to. What it found is not told.
type Analysis struct {
	Rows     int64
	Took     time.Duration
	CutShort bool // it was ended at the limit
}

// mostAnalysed bounds how many rows are read.
const mostAnalysed = 10_000_000

// Analyse runs a query with values on a connection of its own that cannot write, and ends it at
// the limit. Anything but SELECT is ErrNotRead.
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
	if err = translate(err); errors.Is(err, ErrReadOnly) {
		return a, ErrNotRead
	}
	return a, err
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
