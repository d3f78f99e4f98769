package store

import (
	"context"
	"fmt"
	"strings"
)

// Schema reads the statements that made the tables and indexes, tables first, and the rows of
// sqlite_stat1 (table, index, figures) if ANALYZE was ever run.
func (db *DB) Schema(ctx context.Context) (statements []string, stats [][3]any, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		statements, err = All(tx, func(r Scanner) (s string, err error) { return s, r.Scan(&s) },
			`SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type DESC, rowid`)
		if err != nil {
			return err
		}
		var analysed int
		if err := tx.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'`).Scan(&analysed); err != nil || analysed == 0 {
			return err
		}
		stats, err = All(tx, func(r Scanner) (s [3]any, err error) { return s, r.Scan(&s[0], &s[1], &s[2]) }, `SELECT tbl, idx, stat FROM sqlite_stat1`)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the schema: %w", err)
	}
	return statements, stats, nil
}

// Size is about how much a table, or an index over some of its columns, holds.
type Size struct {
	Rows  int64 // 0 where it cannot be told without counting
	Bytes int64 // of the columns asked for, in all rows, as an index stores them
}

// sample is how many rows are looked at.
const sample = 1000

// SizeOf estimates, from the highest rowid and a sample of rows, what an index would hold.
func (db *DB) SizeOf(ctx context.Context, table string, columns []string) (s Size, err error) {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = "coalesce(length(CAST(" + quoted(c) + " AS BLOB)), 0)"
	}
	err = db.Read(ctx, func(tx *Tx) error {
		// A table without rowid cannot be told the size of but by reading it.
		if err := tx.stmts.row(ctx, "SELECT coalesce(max(rowid), 0) FROM "+quoted(table)).Scan(&s.Rows); err != nil {
			s.Rows = 0
		}
		var each float64
		if err := tx.stmts.row(ctx, fmt.Sprintf("SELECT coalesce(avg(n), 0) FROM (SELECT %s AS n FROM %s LIMIT %d)", strings.Join(parts, " + "), quoted(table), sample)).Scan(&each); err != nil {
			return translate(err)
		}
		// A header and a byte for each column, and the rowid; pages are about two thirds full.
		s.Bytes = int64(float64(s.Rows) * (each + float64(len(columns)) + 10) * 1.5)
		return nil
	})
	return s, err
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
