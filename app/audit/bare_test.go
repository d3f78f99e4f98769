package audit_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/store"
)

// bare is a log on a database of its own, without the rest of the app: for tests
// that hold its replica in their hands or start it again and again.
type bare struct {
	*audit.System
	t     testing.TB
	clock *apptest.Clock
	logs  strings.Builder
	mu    sync.Mutex
}

func (b *bare) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.logs.Write(p)
}

func (b *bare) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.logs.String()
}

// openBare opens the log in a folder, with changes to what it is given.
func openBare(t testing.TB, folder string, changes ...func(*audit.Deps)) *bare {
	t.Helper()
	b := &bare{t: t, clock: &apptest.Clock{}}
	b.clock.Advance(time.Duration(apptest.Epoch.UnixNano()))
	db, err := store.Open(filepath.Join(folder, "test.db"), store.Options{Clock: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	d := audit.Deps{DB: db, Logger: slog.New(slog.NewTextHandler(b, nil)), URL: "https://app.example.com", Keys: filepath.Join(folder, "keys"),
		Exports: filepath.Join(folder, "exports"), Vaults: []audit.Vault{audit.Folder(filepath.Join(folder, "audit"))}, Scrub: db.Scrub}
	for _, change := range changes {
		change(&d)
	}
	b.System = audit.New(d)
	if err := b.Declare(audit.Kind{Action: "thing.done", Title: "Thing done", Means: "A thing was done."}); err != nil {
		t.Fatal(err)
	}
	if err := b.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// do records n events, each in a transaction of its own.
func (b *bare) do(n int) {
	b.t.Helper()
	for range n {
		b.must(b.DB.Write(context.Background(), func(tx *store.Tx) error {
			return b.Record(tx, audit.Event{Action: "thing.done", Org: "org_a", Actor: audit.User("usr_a"), Personal: map[string]string{"email": "ada@example.com"}})
		}))
	}
}

func (b *bare) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bare) state() audit.State {
	b.t.Helper()
	st, err := b.State(b.t.Context())
	b.must(err)
	return st
}

// newest is the newest event with an action.
func (b *bare) newest(action audit.Action) audit.Entry {
	b.t.Helper()
	all, err := store.Read(b.t.Context(), b.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{Action: action, Limit: 1})
	})
	b.must(err)
	if len(all) == 0 {
		b.t.Fatalf("no event %s", action)
	}
	return all[0]
}
