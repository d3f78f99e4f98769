package audit

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

func benchLog(b *testing.B) *System {
	b.Helper()
	folder := b.TempDir()
	db, err := store.Open(filepath.Join(folder, "bench.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if _, err := store.Migrate(b.Context(), db, store.MigrateOptions{}); err != nil {
		b.Fatal(err)
	}
	s := New(Deps{DB: db, Logger: slog.New(slog.DiscardHandler), URL: "https://app.example.com", Keys: filepath.Join(folder, "keys"), Vaults: []Vault{Folder(filepath.Join(folder, "audit"))}})
	if err := s.Declare(Kind{Action: "thing.done", Title: "Thing done", Means: "A thing was done."}); err != nil {
		b.Fatal(err)
	}
	if err := s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := db.Protect(b.Context(), Rules()...); err != nil {
		b.Fatal(err)
	}
	return s
}

// benchEvent is an event as most are: with an org, a target, two disclosures.
var benchEvent = Event{Action: "thing.done", Org: "org_01jbench", Actor: User("usr_01jbench"), Targets: []Ref{{"session", "ses_01jbench"}},
	Personal: map[string]string{"ip": "203.0.113.9", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	Changes:  map[string]Change{"role": {From: "member", To: "admin"}}, Details: map[string]any{"method": "password"}}

// BenchmarkAppend is events a second, synchronous=FULL, with and without the
// tree over them: the same rows, triggers, indexes, JSON and disclosures, but no
// leaf in the tree, no tile and no head.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 100} {
		for _, tree := range []bool{false, true} {
			b.Run(fmt.Sprintf("group=%d/tree=%v", group, tree), func(b *testing.B) {
				s := benchLog(b)
				if !tree {
					s.tree.broken = "left out, to see what it costs"
				}
				for b.Loop() {
					err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
						for range group {
							if err := s.Record(tx, benchEvent); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*group)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkVerify is events a second of a whole verification: of the database,
// with columns, org counts and personal data, and of the tiles it exports. The
// database takes bytes/event in its file.
func BenchmarkVerify(b *testing.B) {
	s := benchLog(b)
	const events = 200_000
	for range events / 20 {
		err := s.DB.Write(context.Background(), func(tx *store.Tx) error {
			for range 20 {
				if err := s.Record(tx, benchEvent); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Checkpoint(b.Context()); err != nil {
		b.Fatal(err)
	}
	folder := filepath.Join(b.TempDir(), "tiles")
	if _, err := ExportTiles(b.Context(), s.DB.Path(), folder); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(s.DB.Path())
	if err != nil {
		b.Fatal(err)
	}
	for name, run := range map[string]func() (verify.Report, error){
		"database": func() (verify.Report, error) {
			return verify.Database(b.Context(), s.DB.Read, verify.Options{})
		},
		"tiles": func() (verify.Report, error) {
			return verify.Tiles(b.Context(), verify.Folder(folder), verify.Options{})
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if r, err := run(); err != nil || !r.OK() || r.Events != events+1 {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(info.Size())/events, "bytes/event")
		})
	}
}
