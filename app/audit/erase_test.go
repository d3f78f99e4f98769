package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/verify"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// hits counts how often something stands in the database's files.
func hits(t *testing.T, db *store.DB, what string) (n int) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(db.Path() + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		n += bytes.Count(data, []byte(what))
	}
	return n
}

// Case 15: an erased subject is gone from every page and from the bytes of the
// file; the proofs stay valid, the erasure is on record, a repeat changes nothing.
func TestErasure(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.Browser()
	ada.UserAgent = "Erasable/1.0"
	ada.Post("/-/signup", "name", "Ada Lovelace", "email", "ada@example.com", "password", apptest.Password).Want(200)
	ada.Post("/-/verify/resend").Want(200)
	a.SignUp("bob@example.com")
	id := a.Query(`SELECT user_id FROM auth_email WHERE email_norm = 'ada@example.com'`)
	a.Must(a.Audit.Checkpoint(t.Context()))
	event := a.Query(`SELECT id FROM audit_event WHERE action = 'user.signed_up' AND actor = ?`, "user:"+id)
	reader := a.Key("audit:read", "audit:manage")
	var before struct{ Proof string }
	reader.Get("/-/api/v1/audit/events/" + event + "/proof").Want(200).JSON(&before)
	reader.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "ndjson"}).Want(202)
	a.RunJobs()
	exported := a.Query(`SELECT id FROM audit_export WHERE state = 'ready'`)
	// The salted disclosures as they lie in the file.
	items := a.Query(`SELECT items FROM audit_disclosure WHERE subject = ? LIMIT 1`, "user:"+id)
	item := strings.Split(items, `"`)[1]
	if hits(t, a.DB, item) == 0 {
		t.Fatal("the disclosure is not where it is looked for")
	}
	a.Forget()

	var out struct{ Erased int }
	reader.PostJSON("/-/api/v1/audit/erasures", map[string]string{"subject": "user:" + id}).Want(200).JSON(&out)
	reader.Get("/-/api/v1/audit/exports/"+exported+"/file").WantProblem(410, "export_gone")
	if out.Erased != 4 {
		t.Errorf("erased %d disclosures", out.Erased)
	}
	a.Expect(apptest.Happened{Audit: []string{"audit.redacted"}})
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_disclosure WHERE subject = ?`, "user:"+id); n != "0" {
		t.Errorf("%s disclosures are left", n)
	}
	if n := hits(t, a.DB, item); n != 0 {
		t.Errorf("the disclosure still stands in the file %d times", n)
	}
	reader.Get("/-/api/v1/audit/events/"+event).Want(200, `"erased":true`).Without("ada@example.com", "Erasable")
	operator := a.Operator("grace@example.com")
	operator.Get("/-/admin/audit").Want(200, "bob@example.com").Without("ada@example.com")
	operator.Get("/-/admin/audit/events/"+event).Want(200, "Personal data of this event was erased").Without("ada@example.com")

	// The old proof and a new one both verify; the old one still tells, to whoever has it.
	o := verify.Options{Keys: keysOf(t, a)}
	var after struct{ Proof string }
	reader.Get("/-/api/v1/audit/events/" + event + "/proof").Want(200).JSON(&after)
	for name, proof := range map[string]string{"before": before.Proof, "after": after.Proof} {
		r, extra, err := verify.Proof([]byte(proof), o)
		if err != nil || !r.OK() || (len(extra.Disclosures) > 0) != (name == "before") {
			t.Errorf("proof %s: %+v %+v %v", name, r, extra, err)
		}
	}
	a.Must(a.Audit.Checkpoint(t.Context()))
	wantSound(t, a)

	a.Forget()
	reader.PostJSON("/-/api/v1/audit/erasures", map[string]string{"subject": "user:" + id}).Want(200).JSON(&out)
	if out.Erased != 0 {
		t.Errorf("a repeat erased %d", out.Erased)
	}
	a.ExpectNothing()
	for _, subject := range []string{"user", "user:", ":x", "User:x", "user:a\nb", "user:" + strings.Repeat("x", 300)} {
		reader.PostJSON("/-/api/v1/audit/erasures", map[string]string{"subject": subject}).WantProblem(422, "invalid", "subject")
	}
	a.Key("audit:read").PostJSON("/-/api/v1/audit/erasures", map[string]string{"subject": "user:" + id}).WantProblem(403, "forbidden")
}

// Whoever erases himself does not come back with the event about it.
func TestErasingOneself(t *testing.T) {
	t.Parallel()
	b := openBare(t, t.TempDir())
	b.do(2)
	ctx := web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_x", UserAgent: "Erasable/1.0", Identity: web.Identity{User: "usr_a", Email: "ada@example.com"}})
	n, err := b.Erase(ctx, audit.User("usr_a"))
	if err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	e := b.newest("audit.redacted")
	if e.Actor != audit.User("usr_a") || len(e.Personal) != 0 || number(e.Details["disclosures"]) != 2 {
		t.Errorf("%+v", e)
	}
	b.wantSound()
}

// Case 16: a restore brings erased data back; the list that is kept outside has
// it erased again at the start, but not what was recorded since.
func TestErasuresAreReplayedAfterARestore(t *testing.T) {
	t.Parallel()
	folder, beside := t.TempDir(), audit.Folder(t.TempDir())
	with := func(d *audit.Deps) { d.Vaults = append(d.Vaults, beside) }
	b := openBare(t, folder, with)
	b.do(600) // more than one chunk
	older := filepath.Join(t.TempDir(), "older.db")
	b.must(b.DB.CopyTo(t.Context(), older))
	if n, err := b.Erase(t.Context(), audit.User("usr_a")); err != nil || n != 600 {
		t.Fatalf("%d, %v", n, err)
	}
	b.clock.Advance(1000)
	b.must(b.Checkpoint(t.Context()))
	b.must(b.ShareErasures(t.Context()))
	b.must(b.DB.Close())

	// On another machine: nothing but the older database, the keys and the place
	// beside the replica.
	elsewhere := t.TempDir()
	b.must(os.Rename(older, filepath.Join(elsewhere, "test.db")))
	b.must(os.CopyFS(filepath.Join(elsewhere, "keys"), os.DirFS(filepath.Join(folder, "keys"))))
	b = openBare(t, elsewhere, with, func(d *audit.Deps) { d.Restored = true })
	e := b.newest("audit.redacted")
	if e.Details["replayed"] != true || number(e.Details["disclosures"]) != 600 {
		t.Errorf("%+v", e.Details)
	}
	if !strings.Contains(b.said(), "erased again") {
		t.Error("nothing was said")
	}
	// The checkpoint beside the replica is ahead of this database, too.
	if st := b.state(); st.Origin != "app.example.com/-/audit/log/2" {
		t.Errorf("origin %s", st.Origin)
	}
	b.clock.Advance(2000000)
	b.do(1)
	b.must(b.DB.Close())
	b = openBare(t, elsewhere, with)
	if e := b.newest("thing.done"); e.Personal["email"] != "ada@example.com" {
		t.Error("what was recorded after the erasure is erased, too")
	}
	b.wantSound()
}

// A restart of the whole app on the same folder replays nothing and signs on.
func TestRestartOfTheApp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	a.Must(a.Audit.Checkpoint(t.Context()))
	origin := a.Query(`SELECT origin FROM audit_origin`)
	events := a.Count("audit_event")
	a.Must(a.Close())
	b := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Data = a.Config.Data })
	if b.Count("audit_event") != events || b.Query(`SELECT origin FROM audit_origin`) != origin {
		t.Error("the start wrote something")
	}
	b.SignUp("bob@example.com")
	b.Must(b.Audit.Checkpoint(t.Context()))
	wantSound(t, b)
}

// A subject of whom nothing is kept, as one that is misspelt, is told from one that was erased,
// on the page as in the API.
func TestErasingNobodyIsTold(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	subject := "user:" + a.UserID("ada@example.com")
	operator := a.Operator("grace@example.com")
	a.Forget()
	operator.Post("/-/admin/audit/erase", "subject", subject+"x", "confirm", subject+"x").Want(422)
	a.ExpectNothing()
	operator.Post("/-/admin/audit/erase", "subject", " "+subject+" ", "confirm", " "+subject+" ").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"audit.redacted"}})
	operator.Post("/-/admin/audit/erase", "subject", subject, "confirm", subject).Want(422)
}

// An export that is written while somebody is erased does not keep what was erased.
func TestAnExportAcrossAnErasureIsWrittenAnew(t *testing.T) {
	t.Parallel()
	var once sync.Once
	during := func() {}
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	subject := audit.User(a.UserID("ada@example.com"))
	a.Audit.Confirmed = func(context.Context) error { once.Do(during); return nil } // asked for when a bundle is begun
	during = func() {
		if n, err := a.Audit.Erase(t.Context(), subject); err != nil || n == 0 {
			t.Errorf("erased %d, %v", n, err)
		}
	}
	key := a.Key("audit:read")
	var e struct{ ID, State, File string }
	key.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "bundle"}).Want(202).JSON(&e)
	a.RunJobs()
	if key.Get("/-/api/v1/audit/exports/" + e.ID).Want(200).JSON(&e); e.State != "waiting" {
		t.Fatalf("it is %s", e.State)
	}
	left, err := os.ReadDir(a.Audit.Exports)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	a.Clock.Advance(2 * time.Second)
	a.RunJobs()
	if key.Get("/-/api/v1/audit/exports/" + e.ID).Want(200).JSON(&e); e.State != "ready" {
		t.Errorf("it is %s", e.State)
	}
}

// At most starts nobody who was erased is back, and nothing is written for them.
func TestReplayingErasuresWritesOnlyForThoseWhoAreBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := openBare(t, folder)
	var list strings.Builder
	for i := range 300 {
		fmt.Fprintf(&list, `{"subject":"user:usr_gone%d","at":1}`+"\n", i)
	}
	b.do(1)
	b.must(b.Checkpoint(t.Context()))
	b.must(b.DB.Close())
	write(t, filepath.Join(folder, "audit", "audit-erasures"), list.String())
	again := openBare(t, folder)
	if writes := again.DB.Stats().Writes; writes > 50 {
		t.Errorf("%d writes at a start that finds nobody back", writes)
	}
	again.wantSound()
}
