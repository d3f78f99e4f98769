package apptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// refusal is the event of every first 403 to a change. The answer says as much, so
// that only tests which are about it name it.
const refusal = "access.refused"

// Happened is everything a step of a scenario did. What is not named must not
// have happened: no other event, job, mail or row.
type Happened struct {
	Audit []string       // actions, in order
	Jobs  []string       // "kind" of each job enqueued, sorted
	Ran   []string       // "kind state" of each job RunJobs ran, in order
	Mails []string       // "recipient: subject" of each mail that arrived, in order
	Rows  map[string]int // change in the number of rows of the systems' other tables
}

// implied are the tables whose rows the other fields speak of.
var implied = map[string]bool{
	"email_attempt": true, "email_count": true, "email_provider": true,
	"audit_event": true, "audit_disclosure": true, "audit_target": true, "audit_tile": true, "queue_job": true, "queue_attempt": true, "goqite": true,
	"email_message": true, "email_inbox": true, "email_inbox_body": true, "billing_total": true,
}

// snapshot is what Expect compares with.
type snapshot struct {
	rows  map[string]int
	audit int64
	job   string
	inbox string
}

func (a *App) snapshot() snapshot {
	a.T.Helper()
	s := snapshot{rows: map[string]int{}}
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) error {
		tables, err := store.All(tx, text, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
		if err != nil {
			return err
		}
		for _, t := range tables {
			var n int
			query := `SELECT count(*) FROM "` + t + `"`
			if t == "email_event" { // what the delivery of a mail leaves behind is said by the mail
				query += ` WHERE dedupe <> id OR kind NOT IN ('queued', 'rendered', 'attempted', 'accepted', 'unknown', 'failed', 'expired', 'suppressed')`
			}
			if err := tx.QueryRow(query).Scan(&n); err != nil {
				return err
			}
			s.rows[t] = n
		}
		if err := tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM audit_event`).Scan(&s.audit); err != nil {
			return err
		}
		if err := tx.QueryRow(`SELECT coalesce(max(id), '') FROM queue_job`).Scan(&s.job); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT coalesce(max(id), '') FROM email_inbox`).Scan(&s.inbox)
	}))
	return s
}

func text(r store.Scanner) (s string, err error) { return s, r.Scan(&s) }

// Expect compares what happened since the last Expect (or since New) with what
// should have, and fails the test for each difference.
func (a *App) Expect(want Happened) {
	a.T.Helper()
	before, now := a.mark, a.snapshot()
	var got Happened
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) (err error) {
		events, err := audit.List(tx, audit.Filter{After: before.audit, Rising: true, Limit: 1000})
		for _, e := range events {
			if e.Action != refusal || slices.Contains(want.Audit, refusal) {
				got.Audit = append(got.Audit, string(e.Action))
			}
		}
		if err != nil {
			return err
		}
		if got.Jobs, err = store.All(tx, text, `SELECT kind FROM queue_job WHERE id > ? ORDER BY kind, id`, before.job); err != nil {
			return err
		}
		got.Mails, err = store.All(tx, text, `SELECT recipient || ': ' || subject FROM email_inbox WHERE id > ? ORDER BY id`, before.inbox)
		return err
	}))
	for _, r := range a.ran {
		got.Ran = append(got.Ran, r.Kind+" "+string(r.State))
	}
	got.Rows = map[string]int{}
	for table, n := range now.rows {
		if d := n - before.rows[table]; d != 0 && !implied[table] {
			got.Rows[table] = d
		}
	}
	a.compare("audit events", got.Audit, want.Audit)
	a.compare("jobs enqueued", got.Jobs, want.Jobs)
	a.compare("jobs run", got.Ran, want.Ran)
	a.compare("mails", got.Mails, want.Mails)
	if !maps.Equal(got.Rows, want.Rows) && len(got.Rows)+len(want.Rows) > 0 {
		a.T.Errorf("rows: got %v, want %v", got.Rows, want.Rows)
	}
	a.mark, a.ran = now, nil
}

// ExpectNothing says that nothing at all happened.
func (a *App) ExpectNothing() {
	a.T.Helper()
	a.Expect(Happened{})
}

// Forget starts the next Expect from here, for steps that only set the scene.
func (a *App) Forget() {
	a.T.Helper()
	a.mark, a.ran = a.snapshot(), nil
}

func (a *App) compare(what string, got, want []string) {
	a.T.Helper()
	if !slices.Equal(got, want) {
		a.T.Errorf("%s:\n  got  %s\n  want %s", what, list(got), list(want))
	}
}

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", len(s), strings.Join(s, " | "))
}

// Events reads the newest audit events, newest first.
func (a *App) Events(limit int) []audit.Entry {
	a.T.Helper()
	events, err := store.Read(a.T.Context(), a.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{Limit: limit})
	})
	a.Must(err)
	return events
}
