package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// Rule says what the program itself may still do to a table that is meant to
// last. Inserting and reading are always allowed; dropping it, altering it, and
// adding or dropping a trigger or an index of it never are.
type Rule struct {
	Table  string
	Update []string // columns that may be updated
	Delete bool     // rows may be deleted
}

// Protect installs the rules on the writer's connection, by SQLite's authorizer
// (https://www.sqlite.org/c3ref/set_authorizer.html): a statement that breaks one
// is refused when it is prepared, with ErrConstraint. Call it after Migrate,
// which may have to do what the rules forbid.
//
// Triggers alone would not do: whoever can drop a trigger can drop the guard.
func (db *DB) Protect(ctx context.Context, rules ...Rule) error {
	p := policy{}
	for _, r := range rules {
		p[strings.ToLower(r.Table)] = r
	}
	err := db.Pause(ctx, "protect", func() error {
		return db.writer.conn.Raw(func(driver any) error {
			c, ok := driver.(sqlite.AuthorizerRegisterer)
			if !ok {
				return fmt.Errorf("the driver has no authorizer")
			}
			return c.RegisterAuthorizer(p.authorize)
		})
	})
	if err != nil {
		return fmt.Errorf("protect tables: %w", err)
	}
	return nil
}

// policy is the rules by table, in lower case as SQLite compares names.
type policy map[string]Rule

func (p policy) authorize(action sqlite.AuthorizerActionCode, arg1, arg2, _, _ string) sqlite.AuthorizerReturnCode {
	if p.allows(action, strings.ToLower(arg1), strings.ToLower(arg2)) {
		return sqlite.AuthorizerOK
	}
	return sqlite.AuthorizerDeny
}

// allows decides about one operation. SQLite names the table first for rows and
// tables, second for triggers, indexes and ALTER TABLE.
func (p policy) allows(action sqlite.AuthorizerActionCode, arg1, arg2 string) bool {
	switch action {
	case sqlite.AuthUpdate:
		r, guarded := p[arg1]
		return !guarded || slices.Contains(r.Update, arg2)
	case sqlite.AuthDelete:
		r, guarded := p[arg1]
		return !guarded || r.Delete
	case sqlite.AuthDropTable, sqlite.AuthDropTempTable:
		return !p.guards(arg1)
	case sqlite.AuthAlterTable, sqlite.AuthDropTrigger, sqlite.AuthDropTempTrigger, sqlite.AuthCreateTrigger,
		sqlite.AuthCreateTempTrigger, sqlite.AuthDropIndex, sqlite.AuthCreateIndex:
		return !p.guards(arg2)
	case sqlite.AuthCreateTempTable, sqlite.AuthCreateTempView:
		return !p.guards(arg1) // one of the same name would stand before it
	case sqlite.AuthPragma:
		return arg1 != "writable_schema" || arg2 == ""
	}
	return true
}

func (p policy) guards(table string) bool {
	_, guarded := p[table]
	return guarded
}
