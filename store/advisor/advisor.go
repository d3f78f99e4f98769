// Package advisor proposes indexes for a statement, as sqlite3_expert does: it asks SQLite's
// planner which constraints and orders the statement has, makes the indexes that would serve them
// on an empty copy of the schema, and looks which of them the planner takes. It changes nothing
// (spec/observability.md section 2).
package advisor

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// Schema is what a copy is made from.
type Schema struct {
	Statements []string // that made the tables and indexes, in order
	Stats      []Stat   // what ANALYZE found
}

// Stat is a row of sqlite_stat1.
type Stat struct{ Table, Index, Stat any }

// Advice is what would help.
type Advice struct {
	Indexes []Index
	Before  string // how the statement runs
	After   string // how it would run with the indexes
}

// Index is one that is proposed.
type Index struct {
	SQL     string // CREATE INDEX …
	Table   string
	Columns []string
}

// maxCandidates bounds how many indexes are tried.
const maxCandidates = 60

// Advise looks for indexes that let a statement run with fewer scans and sorts, or read less. No
// indexes are no error: what there is serves the statement.
func Advise(ctx context.Context, s Schema, statement string) (a Advice, err error) {
	copied, err := open(ctx, &sqlite.Driver{})
	if err != nil {
		return a, err
	}
	defer copied.Close()
	if err := s.restore(ctx, copied); err != nil {
		return a, err
	}
	if a.Before, err = plan(ctx, copied, statement); err != nil {
		return a, fmt.Errorf("the statement as it is: %w", err)
	}
	tables, err := tablesOf(ctx, copied)
	if err != nil {
		return a, err
	}
	wishes, err := wishesOf(ctx, tables, statement)
	if err != nil {
		return a, err
	}
	a.After, err = attempt(ctx, copied, statement, candidates(wishes), &a)
	return a, err
}

// attempt has the planner choose among candidates, and then among as few and short ones as do.
func attempt(ctx context.Context, o *opened, statement string, all []candidate, a *Advice) (after string, err error) {
	tried, err := planWith(ctx, o, statement, all)
	if err != nil {
		return "", err
	}
	used := takenIn(tried, all)
	if len(used) == 0 || !better(a.Before, tried) {
		return "", nil
	}
	for i := range used {
		for len(used[i].terms) > 1 {
			shorter := slices.Clone(used)
			shorter[i].terms = shorter[i].terms[:len(shorter[i].terms)-1]
			less, err := planWith(ctx, o, statement, shorter)
			if err != nil {
				return "", err
			}
			if better(less, tried) || !better(a.Before, less) {
				break
			}
			used, tried = shorter, less
		}
	}
	if tried, err = planWith(ctx, o, statement, used); err != nil {
		return "", err
	}
	for _, c := range takenIn(tried, used) {
		a.Indexes = append(a.Indexes, Index{Table: c.table, Columns: c.names(), SQL: c.sql(c.name())})
		tried = strings.ReplaceAll(tried, tryName(c.at), c.name())
	}
	return tried, nil
}

// planWith is how the statement would run with some candidates and no others.
func planWith(ctx context.Context, o *opened, statement string, all []candidate) (string, error) {
	for _, c := range all {
		if _, err := o.ExecContext(ctx, c.sql(tryName(c.at))); err != nil {
			return "", fmt.Errorf("try an index: %w", err)
		}
	}
	tried, err := plan(ctx, o, statement)
	if err != nil {
		return "", fmt.Errorf("try indexes: %w", err)
	}
	for _, c := range all {
		if _, err := o.ExecContext(ctx, "DROP INDEX "+tryName(c.at)); err != nil {
			return "", fmt.Errorf("drop a tried index: %w", err)
		}
	}
	return tried, nil
}

// memory opens databases of one driver in memory, so that modules of one are not of another.
type memory struct{ d *sqlite.Driver }

// Connect implements driver.Connector.
func (m memory) Connect(context.Context) (driver.Conn, error) { return m.d.Open(":memory:") }

// Driver implements driver.Connector.
func (m memory) Driver() driver.Driver { return m.d }

// opened is one connection to a database of its own in memory.
type opened struct {
	pool *sql.DB
	*sql.Conn
}

// Close forgets the database.
func (o *opened) Close() error { return errors.Join(o.Conn.Close(), o.pool.Close()) }

func open(ctx context.Context, d *sqlite.Driver) (*opened, error) {
	pool := sql.OpenDB(memory{d})
	conn, err := pool.Conn(ctx)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	return &opened{pool, conn}, nil
}

// restore makes the tables and indexes, and gives the planner the statistics.
func (s Schema) restore(ctx context.Context, o *opened) error {
	for _, statement := range s.Statements {
		if _, err := o.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("copy the schema: %w", err)
		}
	}
	if len(s.Stats) == 0 {
		return nil
	}
	if _, err := o.ExecContext(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("copy the statistics: %w", err)
	}
	for _, one := range s.Stats {
		if _, err := o.ExecContext(ctx, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", one.Table, one.Index, one.Stat); err != nil {
			return fmt.Errorf("copy the statistics: %w", err)
		}
	}
	if _, err := o.ExecContext(ctx, "ANALYZE sqlite_schema"); err != nil {
		return fmt.Errorf("load the statistics: %w", err)
	}
	return nil
}

// plan is how the statement would run.
func plan(ctx context.Context, o *opened, statement string) (string, error) {
	rows, err := o.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return "", err
		}
		lines = append(lines, step)
	}
	return strings.Join(lines, "\n"), rows.Err()
}
