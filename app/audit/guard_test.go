package audit_test

import (
	"errors"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/store"
)

// The numbers are those of the fault and attack cases in spec/audit.md.

// Cases 1, 2 and 3: whatever the program itself tries, the log stays as it is.
func TestTheProgramCannotRewriteTheLog(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	a.Must(a.Audit.Checkpoint(t.Context()))
	org := a.PersonalOrg("ada@example.com")
	id := a.Query(`SELECT id FROM audit_event WHERE seq = 1`)
	const columns = `(seq, id, ts, org, org_seq, actor, action, body, leaf)`
	for name, tamper := range map[string]string{
		"update":                       `UPDATE audit_event SET action = 'x' WHERE seq = 1`,
		"update of the body":           `UPDATE audit_event SET body = '{}' WHERE seq = 1`,
		"dropping a body before time":  `UPDATE audit_event SET body = NULL WHERE seq = 1`,
		"delete":                       `DELETE FROM audit_event WHERE seq = 1`,
		"insert or replace":            `INSERT OR REPLACE INTO audit_event ` + columns + ` VALUES (1, 'x', 1, NULL, NULL, 'a', 'b', 'c', x'00')`,
		"replace by id":                `INSERT OR REPLACE INTO audit_event ` + columns + ` SELECT max(seq) + 1, '` + id + `', 1, NULL, NULL, 'a', 'b', 'c', x'00' FROM audit_event`,
		"replace by number in the org": `INSERT OR REPLACE INTO audit_event ` + columns + ` SELECT max(seq) + 1, 'x', 1, '` + org + `', 1, 'a', 'b', 'c', x'00' FROM audit_event`,
		"a gap":                        `INSERT INTO audit_event ` + columns + ` VALUES (99, 'x', 1, NULL, NULL, 'a', 'b', 'c', x'00')`,
		"a gap in the org":             `INSERT INTO audit_event ` + columns + ` SELECT max(seq) + 1, 'x', 1, '` + org + `', 9, 'a', 'b', 'c', x'00' FROM audit_event`,
		"upsert":                       `INSERT INTO audit_event ` + columns + ` VALUES (1, 'x', 1, NULL, NULL, 'a', 'b', 'c', x'00') ON CONFLICT (seq) DO UPDATE SET actor = 'x'`,
		"drop trigger":                 `DROP TRIGGER audit_event_no_update`,
		"drop table":                   `DROP TABLE audit_event`,
		"drop index":                   `DROP INDEX audit_event_id`,
		"alter table":                  `ALTER TABLE audit_event RENAME TO gone`,
		"add a column":                 `ALTER TABLE audit_event ADD COLUMN x TEXT`,
		"a trigger that skips":         `CREATE TRIGGER skip BEFORE INSERT ON audit_event BEGIN SELECT RAISE(IGNORE); END`,
		"a temporary trigger":          `CREATE TEMP TRIGGER skip BEFORE INSERT ON audit_event BEGIN SELECT RAISE(IGNORE); END`,
		"a temporary table before it":  `CREATE TEMP TABLE audit_event (seq INTEGER)`,
		"a temporary view before it":   `CREATE TEMP VIEW audit_event AS SELECT 1 AS seq`,
		"writable schema":              `PRAGMA writable_schema = ON`,
		"update of a disclosure":       `UPDATE audit_disclosure SET items = '[]'`,
		"delete of a target":           `DELETE FROM audit_target`,
		"update of a checkpoint":       `UPDATE audit_checkpoint SET note = 'x'`,
		"delete of an origin":          `DELETE FROM audit_origin`,
		"update of an origin":          `UPDATE audit_origin SET first_seq = 2`,
		"delete of the head":           `DELETE FROM audit_head`,
		"a key that was never retired": `UPDATE audit_key SET public = 'x'`,
		"tile":                         `DELETE FROM audit_tile`,
	} {
		err := a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(tamper); return err })
		if !errors.Is(err, store.ErrConstraint) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.SignUp("bob@example.com") // and the log goes on
	wantSound(t, a)
}

// Case 11: a second process on the database is refused by the lock.
func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	_, err := app.New(t.Context(), a.Config, app.Options{})
	var inUse *store.InUseError
	if !errors.As(err, &inUse) {
		t.Fatalf("got %v", err)
	}
}

// Case 12: when there is no room for the event, the change is not made either.
func TestNoChangeWithoutItsEvent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) {})
	limit := func(pages string) {
		t.Helper()
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			var n int
			return tx.QueryRow(`PRAGMA max_page_count = ` + pages).Scan(&n)
		}))
	}
	var pages int
	a.Must(a.DB.Read(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`PRAGMA page_count`).Scan(&pages) }))
	limit("1") // as many as there are
	refused := 0
	for i := range 400 {
		before := a.Count("store_meta")
		err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
			if err := store.SetMeta(tx, "row"+string(rune('a'+i%26))+string(rune('a'+i/26)), "x"); err != nil {
				return err
			}
			return a.Audit.Record(tx, audit.Event{Action: "user.signed_up", Details: map[string]any{"filler": filler}})
		})
		if err != nil {
			refused++
			if got := a.Count("store_meta"); got != before {
				t.Fatalf("refused with %v, and there is a row more", err)
			}
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	limit("1000000")
	if got, want := a.Count("store_meta"), a.Count("audit_event")-signingKeyEvents; got != want {
		t.Errorf("%d rows, %d events for them", got, want)
	}
	wantSound(t, a)
}
