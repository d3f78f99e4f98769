package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// texts are the statements that were run.
type texts struct {
	mu  sync.Mutex
	all []string
}

func (w *texts) Shape(text string) any                              { return text }
func (w *texts) Transaction(_ context.Context, _ store.Transaction) {}
func (w *texts) Statement(_ context.Context, s store.Statement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, fmt.Sprint(s.Shape))
}

// Whoever has an org of his own must not have the events of all others walked: of an actor who
// is busy elsewhere the org's log is looked at, of any other the actor's events.
func TestAListOfAnOrgCostsWhatItsLogDoes(t *testing.T) {
	t.Parallel()
	folder, seen := t.TempDir(), &texts{}
	db, err := store.Open(filepath.Join(folder, "test.db"), store.Options{Watch: seen})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	log := audit.New(audit.Deps{DB: db, Logger: slog.New(slog.DiscardHandler), URL: "https://app.example.com", Keys: filepath.Join(folder, "keys"), Vaults: []audit.Vault{audit.Folder(folder)}})
	if err := log.Declare(audit.Kind{Action: "thing.done", Title: "Thing done", Means: "A thing was done."}); err != nil {
		t.Fatal(err)
	}
	if err := log.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for range 20 {
				if err := log.Record(tx, audit.Event{Action: "thing.done", Actor: audit.Ref{Type: "system", ID: "busy"}, Targets: []audit.Ref{{Type: "thing", ID: "busy"}}, Org: "org_b"}); err != nil {
					return err
				}
			}
			return log.Record(tx, audit.Event{Action: "thing.done", Actor: audit.User("usr_a"), Org: "org_a"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		filter audit.Filter
		org    bool
	}{
		{audit.Filter{Org: "org_a", Actor: "system:busy"}, true}, {audit.Filter{Org: "org_a", Target: "thing:busy"}, true}, {audit.Filter{Org: "org_a"}, true},
		{audit.Filter{Org: "org_a", Actor: "user:usr_a"}, false}, {audit.Filter{Actor: "system:busy"}, false},
	} {
		seen.mu.Lock()
		seen.all = nil
		seen.mu.Unlock()
		if _, err := store.Read(t.Context(), db, func(tx *store.Tx) ([]audit.Entry, error) { return audit.List(tx, c.filter) }); err != nil {
			t.Fatal(err)
		}
		seen.mu.Lock()
		if byOrg := strings.Contains(strings.Join(seen.all, "\n"), "org_seq >"); byOrg != c.org || len(seen.all) == 0 {
			t.Errorf("%+v: by the org's log %v, want %v", c.filter, byOrg, c.org)
		}
		seen.mu.Unlock()
	}
}
