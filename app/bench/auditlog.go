package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

// auditLog are events as most are, with an org, a target and two disclosures: written
// twenty to a transaction, and then verified with all that a database says of them.
func auditLog(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	db, err := store.Open(filepath.Join(folder, "audit.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := store.Migrate(ctx, db, store.MigrateOptions{}); err != nil {
		return nil, err
	}
	s := audit.New(audit.Deps{DB: db, Logger: slog.New(slog.DiscardHandler), URL: "https://app.example.com", Keys: filepath.Join(folder, "keys"),
		Vaults: []audit.Vault{audit.Folder(filepath.Join(folder, "vault"))}})
	if err := s.Declare(audit.Kind{Action: actNoted, Title: "Note made", Means: "A note was written."}); err != nil {
		return nil, err
	}
	if err := s.Open(ctx); err != nil {
		return nil, err
	}
	if err := db.Protect(ctx, audit.Rules()...); err != nil {
		return nil, err
	}
	const group = 20
	l, err := load(ctx, 1, o.For, func(ctx context.Context, _ int) error {
		return db.Write(ctx, func(tx *store.Tx) error {
			for range group {
				if err := s.Record(tx, event); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	results = append(results, Result{Name: fmt.Sprintf("audit: an event, %d to a transaction", group), PerSecond: group * l.perSecond()})
	if err := s.Checkpoint(ctx); err != nil {
		return results, err
	}
	start := time.Now()
	report, err := verify.Database(ctx, db.Read, verify.Options{})
	if err == nil && !report.OK() {
		err = errors.New("the log did not verify")
	}
	if err != nil {
		return results, err
	}
	speed := float64(report.Events) / time.Since(start).Seconds()
	return append(results, Result{Name: "audit: an event, verified", PerSecond: speed, Bar: ">= 300000/s", Missed: speed < 300_000}), nil
}

// event is an event as most are.
var event = audit.Event{Action: actNoted, Org: "org_01jbench", Actor: audit.User("usr_01jbench"), Targets: []audit.Ref{{Type: "session", ID: "ses_01jbench"}},
	Personal: map[string]string{"ip": "203.0.113.9", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	Changes:  map[string]audit.Change{"role": {From: "member", To: "admin"}}, Details: map[string]any{"method": "password"}}
