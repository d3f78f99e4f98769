//go:build faults

package faults

import (
	"path/filepath"
	"testing"
	"time"
)

// exitSchema is main's exit code for a database of a newer release.
const exitSchema = 65

// TestNewerSchema starts an older binary on a newer database.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	l.signUp(c)
	c.stop()
	db := openSQLite(t, dbFile(data), "")
	had := texts(t, db, "PRAGMA user_version")[0]
	_, err := db.Exec("PRAGMA user_version = 9999")
	must(t, err)
	must(t, db.Close())
	before, files := hash(t, dbFile(data)), names(t, data)

	c = start(t, stock, data)
	if code := c.exit(10 * time.Second); code != exitSchema {
		t.Errorf("exit code %d, want %d", code, exitSchema)
	}
	c.says("the database has schema 9999", "this binary knows up to "+had, "run the release that wrote it")
	if hash(t, dbFile(data)) != before {
		t.Error("the file was changed")
	}
	if now := names(t, data); now != files {
		t.Errorf("the folder held %s, and now %s", files, now)
	}
	if copies, _ := filepath.Glob(filepath.Join(data, "backups", "*")); len(copies) > 0 {
		t.Errorf("a migration was begun: %v", copies)
	}

	db = openSQLite(t, dbFile(data), "")
	_, err = db.Exec("PRAGMA user_version = " + had)
	must(t, err)
	must(t, db.Close())
	finish(t, data, l)
}
