//go:build faults

package faults

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDatabaseLost removes the database with all that belongs to it: the next
// start brings it back from the replica and says so.
func TestDatabaseLost(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	for range 3 {
		l.signUp(c)
	}
	c.delivered(l.acknowledged())
	c.stop()
	before := tables(t, snapshot(t, data))
	left, err := filepath.Glob(filepath.Join(data, "*seaworthy.db*"))
	must(t, err)
	hidden, err := filepath.Glob(filepath.Join(data, ".seaworthy.db*"))
	must(t, err)
	for _, path := range append(left, hidden...) {
		must(t, os.RemoveAll(path))
	}

	c = serve(t, data)
	c.says("the database was missing and was restored from the replica", filepath.Join(data, "replica"))
	for _, p := range l.acknowledged() {
		c.knows(p)
	}
	l.signUp(c)
	c.stop()
	db := snapshot(t, data)
	sound(t, db, l)
	if after := tables(t, db); after["schema_migration"] != before["schema_migration"] {
		t.Errorf("the history of the schema was %s, and is %s", before["schema_migration"], after["schema_migration"])
	}
	inStep(t, data)
}

// TestDatabaseLostLogLeft removes the database alone: what is left may hold its
// newest commits, so a person must decide.
func TestDatabaseLostLogLeft(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	l.signUp(c)
	c.kill()
	aside := filepath.Join(t.TempDir(), "aside.db")
	must(t, os.Rename(dbFile(data), aside))
	files, wal := names(t, data), hash(t, dbFile(data)+"-wal")

	c = start(t, stock, data)
	if code := c.exit(10 * time.Second); code == 0 {
		t.Error("exit code 0, want another")
	}
	c.says(dbFile(data)+" is missing", dbFile(data)+"-wal", "If you have the database file, put it back", "mkdir -p", "mv ")
	if now := names(t, data); now != files || hash(t, dbFile(data)+"-wal") != wal {
		t.Errorf("the folder was changed: it held %s, and now %s", files, now)
	}

	// The first half of the advice.
	must(t, os.Rename(aside, dbFile(data)))
	finish(t, data, l)
}
