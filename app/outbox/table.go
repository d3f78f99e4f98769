package outbox

import (
	"fmt"
	"strings"
)

// DDL makes the table. The app runs it on its own file; any SQLite since 3.7
// takes it. Columns that are not needed can be left out, others can be added.
const DDL = `CREATE TABLE IF NOT EXISTS seaworthy_outbox (
  id       TEXT NOT NULL PRIMARY KEY, -- chosen by you and used once, such as a UUID
  kind     TEXT NOT NULL,             -- what is to be done, such as invoice.send
  args     TEXT,                      -- JSON, at most 256 KB; null if NULL
  queue    TEXT,                      -- the queue it waits in; 'default' if NULL
  endpoint TEXT,                      -- which endpoint it is delivered to; the default one if NULL
  priority INTEGER,                   -- -9 to 9, higher first; 0 if NULL
  run_at   INTEGER,                   -- not before, in ms since 1970 (UTC); at once if NULL
  key      TEXT,                      -- jobs with the same key run one at a time
  created  INTEGER,                   -- yours; Seaworthy does not read it
  error    TEXT                       -- set by Seaworthy where a row cannot be a job; set it to NULL to try again
)`

// ShapeError says how the table differs from what can be relayed.
type ShapeError struct {
	Column string // "" if it is about the whole table
	Reason string
}

func (e *ShapeError) Error() string {
	if e.Column == "" {
		return "seaworthy_outbox " + e.Reason
	}
	return fmt.Sprintf("column %s of seaworthy_outbox %s", e.Column, e.Reason)
}

// column is one as SQLite describes it.
type column struct {
	name, typ string
	notNull   bool
	key       int // place in the primary key, from 1; 0: not in it
}

// shape is which of the known columns a table has.
type shape struct{ has map[string]bool }

// check makes a shape of a table's columns, or says what is wrong with them.
func check(kind string, withoutRowid bool, cols []column) (*shape, error) {
	if kind != "table" {
		return nil, &ShapeError{"", "is a " + kind + " and must be a table"}
	}
	if withoutRowid {
		return nil, &ShapeError{"", "must not be WITHOUT ROWID: rows are relayed in the order in which they were written"}
	}
	s := &shape{has: map[string]bool{}}
	keys := 0
	for _, c := range cols {
		name := strings.ToLower(c.name)
		s.has[name] = true
		if c.key > 0 {
			keys++
		}
		switch {
		case name == "id" && !textual(c.typ):
			return nil, &ShapeError{"id", fmt.Sprintf("must be TEXT, not %q", c.typ) + ": an id is used once, and SQLite gives numbers out again when their rows are gone"}
		case name == "id" && c.key == 0:
			return nil, &ShapeError{"id", "must be the PRIMARY KEY"}
		case name == "error" && c.notNull:
			return nil, &ShapeError{"error", "must allow NULL"}
		}
	}
	for _, name := range []string{"id", "kind", "args"} {
		if !s.has[name] {
			return nil, &ShapeError{name, "is missing"}
		}
	}
	if keys > 1 {
		return nil, &ShapeError{"id", "must be the PRIMARY KEY alone"}
	}
	return s, nil
}

// textual reports whether a declared type has TEXT affinity
// (https://www.sqlite.org/datatype3.html section 3.1).
func textual(typ string) bool {
	typ = strings.ToUpper(typ)
	return !strings.Contains(typ, "INT") && (strings.Contains(typ, "CHAR") || strings.Contains(typ, "CLOB") || strings.Contains(typ, "TEXT"))
}
