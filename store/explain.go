package store

import (
	"context"
	"fmt"
	"strings"
)

// Explain is how SQLite would run a statement now (EXPLAIN QUERY PLAN): a line for each
// step, indented by what it is part of. Nothing is run. Values that are not given count as
// NULL, so that a plan which depends on them may be another.
func (db *DB) Explain(ctx context.Context, statement string) (plan string, err error) {
	err = db.reader(ctx, func(tx *Tx) error {
		plan, err = tx.stmts.explain(ctx, statement)
		return err
	})
	return plan, err
}

func (s *statements) explain(ctx context.Context, statement string) (string, error) {
	// The program of EXPLAIN QUERY PLAN reads nothing, and so does not notice that the schema
	// changed since this connection looked; a read does.
	var n int
	if err := s.row(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		return "", fmt.Errorf("explain: %w", translate(err))
	}
	// One mark more than there are does no harm; one less is refused.
	rows, err := s.conn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		return "", fmt.Errorf("explain: %w", translate(err))
	}
	defer rows.Close()
	var plan strings.Builder
	depth := map[int]int{}
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return "", fmt.Errorf("explain: %w", translate(err))
		}
		if parent != 0 {
			depth[id] = depth[parent] + 1
		}
		if plan.Len() > 0 {
			plan.WriteByte('\n')
		}
		plan.WriteString(strings.Repeat("  ", depth[id]) + step)
	}
	return plan.String(), translate(rows.Err())
}
