package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/queue"
	"seaworthy/store"
)

const deletionTime = 14 * 24 * time.Hour

// deleted asks for the deletion of somebody's account, and returns the link that keeps it.
func deleted(a *apptest.App, b *apptest.Browser, email string) (keep string) {
	a.T.Helper()
	b.Post("/-/account/delete", "confirm", email).Want(200, "Your account will be deleted")
	a.RunJobs()
	return link(a, email, "/-/account/keep")
}

func status(a *apptest.App, id string) string {
	a.T.Helper()
	return a.Query(`SELECT status FROM auth_user WHERE id = ?`, id)
}

func userID(a *apptest.App, email string) string {
	a.T.Helper()
	return a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ? AND is_primary = 1`, email)
}

func TestAccountIsDeletedAfterAWhile(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	phone, held := signIn(a, "ada@example.com", phone), a.SignInProgram("ada@example.com")
	key := a.OrgKey(a.PersonalOrg("ada@example.com"), "org:read")
	id := userID(a, "ada@example.com")
	a.RunJobs()
	a.Forget()
	b.Get("/-/account/data").Want(200, "On 6 Dec 2026 everything we hold on you is erased", "Type ada@example.com to go on")
	b.Post("/-/account/delete", "confirm", "bea@example.com").Want(422, "Type your address, ada@example.com")
	b.Post("/-/account/delete").Want(422)
	a.ExpectNothing()
	b.Post("/-/account/delete", "confirm", " ADA@example.com ").Want(200, "Your account will be deleted", "On 6 Dec 2026", "You are signed out everywhere")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.revoked", "session.revoked", "user.deletion_scheduled"},
		Jobs: []string{"auth.erase_account", "email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	signedOut(t, b, phone, a.Bearer(held.Access), key)
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	if b.Cookie("seaworthy_session") != "" {
		t.Error("the cookie stays")
	}
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"},
		Mails: []string{"ada@example.com: Your account at Acme will be deleted on 6 Dec 2026"}})
	if s := status(a, id); s != "deleting" {
		t.Errorf("status %s", s)
	}

	// Nothing but the offer to keep it, to whoever has the password.
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "not the password").Want(401)
	a.Forget()
	in := a.Browser()
	in.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200, "Keep your account?", "6 Dec 2026")
	a.Expect(apptest.Happened{Audit: []string{"user.keep_offered"}, Rows: map[string]int{"auth_one_time": 1}})
	in.Get("/-/account").Want(200, "Sign in to Acme")
	a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"auth.send_reset cancelled"}})

	a.Clock.Advance(deletionTime)
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"user.erased", "audit.redacted"}, Ran: []string{"auth.erase_account completed"},
		Rows: map[string]int{"auth_session": -3, "auth_device": -3, "auth_email": -1, "auth_one_time": -3, "auth_membership": -1, "auth_role_binding": -1}})
	gone(a, id, "ada@example.com", "Ada Lovelace")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)

	// The address is free again.
	again := a.Verified("ada@example.com")
	again.Get("/-/api/v1/me").Want(200, `"email_verified":true`).Without(id)
	a.Operator("grace@example.com").Get("/-/admin/users").Want(200, "Deleted account", "deleted")
}

// gone fails the test if anything of a person is left but an id.
func gone(a *apptest.App, id string, words ...string) {
	a.T.Helper()
	if s := status(a, id); s != "deleted" {
		a.T.Fatalf("status %s", s)
	}
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) error {
		tables, err := store.All(tx, text, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('email_inbox', 'email_inbox_body')`)
		if err != nil {
			return err
		}
		for _, table := range tables {
			columns, err := store.All(tx, text, `SELECT name FROM pragma_table_info('`+table+`')`)
			if err != nil {
				return err
			}
			for _, column := range columns {
				for _, word := range words {
					var n int
					if err := tx.QueryRow(`SELECT count(*) FROM "`+table+`" WHERE instr(CAST("`+column+`" AS TEXT), ?) > 0`, word).Scan(&n); err != nil {
						return err
					}
					// A mail server's answer to a job and an address asked about by nobody in particular go by retention.
					if n > 0 && table != "queue_job" && table != "goqite" {
						a.T.Errorf("%s.%s still says %q", table, column, word)
					}
				}
			}
		}
		refs, err := store.All(tx, text, refsToUsers)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			table, column, _ := strings.Cut(ref, ".")
			var n int
			if err := tx.QueryRow(`SELECT count(*) FROM `+table+` WHERE `+column+` = ?`, id).Scan(&n); err != nil {
				return err
			}
			if n > 0 && ref != "auth_org.personal_user_id" {
				a.T.Errorf("%d rows of %s are left", n, ref)
			}
		}
		items, err := store.All(tx, text, `SELECT items FROM audit_disclosure WHERE subject = ?`, "user:"+id)
		if len(items) > 0 {
			a.T.Errorf("the audit log still holds %d disclosures", len(items))
		}
		return err
	}))
}

// refsToUsers is every column that points at a user.
const refsToUsers = `SELECT m.name || '.' || f."from" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE f."table" = 'auth_user' ORDER BY 1`

// exec changes the database past the app.
func exec(a *apptest.App, query string, args ...any) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	}))
}

func text(r store.Scanner) (s string, err error) { return s, r.Scan(&s) }

func TestAccountIsKept(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	id := userID(a, "ada@example.com")
	keep := deleted(a, b, "ada@example.com")
	a.Clock.Advance(deletionTime - time.Second) // the last day
	a.Forget()
	a.Browser().Get(keep).Want(200, "Keep your account?", "6 Dec 2026")
	a.ExpectNothing()
	a.Browser().Post("/-/account/keep", "token", apptest.Token(keep)).Want(200, "Your account stays. Sign in to go on.")
	a.Expect(apptest.Happened{Audit: []string{"user.kept"}, Jobs: []string{"email.deliver"}})
	a.Browser().Post("/-/account/keep", "token", apptest.Token(keep)).Want(410)
	a.RunJobs()
	a.Clock.Advance(time.Hour)
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"auth.erase_account cancelled"}})
	signIn(a, "ada@example.com", "").Get("/-/api/v1/me").Want(200, id)

	// Deleted and kept again, by a program; the job of each deletion minds its own.
	held := a.SignInProgram("ada@example.com")
	a.Bearer(held.Access).Do("DELETE", "/-/api/v1/me", "", "").Want(202, `"deletion_scheduled":true`)
	var offer struct {
		Scheduled bool      `json:"deletion_scheduled"`
		At        time.Time `json:"delete_at"`
		Token     string    `json:"keep_token"`
	}
	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": apptest.Password}).Want(200).JSON(&offer)
	if !offer.Scheduled || !offer.At.Equal(a.Clock.Now().Add(deletionTime)) {
		t.Errorf("the offer: %+v", offer)
	}
	keepIt := map[string]string{"keep_token": offer.Token}
	a.Browser().PostJSON("/-/api/v1/me/keep", keepIt).Want(204)
	a.Browser().PostJSON("/-/api/v1/me/keep", keepIt).WantProblem(410, "link_dead")
	a.Clock.Advance(24 * time.Hour)
	later := signIn(a, "ada@example.com", "")
	keep = deleted(a, later, "ada@example.com")
	a.Clock.Advance(deletionTime - time.Hour) // past the second deletion, before the third
	a.RunJobs()
	if s := status(a, id); s != "deleting" {
		t.Errorf("status %s", s)
	}
	// Too late is too late, also before the job has run.
	a.Clock.Advance(time.Hour)
	a.Browser().Get(keep).Want(410)
	a.Browser().Post("/-/account/keep", "token", apptest.Token(keep)).Want(410)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(403, "This account is being deleted")
	a.RunJobs()
	if s := status(a, id); s != "deleted" {
		t.Errorf("status %s", s)
	}
}

func TestKeepAndEraseAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	id := ""
	keep := deleted(a, func() *apptest.Browser {
		b := a.Verified("ada@example.com")
		id = userID(a, "ada@example.com")
		return b
	}(), "ada@example.com")
	a.Clock.Advance(deletionTime - time.Second)
	var kept int
	var all sync.WaitGroup
	all.Go(func() { kept = a.Browser().Post("/-/account/keep", "token", apptest.Token(keep)).Status })
	all.Go(func() { a.Clock.Advance(time.Second) })
	all.Wait()
	a.RunJobs()
	want := map[int]string{200: "active", 410: "deleted"}[kept]
	if s := status(a, id); s != want {
		t.Errorf("answered %d, and is %s", kept, s)
	}
}

func TestLastOperatorStays(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	grace.Get("/-/account/data").Want(200, "You are the only operator of Acme").Without("Delete my account")
	a.Forget()
	grace.Post("/-/account/delete", "confirm", "grace@example.com").Want(409, "You are the only operator")
	grace.Do("DELETE", "/-/api/v1/me", "", "").WantProblem(409, "last_operator")
	a.ExpectNothing()
	ada := a.Verified("ada@example.com")
	_, err := a.Auth.Promote(t.Context(), "ada@example.com")
	a.Must(err)
	// Of two who leave at once one stays.
	answers := make(chan int, 2)
	var both sync.WaitGroup
	for _, b := range []*apptest.Browser{grace, ada} {
		both.Go(func() { answers <- b.Do("DELETE", "/-/api/v1/me", "", "").Status })
	}
	both.Wait()
	if x, y := <-answers, <-answers; x+y != 202+409 {
		t.Errorf("answers: %d %d", x, y)
	}
}

func TestOwnerOfOthersOrgsHandsThemOnFirst(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Verified("bea@example.com")
	ada, bea := userID(a, "ada@example.com"), userID(a, "bea@example.com")
	for _, org := range []string{"shared", "lone"} {
		id := "org_" + org
		exec(a, `INSERT INTO auth_org (id, slug, name, created_at) VALUES (?, ?, ?, 1)`, id, org, strings.ToUpper(org[:1])+org[1:]+" Engines")
		exec(a, `INSERT INTO auth_membership (org_id, user_id, created_at) VALUES (?, ?, 1)`, id, ada)
		exec(a, `INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES (?, 'user', ?, ?, 'rol_owner', 1)`, "rbd_"+org, ada, id)
	}
	b.Get("/-/account/data").Want(200, "Organizations that nobody else belongs to go with it: Lone Engines, Shared Engines")
	write(a, `INSERT INTO auth_membership (org_id, user_id, created_at) VALUES ('org_shared', ?, 1)`, bea)
	b.Get("/-/account/data").Want(200, "You are the only owner of organizations", "Shared Engines").Without("Delete my account")
	a.Forget()
	b.Post("/-/account/delete", "confirm", "ada@example.com").Want(409, "Shared Engines")
	b.Do("DELETE", "/-/api/v1/me", "", "").WantProblem(409, "last_owner")
	a.ExpectNothing()
	write(a, `INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES ('rbd_b', 'user', ?, 'org_shared', 'rol_owner', 1)`, bea)
	deleted(a, b, "ada@example.com")
	// The other owner leaves meanwhile: nobody can be asked, and the event says so.
	write(a, `DELETE FROM auth_role_binding WHERE id = 'rbd_b' AND principal_id = ?`, bea)
	a.Clock.Advance(deletionTime)
	a.RunJobs()
	gone(a, ada, "ada@example.com")
	for _, e := range a.Events(20) {
		if e.Action == "user.erased" && (len(e.Targets) != 3 || e.Details["orgs_without_owner"].([]any)[0] != "shared") {
			t.Errorf("the event says %v %v", e.Targets, e.Details)
		}
	}
	if n := a.Query(`SELECT group_concat(id || ' ' || (deleted_at IS NOT NULL), ', ') FROM auth_org WHERE id IN ('org_lone', 'org_shared')`); n != "org_lone 1, org_shared 0" {
		t.Errorf("orgs: %s", n)
	}
}

// The job is repeated from wherever it was broken off.
func TestErasureIsResumed(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"files", "mails", "rows", "log"} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t, apptest.WithoutLimits)
			b := a.Verified("ada@example.com")
			id := userID(a, "ada@example.com")
			b.Post("/-/account/export").Want(200)
			a.RunJobs()
			deleted(a, b, "ada@example.com")
			a.Clock.Advance(deletionTime - 24*time.Hour)
			a.RunJobs() // the export's end
			a.Clock.Advance(24 * time.Hour)
			mended := sabotage(a, broken)
			a.RunJobs()
			if s := status(a, id); s != "erasing" && (broken != "log" || s != "deleted") {
				t.Fatalf("status %s", s)
			}
			a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)
			mended()
			a.Clock.Advance(time.Hour)
			a.RunJobs()
			gone(a, id, "ada@example.com", "Ada Lovelace")
			// And once more, by hand: nothing happens.
			a.Forget()
			a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
				_, err := queue.Enqueue(tx, auth.EraseAccount{User: id})
				return err
			}))
			a.RunJobs()
			a.Expect(apptest.Happened{Jobs: []string{"auth.erase_account"}, Ran: []string{"auth.erase_account completed"}})
		})
	}
}

// sabotage breaks one step of the erasure until it is mended.
func sabotage(a *apptest.App, step string) (mended func()) {
	trigger := func(table string) func() {
		exec(a, `CREATE TRIGGER auth_test_sabotage BEFORE DELETE ON `+table+` BEGIN SELECT RAISE(ABORT, 'broken'); END`)
		return func() { exec(a, `DROP TRIGGER auth_test_sabotage`) }
	}
	switch step {
	case "files":
		folder := filepath.Join(a.Config.Data, "exports", "people")
		id := a.Query(`SELECT max(id) FROM auth_export`)
		file := filepath.Join(folder, id+".zip", "in the way")
		a.Must(os.MkdirAll(file, 0o700)) // a folder that is not empty cannot be deleted
		return func() { a.Must(os.RemoveAll(filepath.Dir(file))) }
	case "mails":
		return trigger("email_message")
	case "rows":
		return trigger("auth_email")
	}
	whole := a.Auth.Erase
	a.Auth.Erase = func(context.Context, audit.Ref) (int, error) { return 0, errors.New("broken") }
	return func() { a.Auth.Erase = whole }
}

// A table that points at a person is either emptied with him or named here.
func TestErasureKnowsEveryTableOfAPerson(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	kept := map[string]string{
		"auth_org.personal_user_id":    "the org is deleted with its person, or the column emptied",
		"auth_session.impersonator_id": "the session is another's; that somebody acted for him is his business",
	}
	emptied := map[string]bool{"auth_email": true, "auth_device": true, "auth_membership": true, "auth_session": true, "auth_one_time": true, "auth_export": true,
		"auth_factor": true, "auth_identity": true, "auth_invitation": true}
	a.Must(a.DB.Read(t.Context(), func(tx *store.Tx) error {
		refs, err := store.All(tx, text, refsToUsers)
		if len(refs) < 7 {
			t.Errorf("only %v point at a user: the search is broken", refs)
		}
		for _, ref := range refs {
			table, _, _ := strings.Cut(ref, ".")
			if kept[ref] == "" && !emptied[table] {
				t.Errorf("%s is not emptied when its person is erased: see personal in erase_sql.go", ref)
			}
		}
		return err
	}))
}

// A deletion cannot be used to hold an address, and one that was asked for is
// carried out whatever becomes of the account meanwhile.
func TestClaimOfADeletedAccountEnds(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	squatter := a.SignUp("ada@example.com")
	id := userID(a, "ada@example.com")
	keep := deleted(a, squatter, "ada@example.com")
	a.Verified("ada@example.com")
	a.Browser().Post("/-/account/keep", "token", apptest.Token(keep)).Want(410)
	if s := status(a, id); s != "superseded" {
		t.Errorf("status %s", s)
	}
	a.Clock.Advance(deletionTime)
	a.RunJobs()
	if s := status(a, id); s != "deleted" {
		t.Errorf("status %s", s)
	}
	signIn(a, "ada@example.com", "").Get("/-/api/v1/me").Want(200, `"email_verified":true`)
}
