package auth_test

import (
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// orgs are two people's orgs, by id and slug.
func orgs(a *apptest.App) (ada, bea *apptest.Browser, adas, beas web.Org) {
	ada, bea = a.SignUp("ada@example.com"), a.SignUp("bea@example.com")
	org := func(email string) web.Org {
		id := a.PersonalOrg(email)
		return web.Org{ID: id, Slug: a.Query(`SELECT slug FROM auth_org WHERE id = ?`, id), Name: "Ada Lovelace"}
	}
	return ada, bea, org("ada@example.com"), org("bea@example.com")
}

func TestMembersEnterTheirOrg(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	ada, bea, adas, beas := orgs(a)
	join(a, beas.ID, "ada@example.com", "rol_admin")
	a.Forget()
	for _, path := range []string{"/-/test/" + beas.Slug + "/audit", "/-/api/v1/test/" + beas.ID + "/audit"} {
		var s seen
		ada.Get(path).Want(200).JSON(&s)
		if s.Org != beas || s.Acting != beas.ID || strings.Join(s.Permissions, " ") != "org:audit org:members org:read org:settings" || s.User == "" {
			t.Errorf("%s: %+v", path, s)
		}
		bea.Get(path).Want(200, "org:*")
	}
	// Elsewhere she acts for her own org as before.
	ada.Get("/-/api/v1/me").Want(200, adas.ID).Without(beas.ID)
	a.ExpectNothing()
	ada.PostJSON("/-/api/v1/test/"+beas.ID+"/work", struct{}{}).Want(200)
	a.Expect(apptest.Happened{Jobs: []string{"test.ping"}})
	if meta := a.Query(`SELECT meta FROM queue_job ORDER BY id DESC LIMIT 1`); !strings.Contains(meta, beas.ID) {
		t.Errorf("the job's cause: %s", meta)
	}
}

func TestAnOrgDoesNotExistForStrangers(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	ada, _, adas, beas := orgs(a)
	left, deleted := a.SignUp("left@example.com"), a.SignUp("deleted@example.com")
	join(a, beas.ID, "left@example.com", "rol_admin")
	write(a, `DELETE FROM auth_membership WHERE org_id = ? AND user_id <> (SELECT personal_user_id FROM auth_org WHERE id = ?)`, beas.ID, beas.ID)
	gone := a.PersonalOrg("deleted@example.com")
	write(a, `UPDATE auth_org SET deleted_at = 1 WHERE id = ?`, gone)
	operator := a.Operator("grace@example.com")
	a.Forget()

	// To the byte, but for the request's id.
	words := func(b *apptest.Browser, path string) string {
		t.Helper()
		p := b.Get(path)
		problem := p.WantProblem(404, "not_found")
		return strings.ReplaceAll(p.Body, problem.RequestID, "")
	}
	nowhere := words(ada, "/-/api/v1/test/org_06h0vrqmrnr01089g1gv9b76d8/audit")
	for name, c := range map[string]struct {
		who *apptest.Browser
		org string
	}{
		"another's org":                     {ada, beas.ID},
		"another's org by its slug":         {ada, beas.Slug},
		"somebody who left it":              {left, beas.ID},
		"one's own that is deleted":         {deleted, gone},
		"an operator's look at the deleted": {operator, gone},
		"a key of another org":              {a.OrgKey(adas.ID, "org:*"), beas.ID},
		"a key of another org, by slug":     {a.OrgKey(adas.Slug, "org:*"), beas.Slug},
		"a key, nowhere":                    {a.Key("*"), "nowhere"},
		"an odd name":                       {ada, "%00"},
		"somebody's id":                     {ada, a.Query(`SELECT personal_user_id FROM auth_org WHERE id = ?`, beas.ID)},
	} {
		if got := words(c.who, "/-/api/v1/test/"+c.org+"/audit"); got != nowhere {
			t.Errorf("%s is told apart:\n%s\n%s", name, got, nowhere)
		}
	}
	ada.Get("/-/test/"+beas.Slug+"/audit").Want(404, "There is nothing at this address").Without("org:audit")
	a.Expect(apptest.Happened{Audit: []string{"key.created", "key.created", "key.created"}, Rows: map[string]int{"auth_api_key": 3}})
}

func TestMembersWithoutThePermissionAreToldWhichOne(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	ada, _, adas, beas := orgs(a)
	join(a, beas.ID, "ada@example.com", "rol_member")
	a.Forget()
	ada.Get("/-/api/v1/test/" + adas.ID + "/audit").Want(200) // an owner there, and that is nothing here
	p := ada.Get("/-/api/v1/test/"+beas.ID+"/audit").WantProblem(403, "forbidden")
	if !strings.Contains(p.Detail, "org:audit") {
		t.Errorf("detail: %s", p.Detail)
	}
	ada.Get("/-/test/"+beas.Slug+"/audit").Want(403, "org:audit")
	ada.Get("/-/api/v1/test/" + beas.ID).Want(200)
	a.ExpectNothing()
}

func TestOperatorsEnterEveryOrg(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	operator := a.Operator("grace@example.com")
	_, _, adas, _ := orgs(a)
	var s seen
	operator.Get("/-/test/" + adas.Slug + "/audit").Want(200).JSON(&s)
	if s.Org != adas || strings.Join(s.Permissions, " ") != "*" {
		t.Errorf("%+v", s)
	}
}

func TestKeysEnterWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	_, _, adas, beas := orgs(a)
	path := func(o web.Org) string { return "/-/api/v1/test/" + o.ID + "/audit" }
	var s seen
	key := a.OrgKey(adas.ID, "org:audit")
	key.Get(path(adas)).Want(200).JSON(&s)
	if s.Org != adas || s.Acting != adas.ID || s.Key == "" || s.User != "" || strings.Join(s.Permissions, " ") != "org:audit" {
		t.Errorf("%+v", s)
	}
	p := key.Get("/-/api/v1/test/" + adas.ID)
	if p.WantProblem(403, "forbidden"); p.Header.Get("WWW-Authenticate") != `Bearer error="insufficient_scope", scope="org:read"` {
		t.Errorf("%v", p.Header)
	}
	all := a.Key("org:audit")
	all.Get(path(adas)).Want(200)
	all.Get(path(beas)).Want(200, beas.ID)
	a.Key("jobs:write").Get(path(adas)).WantProblem(403, "forbidden")
	// What it has in its org is nothing in the whole instance.
	a.OrgKey(adas.ID, "org:*").Get("/-/admin").WantProblem(403, "forbidden")
}

func TestWhoeverIsNotSignedInEntersNothing(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	_, _, adas, _ := orgs(a)
	b := a.Browser()
	b.Get("/-/api/v1/test/"+adas.ID+"/audit").WantProblem(401, "signed_out")
	b.Get("/-/api/v1/test/nowhere/audit").WantProblem(401, "signed_out")
	if p := b.Get("/-/test/"+adas.Slug+"/audit").Want(200, "Sign in"); !strings.HasPrefix(p.Path, "/-/login?next=") {
		t.Errorf("led to %s", p.Path)
	}
}

// A slug that reads like another org's id must not stand in for it.
func TestSlugCannotTakeAnIDsPlace(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	ada, bea, adas, beas := orgs(a)
	write(a, `UPDATE auth_org SET slug = ? WHERE id = ?`, beas.ID, adas.ID)
	ada.Get("/-/api/v1/test/"+beas.ID+"/audit").WantProblem(404, "not_found")
	bea.Get("/-/api/v1/test/"+beas.ID+"/audit").Want(200, beas.ID)
}

func TestRouteInAnOrgMustNameIt(t *testing.T) {
	t.Parallel()
	cfg := config.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), Replica: "off", LogLevel: "error"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	_, err := app.New(t.Context(), cfg, app.Options{Hasher: auth.NewCheapHasher(), Extend: func(*app.App) app.Extension {
		return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/test", Access: web.InOrg("org:read")}}}
	}})
	if err == nil || !strings.Contains(err.Error(), "GET /-/test") {
		t.Errorf("%v", err)
	}
}

func TestMembershipsAreThoseOfLivingOrgs(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	_, _, adas, beas := orgs(a)
	join(a, beas.ID, "ada@example.com", "rol_member")
	user := a.Query(`SELECT personal_user_id FROM auth_org WHERE id = ?`, adas.ID)
	list := func() string {
		var all []string
		a.Must(a.DB.Read(t.Context(), func(tx *store.Tx) error {
			orgs, err := auth.Memberships(tx, user)
			for _, m := range orgs {
				all = append(all, m.Slug+" "+m.Role)
			}
			return err
		}))
		return strings.Join(all, ", ")
	}
	if got, want := list(), adas.Slug+" owner, "+beas.Slug+" member"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	write(a, `UPDATE auth_org SET deleted_at = 1 WHERE id = ?`, beas.ID)
	if got, want := list(), adas.Slug+" owner"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
