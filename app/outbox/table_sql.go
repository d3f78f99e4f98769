package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Statements on the app's file. Its connection is ours alone and is used by one
// goroutine; they never see a context that ends, because SQLite would be
// interrupted in the middle of one.

// found is a row as it stands in the table.
type found struct {
	rowid int64
	v     values
}

// inspect reads the shape of the table. It is nil without an error while there is none.
func (f *file) inspect() (*shape, error) {
	var kind string
	var withoutRowid bool
	err := f.row(`SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND lower(name) = 'seaworthy_outbox'`).Scan(&kind, &withoutRowid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := f.conn.QueryContext(context.Background(), `SELECT name, type, "notnull", pk FROM pragma_table_info('seaworthy_outbox')`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cols []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.typ, &c.notNull, &c.key); err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return check(kind, withoutRowid, cols)
}

// read returns up to n rows after one that was read before (nil: from the
// first), in the order in which they were written, and whether there may be
// more. No value of theirs is larger than a row may have.
func (f *file) read(s *shape, after *int64, n int) (all []found, more bool, err error) {
	var b strings.Builder
	b.WriteString(`SELECT _rowid_`)
	for _, c := range columns {
		b.WriteString(`, ` + s.value(c))
	}
	b.WriteString(` FROM seaworthy_outbox WHERE `)
	args := []any{n}
	if after != nil {
		b.WriteString(`_rowid_ > ? AND `)
		args = []any{*after, n}
	}
	rows, err := f.conn.QueryContext(context.Background(), b.String()+s.unmarked()+` ORDER BY _rowid_ LIMIT ?`, args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	size := 0
	for size < maxBatchBytes && rows.Next() {
		var r found
		dest := []any{&r.rowid}
		for i := range r.v {
			dest = append(dest, &r.v[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, false, err
		}
		size += sizeOf(r.v[2])
		all = append(all, r)
	}
	return all, len(all) == n || size >= maxBatchBytes, rows.Err()
}

func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	}
	return 0
}

// unmarked is the condition of rows that were not found to be bad.
func (s *shape) unmarked() string {
	if s.has["error"] {
		return `error IS NULL`
	}
	return `1`
}

// countUpTo counts the rows that wait, but not more than n of them.
func (f *file) countUpTo(s *shape, n int) (count int, err error) {
	err = f.row(`SELECT count(*) FROM (SELECT 1 FROM seaworthy_outbox WHERE `+s.unmarked()+` LIMIT ?)`, n).Scan(&count)
	return count, err
}

// countMarked counts the rows that bear an error, but not more than n of them.
func (f *file) countMarked(n int) (count int, err error) {
	err = f.row(`SELECT count(*) FROM (SELECT 1 FROM seaworthy_outbox WHERE error IS NOT NULL LIMIT ?)`, n).Scan(&count)
	return count, err
}

// finish removes the rows that are jobs now and marks those that cannot be, in
// one transaction. A row that the app has changed since it was read stays as it is.
func (f *file) finish(s *shape, done []found, marks []mark) (err error) {
	if err := f.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.exec(`ROLLBACK`)
		}
	}()
	same := ` WHERE _rowid_ = ?`
	for _, c := range columns {
		same += ` AND ` + s.value(c) + ` IS ?`
	}
	for _, r := range done {
		if err := f.exec(`DELETE FROM seaworthy_outbox`+same, r.key()...); err != nil {
			return err
		}
	}
	for _, m := range marks {
		if err := f.exec(`UPDATE seaworthy_outbox SET error = ?`+same, append([]any{m.reason}, m.row.key()...)...); err != nil {
			return err
		}
	}
	return f.exec(`COMMIT`)
}

// mark is a bad row and what is wrong with it.
type mark struct {
	row    found
	reason string
}

// key are the arguments that find the row as it was read.
func (r found) key() []any { return append([]any{r.rowid}, r.v[:]...) }

// value is the expression that reads a column: NULL where the table lacks it, and
// tooLarge where it holds more than a row may have. No declared type is left in it
// for the driver to convert by.
func (s *shape) value(column string) string {
	if !s.has[column] {
		return `NULL`
	}
	most := maxText
	if column == "args" {
		most = maxArgs
	}
	return fmt.Sprintf(`CASE WHEN octet_length(%[1]q) <= %[2]d THEN %[1]q WHEN %[1]q IS NOT NULL THEN x'00' END`, column, most)
}

func (f *file) row(query string, args ...any) *sql.Row {
	return f.conn.QueryRowContext(context.Background(), query, args...)
}

func (f *file) exec(query string, args ...any) error {
	_, err := f.conn.ExecContext(context.Background(), query, args...)
	return err
}
