package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
)

const why = "cannot find the invoices"

// support is an operator, and a user with a personal and a shared org.
func support(t *testing.T, opts ...apptest.Option) (a *apptest.App, op *apptest.Browser, user *apptest.Browser, id string) {
	a = apptest.New(t, append([]apptest.Option{apptest.WithoutLimits}, opts...)...)
	op = a.Operator("grace@example.com")
	user = a.Verified("ada@example.com")
	a.SharedOrg("acme", "Acme", map[string]string{"ada@example.com": "rol_admin"})
	a.RunJobs()
	a.Forget()
	return a, op, user, a.UserID("ada@example.com")
}

// actAs begins an impersonation from the console.
func actAs(b *apptest.Browser, id string) apptest.Page {
	b.T.Helper()
	return b.Post("/-/admin/users/"+id+"/impersonate", "reason", why, "ticket", "HELP-7")
}

func TestImpersonationFromStartToStop(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	own := op.Cookie(web.CookieName(false))
	p := actAs(op, id).Want(200, "Grace Hopper , you act as Ada Lovelace", "15:05 UTC", "Stop")
	if p.Path != "/" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"user.impersonation_started", "user.impersonation_started"}, Jobs: []string{"auth.end_impersonation"},
		Rows: map[string]int{"auth_session": 1}})
	grace := audit.User(a.UserID("grace@example.com"))
	orgs := map[string]bool{}
	for _, e := range a.Events(2) {
		orgs[e.Org] = true
		if e.Actor != grace || e.OnBehalfOf != (audit.Ref{}) || e.Targets[0] != audit.User(id) || e.Details["reason"] != why || e.Details["ticket"] != "HELP-7" {
			t.Errorf("the event: %+v", e)
		}
	}
	if len(orgs) != 2 || !orgs[a.PersonalOrg("ada@example.com")] {
		t.Errorf("told to %v", orgs)
	}
	user.Get("/-/org/acme/audit").Want(200, "Impersonation started")

	// The banner is on every layout; the console is what the user may see of it.
	for _, path := range []string{"/", "/-/account", "/-/account/sessions", "/-/org/acme/audit", "/-/forgot", "/-/nowhere", "/-/dev/inbox"} {
		if !strings.Contains(op.Get(path).Body, `<aside class="acting"`) {
			t.Errorf("%s has no banner", path)
		}
		if strings.Contains(user.Get(path).Body, `class="acting"`) {
			t.Errorf("%s has a banner for the user", path)
		}
	}
	op.Get("/-/admin").Want(403, "console:read", "you act as")
	var me struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if op.Get("/-/api/v1/me").Want(200).JSON(&me); me.User.ID != id {
		t.Errorf("me: %+v", me)
	}
	// What is done is the operator's doing, for the user.
	a.Forget()
	op.Post("/-/org/acme/audit/exports", "format", "csv").Want(200)
	if e := a.Events(1)[0]; e.Actor != grace || e.OnBehalfOf != audit.User(id) {
		t.Errorf("done by %v for %v", e.Actor, e.OnBehalfOf)
	}
	a.Forget()

	p = op.Post("/-/impersonation/stop").Want(200, "You are yourself again").Without("you act as")
	if p.Path != "/-/admin/users/"+id+"?done=stopped" {
		t.Errorf("back at %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.impersonation_ended", "user.impersonation_ended"}})
	if e := a.Events(1)[0]; e.Actor != grace || e.OnBehalfOf != audit.User(id) || e.Details["reason"] != "stopped by the impersonator" {
		t.Errorf("the end: %+v", e)
	}
	if op.Cookie(web.CookieName(false)) != own || op.Cookie("seaworthy_own") != "" {
		t.Error("the browser does not have its own session back")
	}
	user.Get("/-/api/v1/me").Want(200)

	// When the hour is over there is nothing left to end.
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	for _, e := range a.Events(3) {
		if e.Action == "user.impersonation_ended" && e.Details["reason"] == "its time was over" {
			t.Error("it ended twice")
		}
	}
}

func TestWhoCannotBeImpersonated(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	a.Verified("ivy@example.com")
	a.Grant("ivy@example.com", "console:read", "users:read", "users:impersonate")
	a.Verified("bob@example.com")
	a.Verified("kim@example.com")
	a.Grant("kim@example.com", "flags:manage")
	_, err := a.Auth.AddOperator(t.Context(), "Second", "second@example.com", apptest.Password)
	a.Must(err)
	in := func(email string) *apptest.Browser {
		b := a.Browser()
		b.Post("/-/login", "email", email, "password", apptest.Password).Want(200)
		return b
	}
	ivy := in("ivy@example.com")
	a.Forget()
	actAs(op, a.UserID("second@example.com")).Want(403, "may do more in the whole installation")
	actAs(op, a.UserID("grace@example.com")).Want(400, "You are this person already")
	actAs(op, "usr_nobody").Want(404)
	actAs(ivy, a.UserID("grace@example.com")).Want(403, "may do more")
	actAs(ivy, a.UserID("kim@example.com")).Want(403, "may do more")
	actAs(in("bob@example.com"), id).Want(403, "users:impersonate")
	a.Key("users:impersonate").PostJSON("/-/api/v1/users/"+id+"/impersonate", map[string]string{"reason": why}).WantProblem(403, "person_only")
	a.Key("users:manage").PostJSON("/-/api/v1/users/"+id+"/impersonate", map[string]string{"reason": why}).WantProblem(403, "forbidden")
	for _, reason := range []string{"", "too short", strings.Repeat("x", 501)} {
		op.Post("/-/admin/users/"+id+"/impersonate", "act", "impersonate", "reason", reason).Want(422, "field-error")
	}
	if n := a.Count("auth_session"); a.Query(`SELECT count(*) || '' FROM auth_session WHERE impersonator_id IS NOT NULL`) != "0" {
		t.Errorf("%d sessions, and an impersonation among them", n)
	}
	actAs(ivy, id).Want(200, "you act as")
	actAs(ivy, a.UserID("bob@example.com")).Want(403) // never while impersonating: the user may not
	// Nor when the user may.
	ivy.Post("/-/impersonation/stop").Want(200)
	a.Grant("ada@example.com", "console:read", "users:read", "users:impersonate")
	actAs(ivy, id).Want(200)
	actAs(ivy, a.UserID("bob@example.com")).Want(403, "cannot be done while you act as somebody else")
	ivy.Get("/-/admin/users/"+a.UserID("bob@example.com")).Want(200, "you act as").Without("Act as this user")

	// A sign-in that is stale has to be confirmed first.
	a.Clock.Advance(16 * time.Minute)
	if p := actAs(op, id).Want(200, "Confirm who you are"); !strings.HasPrefix(p.Path, "/-/confirm") {
		t.Errorf("led to %s", p.Path)
	}
}

func TestImpersonatorChangesNoCredential(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t, dangerous)
	actAs(op, id).Want(200)
	a.Forget()
	const refusal = "cannot be done while you act as somebody else"
	op.Get("/-/danger").Want(403, refusal)
	op.Get("/-/api/v1/danger").WantProblem(403, "impersonating")
	op.Get("/-/confirm").Want(403, refusal)
	op.Post("/-/confirm", "password", apptest.Password).Want(403, refusal)
	op.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(403, "impersonating")
	o := &web.Origin{RequestID: "req_x", Identity: web.Identity{User: id, Impersonator: a.UserID("grace@example.com"), Permissions: []string{"*"}}}
	ctx := web.WithOrigin(t.Context(), o)
	if _, _, err := a.Auth.MakeKey(ctx, auth.NewKey{Name: "k", Org: "acme", Permissions: []string{"org:read"}}); web.AsError(err).Code != "impersonating" {
		t.Errorf("a key: %v", err)
	}
	if err := a.Auth.ResetFactors(ctx, id, why); web.AsError(err).Code != "impersonating" {
		t.Errorf("factors: %v", err)
	}
	if err := a.Auth.CloseOrg(ctx, a.PersonalOrg("ada@example.com"), "x", why); web.AsError(err).Code != "impersonating" {
		t.Errorf("org: %v", err)
	}
	a.ExpectNothing()
	// The mail of a link goes to the user alone, who alone can use it.
	op.Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"password.reset_requested"}, Jobs: []string{"auth.send_reset"}})
}

func TestUserSeesAndEndsASupportSession(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	actAs(op, id).Want(200)
	p := user.Get("/-/account/sessions").Want(200, "Support session", "Acting as you", "They cannot change how you sign in")
	if n := strings.Count(p.Body, "127.0.0.1"); n != 1 {
		t.Errorf("the address of %d sessions is shown", n)
	}
	var list struct {
		Sessions []struct {
			ID      string `json:"id"`
			IP      string `json:"ip"`
			Support bool   `json:"support"`
		} `json:"sessions"`
	}
	user.Get("/-/api/v1/sessions").Want(200).JSON(&list)
	s := list.Sessions[0]
	if !s.Support || s.IP != "" || list.Sessions[1].Support {
		t.Fatalf("sessions: %+v", list)
	}
	a.Forget()
	user.Do("DELETE", "/-/api/v1/sessions/"+s.ID, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.impersonation_ended", "user.impersonation_ended"}})
	op.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	if p := op.Post("/-/impersonation/stop").Want(200); p.Path != "/-/admin/users" {
		t.Errorf("led to %s", p.Path)
	}
}

type actingToken struct {
	Access  string    `json:"access_token"`
	Session string    `json:"session_id"`
	Until   time.Time `json:"until"`
}

func tokenToActAs(a *apptest.App, access, id string) (t actingToken) {
	a.T.Helper()
	p := a.Bearer(access).PostJSON("/-/api/v1/users/"+id+"/impersonate", map[string]string{"reason": why})
	p.Want(200).Without("refresh_token").JSON(&t)
	return t
}

func TestActClaim(t *testing.T) {
	t.Parallel()
	a, _, _, id := support(t)
	grace := a.SignInProgram("grace@example.com").Access
	a.Forget()
	token := tokenToActAs(a, grace, id)
	a.Expect(apptest.Happened{Audit: []string{"user.impersonation_started", "user.impersonation_started"}, Jobs: []string{"auth.end_impersonation"},
		Rows: map[string]int{"auth_session": 1}})
	if want := apptest.Epoch.Add(time.Hour); !token.Until.Equal(want) {
		t.Errorf("until %v, want %v", token.Until, want)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token.Access, ".")[1])
	a.Must(err)
	var claims struct {
		Sub string `json:"sub"`
		Act struct {
			Sub string `json:"sub"`
		} `json:"act"`
	}
	a.Must(json.Unmarshal(raw, &claims))
	if claims.Sub != id || claims.Act.Sub != a.UserID("grace@example.com") {
		t.Errorf("claims: %s", raw)
	}
	p := a.Key("auth:introspect")
	var told struct {
		Active bool   `json:"active"`
		Sub    string `json:"sub"`
		Act    struct {
			Sub string `json:"sub"`
		} `json:"act"`
	}
	p.Post("/-/oauth2/introspect", "token", token.Access).Want(200).JSON(&told)
	if !told.Active || told.Sub != id || told.Act.Sub != a.UserID("grace@example.com") {
		t.Errorf("introspection: %+v", told)
	}
	b := a.Bearer(token.Access)
	b.Get("/-/api/v1/me").Want(200, id)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(403, "impersonating")
	// Even a refresh token that nobody was given buys nothing.
	a.Refresh(a.Auth.RefreshToken(token.Session, 0)).Want(400, "invalid_grant")
	b.Do("DELETE", "/-/api/v1/sessions/"+token.Session, "", "").Want(204)
	b.Get("/-/api/v1/me").WantProblem(401, "bad_token")
}

// Whoever acts as somebody else gives nobody a right that outlasts it, himself with
// another mailbox or as a member of the org least of all.
func TestImpersonatorGivesNoRights(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	join(a, a.Query(`SELECT id FROM auth_org WHERE slug = 'acme'`), "grace@example.com", "rol_member")
	write(a, `UPDATE auth_role_binding SET role_id = 'rol_owner' WHERE principal_id = ? AND role_id = 'rol_admin'`, id)
	actAs(op, id).Want(200)
	const api = "/-/api/v1/orgs/acme"
	a.Forget()
	op.PostJSON(api+"/invitations", map[string]string{"email": "grace@home.example", "role": "rol_owner"}).WantProblem(403, "impersonating")
	op.Post("/-/org/acme/invitations", "email", "grace@home.example", "role", "rol_owner").Want(403, "cannot be done while you act as somebody else")
	patch(op, api+"/members/"+a.UserID("grace@example.com"), `{"role":"rol_owner"}`).WantProblem(403, "impersonating")
	op.Do("DELETE", api+"/members/"+a.UserID("grace@example.com"), "", "").WantProblem(403, "impersonating")
	op.PostJSON(api+"/roles", map[string]any{"name": "Helper", "permissions": []string{"org:audit"}}).WantProblem(403, "impersonating")
	a.ExpectNothing()
}
