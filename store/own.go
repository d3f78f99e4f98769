package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Own are the tables that a program which embeds us keeps in the business file. Its
// steps are a sequence of their own, so that ours can grow beside it; they run after
// ours, rehearsed on the same copy.
type Own struct {
	Name  string // all that the steps make begins with it and _
	Steps []Migration
}

var ownName = regexp.MustCompile(`^[a-z][a-z0-9]{1,29}$`)

// ReadOwn reads migrations/NNNN_what.sql, which need not be there at all.
func ReadOwn(name string, files fs.FS) (Own, error) {
	if !ownName.MatchString(name) {
		return Own{}, fmt.Errorf("the name %q of what the program adds must be 2 to 30 small letters and digits", name)
	}
	steps, err := readMigrations(files)
	return Own{Name: name, Steps: steps}, err
}

// createOwnHistory is made with the first own step: a database without any is as the
// releases make it.
const createOwnHistory = `CREATE TABLE IF NOT EXISTS schema_own (
	owner TEXT NOT NULL,
	version INTEGER NOT NULL,
	name TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	binary_version TEXT NOT NULL,
	applied_at INTEGER NOT NULL,
	PRIMARY KEY (owner, version)
) STRICT`

// ownVersion is the last own step applied; it refuses a database whose steps differ
// from those of the program.
func ownVersion(ctx context.Context, db *DB, o Own) (int, error) {
	return Read(ctx, db, func(tx *Tx) (int, error) { return ownIn(tx, o) })
}

func ownIn(tx *Tx, o Own) (int, error) {
	if o.Name == "" {
		return 0, nil
	}
	var there int
	if err := tx.QueryRow("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_own'").Scan(&there); err != nil || there == 0 {
		return 0, err
	}
	sums, err := All(tx, func(r Scanner) (s string, err error) { return s, r.Scan(&s) }, "SELECT sha256 FROM schema_own WHERE owner = ? ORDER BY version", o.Name)
	if err != nil {
		return 0, err
	}
	if len(sums) > len(o.Steps) {
		return 0, &NewerSchemaError{Have: len(sums), Known: len(o.Steps), Owner: o.Name}
	}
	for i, sum := range sums {
		if m := o.Steps[i]; sum != m.Sum() {
			return 0, &ChangedMigrationError{Version: m.Version, Name: m.Name, Owner: o.Name}
		}
	}
	return len(sums), nil
}

// applyOwn runs each step in a transaction of its own, with its history row.
func applyOwn(ctx context.Context, db *DB, o Own, have int, binary string) error {
	db.stats.migrating.Store(true)
	defer db.stats.migrating.Store(false)
	for _, m := range o.Steps[have:] {
		err := db.Write(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(createOwnHistory); err != nil {
				return err
			}
			before, err := definitions(tx)
			if err != nil {
				return err
			}
			for what := range before {
				if m.Version == 1 && strings.HasPrefix(what, o.Name+"_") {
					return fmt.Errorf("the name %s is taken: there is a %s already", o.Name, what)
				}
			}
			if _, err := tx.sqlTx.Exec(m.SQL); err != nil {
				return translate(err)
			}
			after, err := definitions(tx)
			if err != nil {
				return err
			}
			if err := onlyOwn(o.Name, before, after); err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO schema_own (owner, version, name, sha256, binary_version, applied_at) VALUES (?, ?, ?, ?, ?, ?)`,
				o.Name, m.Version, m.Name, m.Sum(), binary, tx.Now().UnixMilli())
			return err
		})
		if err != nil {
			return fmt.Errorf("migration %d (%s) of %s: %w", m.Version, m.Name, o.Name, err)
		}
	}
	return nil
}

// definitions are the texts of all tables, indexes, views and triggers, with the
// table that each is on: an index of ours on another's table is not ours to make.
func definitions(tx *Tx) (map[string]string, error) {
	all, err := All(tx, func(r Scanner) (d [3]string, err error) { return d, r.Scan(&d[0], &d[1], &d[2]) },
		"SELECT name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
	out := map[string]string{}
	for _, d := range all {
		out[d[0]] = d[1] + "\n" + d[2]
	}
	return out, err
}

// ErrNotOwn is a step that touches tables of somebody else.
var ErrNotOwn = errors.New("it makes, changes or drops what is not its own")

func onlyOwn(name string, before, after map[string]string) error {
	changed := maps.Clone(before)
	maps.Copy(changed, after)
	for _, what := range slices.Sorted(maps.Keys(changed)) {
		if before[what] == after[what] {
			continue
		}
		on, _, _ := strings.Cut(changed[what], "\n")
		if !strings.HasPrefix(what, name+"_") || !strings.HasPrefix(on, name+"_") {
			return fmt.Errorf("%w: %s does not begin with %s_, or is on another's table", ErrNotOwn, what, name)
		}
	}
	return nil
}
