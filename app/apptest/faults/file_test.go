//go:build faults

package faults

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/store/replica"
)

func dbFile(data string) string { return filepath.Join(data, "seaworthy.db") }

// openSQLite opens a database file of our own with nothing but the driver.
func openSQLite(t *testing.T, path, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+options)
	must(t, err)
	db.SetMaxOpenConns(1)
	must(t, db.Ping())
	t.Cleanup(func() { db.Close() })
	return db
}

// snapshot opens a copy of what lies on the disk: reading the file itself would
// replay its log, and so change the evidence before the next start sees it.
// Nothing may be running on the data folder.
func snapshot(t *testing.T, data string) *sql.DB {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, dbFile(data), to)
	if _, err := os.Stat(dbFile(data) + "-wal"); err == nil {
		copyFile(t, dbFile(data)+"-wal", to+"-wal")
	}
	return openSQLite(t, to, "")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, text, 0o600))
}

// restored is what the replica gives back, restored the way serve does it.
func restored(t *testing.T, data string) *sql.DB {
	t.Helper()
	cfg, err := replica.Parse([]byte(replica.DefaultYAML), func(name string) string {
		if name == replica.EnvData {
			return data
		}
		return ""
	})
	must(t, err)
	to := filepath.Join(t.TempDir(), "restored.db")
	if _, err := replica.Restore(t.Context(), cfg, to, replica.RestoreOptions{}); err != nil {
		t.Fatalf("the replica cannot be restored: %v", err)
	}
	return openSQLite(t, to, "")
}

// inStep wants the replica to hold exactly the rows of the database. It is for
// a folder whose process was stopped and not killed.
func inStep(t *testing.T, data string) {
	t.Helper()
	have, want := tables(t, restored(t, data)), tables(t, snapshot(t, data))
	for name, rows := range want {
		if have[name] != rows {
			t.Errorf("table %s at the replica is %q, in the database %q", name, have[name], rows)
		}
		delete(have, name)
	}
	for name := range have {
		t.Errorf("table %s is at the replica alone", name)
	}
}

// tables is the content of every table of ours, as a count and a hash.
func tables(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_litestream%' ESCAPE '\'`) {
		rows, err := db.Query(`SELECT * FROM "` + name + `" ORDER BY rowid`)
		if err != nil { // a table without: its key orders it
			rows, err = db.Query(`SELECT * FROM "` + name + `" ORDER BY 1, 2`)
		}
		must(t, err)
		columns, err := rows.Columns()
		must(t, err)
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		h, n := sha256.New(), 0
		for ; rows.Next(); n++ {
			must(t, rows.Scan(into...))
			fmt.Fprintf(h, "%q\n", values)
		}
		must(t, rows.Err())
		all[name] = fmt.Sprintf("%d rows %x", n, h.Sum(nil)[:8])
	}
	return all
}

// texts is the one column of a query, as text.
func texts(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s sql.NullString
		must(t, rows.Scan(&s))
		all = append(all, s.String)
	}
	must(t, rows.Err())
	return all
}

// hash is of the bytes of a file.
func hash(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	must(t, err)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// names lists a folder, for tests that want it untouched.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
