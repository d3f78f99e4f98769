package audit_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

// Exports: each format has what the list shows; a bundle verifies offline.
func TestExports(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	record(t, a, 300, org)
	a.RunJobs()
	a.Must(a.Audit.Checkpoint(t.Context()))
	a.Forget()
	file := func(b *apptest.Browser, in map[string]string) (body string) {
		t.Helper()
		var e struct{ ID, State, File, SHA256 string }
		b.PostJSON("/-/api/v1/audit/exports", in).Want(202).JSON(&e)
		b.Get("/-/api/v1/audit/exports/"+e.ID+"/file").WantProblem(410, "export_gone")
		a.RunJobs()
		b.Get("/-/api/v1/audit/exports/" + e.ID).Want(200).JSON(&e)
		if e.State != "ready" {
			t.Fatalf("%+v", e)
		}
		p := b.Get(e.File).Want(200)
		if !strings.HasPrefix(p.Header.Get("Content-Disposition"), "attachment; ") {
			t.Errorf("disposition %q", p.Header.Get("Content-Disposition"))
		}
		return p.Body
	}
	if lines := strings.Count(file(ada, map[string]string{"format": "ndjson"}), "\n"); lines != 302 { // the request to export is an event, too
		t.Errorf("ndjson has %d lines", lines)
	}
	a.Expect(apptest.Happened{Audit: []string{"audit.export_requested", "audit.exported"}, Jobs: []string{"audit.export"}, Ran: []string{"audit.export completed"}, Rows: map[string]int{"audit_export": 1}})
	rows, err := csv.NewReader(strings.NewReader(file(ada, map[string]string{"format": "csv", "actor": "user:usr_5"}))).ReadAll()
	if err != nil || len(rows) != 1+4 {
		t.Errorf("csv has %d rows, %v", len(rows), err)
	}
	path := t.TempDir() + "/bundle.zip"
	write(t, path, file(ada, map[string]string{"format": "bundle"}))
	o := verify.Options{Keys: keysOf(t, a)}
	r, err := verify.Bundle(t.Context(), path, o)
	if err != nil || !r.OK() || r.Events != 306 {
		t.Errorf("bundle: %+v, %v", r, err)
	}
	for _, change := range []string{"a proof is damaged", "a proof is left out"} {
		bad := t.TempDir() + "/bad.zip"
		rezip(t, path, bad, change)
		if r, err := verify.Bundle(t.Context(), bad, o); err != nil || r.OK() || r.BadSeq == 0 {
			t.Errorf("%s: %+v, %v", change, r, err)
		}
	}
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "pdf"}).WantProblem(422, "invalid", "format")
	for range 3 {
		ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
	}
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).WantProblem(409, "exports_waiting")
	a.Clock.Advance(25 * time.Hour) // their jobs are gone, as if somebody had cancelled them
	a.Must(a.Audit.Housekeep(t.Context()))
	if got := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_export WHERE state = 'failed'`); got != "3" {
		t.Errorf("%s of 3 exports that nobody writes were given up", got)
	}
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
	a.RunJobs()
	a.Clock.Advance(8 * 24 * time.Hour)
	a.Must(a.Audit.Housekeep(t.Context()))
	if got := a.Query(`SELECT DISTINCT state FROM audit_export`); got != "expired" {
		t.Errorf("old exports are %s", got)
	}
}

// However often somebody asks for exports, they fill no disk.
func TestExportsOfAnOrgAreBounded(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.SignUp("ada@example.com")
	var first struct{ ID string }
	for i := range 23 {
		p := ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
		if i == 0 {
			p.JSON(&first)
		}
		a.RunJobs()
	}
	files, err := os.ReadDir(a.Audit.Exports)
	if err != nil || len(files) != 20 {
		t.Errorf("%d files, %v", len(files), err)
	}
	ada.Get("/-/api/v1/audit/exports/"+first.ID+"/file").WantProblem(410, "export_gone")
}

// Retention drops what is old, of one org alone, keeps the columns and the tree,
// and never lets go of what is not old enough.
func TestRetention(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	slug := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, org)
	record(t, a, 450, org)
	record(t, a, 100, "org_other")
	a.Clock.Advance(80 * 24 * time.Hour)
	b := a.Browser()
	b.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	b.Post("/-/org/"+slug+"/audit/retention", "keep_days", "30").Want(422)
	b.Post("/-/org/"+slug+"/audit/retention", "keep_days", "90").Want(200, "90 days")
	a.Must(a.Audit.ApplyRetention(t.Context()))
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL`); n != "0" {
		t.Fatalf("%s bodies are gone before their time", n)
	}
	a.Clock.Advance(11 * 24 * time.Hour)
	a.Forget()
	a.Must(a.Audit.ApplyRetention(t.Context()))
	a.Expect(apptest.Happened{Audit: []string{"audit.bodies_dropped"}})
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL AND org = ?`, org); n != "451" {
		t.Errorf("%s bodies are gone, want 451", n)
	}
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL AND org <> ?`, org); n != "0" {
		t.Errorf("%s bodies of other orgs are gone", n)
	}
	a.Forget()
	a.Must(a.Audit.ApplyRetention(t.Context())) // a second round finds nothing to do
	a.ExpectNothing()
	a.Must(a.Audit.Checkpoint(t.Context()))
	if r := wantSound(t, a); r.Dropped != 451 {
		t.Errorf("verified with %d dropped", r.Dropped)
	}
	id := a.Query(`SELECT id FROM audit_event WHERE body IS NULL LIMIT 1`)
	key := a.Key("audit:read")
	key.Get("/-/api/v1/audit/events/"+id+"/proof").WantProblem(410, "dropped")
	key.Get("/-/audit/log/tile/entries/000").WantProblem(410, "dropped")
	key.Get("/-/audit/log/tile/0/000").Want(200)
	a.Operator("grace@example.com").Get("/-/admin/audit/events/"+id).Want(200, "The time to keep the details of this event is over")
	err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE audit_event SET body = NULL WHERE seq = (SELECT max(seq) FROM audit_event WHERE org = ?)`, org)
		return err
	})
	if err == nil {
		t.Error("a young body could be dropped")
	}
}

// Once a day each org's events are counted, as a disclosure of its own.
func TestDailyCounts(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	record(t, a, 7, "org_a")
	record(t, a, 5, "org_b")
	a.Must(a.Audit.Housekeep(t.Context()))
	a.Must(a.Audit.Housekeep(t.Context())) // once a day
	record(t, a, 1, "org_a")
	a.Clock.Advance(25 * time.Hour)
	a.Must(a.Audit.Housekeep(t.Context()))
	all, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{Action: "audit.counted"})
	})
	a.Must(err)
	if len(all) != 2 || number(all[0].Details["orgs"]) != 1 || number(all[1].Details["orgs"]) != 2 || strings.Contains(string(all[1].Body), "org_a") {
		t.Errorf("%+v", all)
	}
	if got := all[0].Personal["events"]; got != "8" {
		t.Errorf("org_a counts %s", got)
	}
}
