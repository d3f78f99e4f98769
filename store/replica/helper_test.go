package replica

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/store"
)

// env returns the environment of a data folder.
func env(dir string) func(string) string {
	return func(name string) string {
		if name == EnvData {
			return dir
		}
		return ""
	}
}

// fileConfig is the default configuration in a fresh data folder, faster.
func fileConfig(t testing.TB) Config {
	t.Helper()
	cfg, err := Parse([]byte(DefaultYAML), env(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Replica.SyncInterval = 20 * time.Millisecond
	return cfg
}

func testLog(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// openDB opens and migrates the database of cfg, with a table to fill.
func openDB(t testing.TB, cfg Config) *store.DB {
	t.Helper()
	db, err := store.Open(cfg.DBPath, store.Options{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{Binary: "test"}); err != nil {
		t.Fatal(err)
	}
	sqlExec(t, db, "CREATE TABLE IF NOT EXISTS test_row (id INTEGER NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT")
	return db
}

func sqlExec(t testing.TB, db *store.DB, query string, args ...any) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// insert adds n rows in n commits.
func insert(t testing.TB, db *store.DB, n, bytes int) {
	t.Helper()
	for range n {
		sqlExec(t, db, "INSERT INTO test_row (body) VALUES (randomblob(?))", bytes)
	}
}

// digest is the number of rows and a sum over them.
func digest(t testing.TB, db *store.DB) string {
	t.Helper()
	sum, err := store.Read(context.Background(), db, func(tx *store.Tx) (s string, err error) {
		err = tx.QueryRow(`SELECT count(*) || '/' || coalesce(sum(id), 0) || '/' || coalesce(group_concat(hex(substr(body, 1, 4)), ''), '')
			FROM (SELECT id, body FROM test_row ORDER BY id)`).Scan(&s)
		return s, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func start(t testing.TB, db *store.DB, cfg Config, o Options) *Driver {
	t.Helper()
	if o.Log == nil {
		o.Log = testLog(t)
	}
	d, err := Start(t.Context(), db, cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		d.Close(ctx)
	})
	return d
}

func closeAll(t testing.TB, d *Driver, db *store.DB) {
	t.Helper()
	if err := d.Close(context.Background()); err != nil {
		t.Fatalf("close the driver: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatalf("close the database: %v", err)
	}
}

// soon is a context for what takes a moment, on a slow machine too.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until ok, and fails with what was last seen.
func eventually(t testing.TB, limit time.Duration, what string, ok func() (string, bool)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		seen, done := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; last seen: %s", what, limit, seen)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// loseMachine removes everything but the replica.
func loseMachine(t testing.TB, cfg Config) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(cfg.DBPath))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "replica" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(filepath.Dir(cfg.DBPath), e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// ls names what is in the data folder.
func ls(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func currentEpoch(t testing.TB, cfg Config) current {
	t.Helper()
	c, err := readCurrent(t.Context(), openRoot(cfg.Replica, callTimeout))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func say(s Status) string { return fmt.Sprintf("%+v", s) }

// epochOf is the epoch that the driver replicates to. The first attempt to open
// it can fail on a busy machine, and Start returns all the same: hence the wait.
func epochOf(t testing.TB, d *Driver) string {
	t.Helper()
	if err := d.Wait(soon(t)); err != nil {
		t.Fatalf("wait for the first sync: %v", err)
	}
	return d.Status().Epoch
}
