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
	"seaworthy/store"
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

func TestSigningOutOfAnImpersonationLeadsBack(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	actAs(op, id).Want(200)
	a.Forget()
	op.Post("/-/logout").Want(200, "You are yourself again")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.impersonation_ended", "user.impersonation_ended"}})
	op.Get("/-/admin").Want(200)
}

func TestImpersonationEndsAfterAnHour(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	actAs(op, id).Want(200)
	stolen := a.Browser() // whoever copied the cookie
	stolen.SetCookie(web.CookieName(false), op.Cookie(web.CookieName(false)))
	for range 5 { // used all the time
		a.Clock.Advance(11 * time.Minute)
		op.Get("/-/api/v1/me").Want(200)
		a.Must(a.Auth.Flush(t.Context()))
	}
	a.Clock.Advance(6 * time.Minute)
	stolen.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	if p := op.Get("/-/account").Want(200); p.Path != "/-/admin/users" {
		t.Errorf("led to %s, not back to the console", p.Path)
	}
	op.Get("/-/admin").Want(200).Without("you act as")
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.impersonation_ended", "user.impersonation_ended"}, Ran: []string{"auth.end_impersonation completed"}})
	if e := a.Events(1)[0]; e.Actor != (audit.Ref{Type: "system", ID: "auth.end_impersonation"}) || e.Details["reason"] != "its time was over" {
		t.Errorf("the end: %+v", e)
	}
}

func TestImpersonationEndsUnused(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	actAs(op, id).Want(200)
	a.Clock.Advance(20 * time.Minute)
	op.Get("/-/api/v1/me").Want(200)
	a.Must(a.Auth.Flush(t.Context()))
	a.Clock.Advance(29 * time.Minute)
	op.Get("/-/account").Want(200, "you act as")
	a.Must(a.Auth.Flush(t.Context()))
	op.Post("/-/impersonation/stop").Want(200)
	op.Post("/-/confirm", "password", apptest.Password).Want(200)
	actAs(op, id).Want(200)
	a.Clock.Advance(31 * time.Minute)
	op.Get("/-/api/v1/me").WantProblem(401, "signed_out")
}

// Whatever ends the operator's own session or power ends what hangs off it, by
// the next request.
func TestImpersonationFallsWithItsOperator(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(a *apptest.App){
		"signed out elsewhere": func(a *apptest.App) {
			_, err := a.Auth.SignOut(t.Context(), "grace@example.com")
			a.Must(err)
		},
		"suspended": func(a *apptest.App) {
			_, err := a.Auth.Promote(t.Context(), "bob@example.com")
			a.Must(err)
			a.Must(a.Auth.Suspend(t.Context(), a.UserID("grace@example.com"), "left the company"))
		},
		"no operator any more": func(a *apptest.App) {
			_, err := a.Auth.Promote(t.Context(), "bob@example.com")
			a.Must(err)
			a.Must(a.Auth.UnmakeOperator(t.Context(), a.UserID("grace@example.com"), "grace@example.com"))
		},
		"disabled in the database": func(a *apptest.App) {
			a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
				return tx.ExecOne(`UPDATE auth_user SET status = 'disabled' WHERE id = ?`, a.UserID("grace@example.com"))
			}))
		},
		"the user became an operator": func(a *apptest.App) {
			_, err := a.Auth.Promote(t.Context(), "ada@example.com")
			a.Must(err)
		},
		"the user was suspended": func(a *apptest.App) {
			a.Must(a.Auth.Suspend(t.Context(), a.UserID("ada@example.com"), "did not pay for a year"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, op, _, id := support(t)
			a.Verified("bob@example.com")
			program := a.Bearer(tokenToActAs(a, a.SignInProgram("grace@example.com").Access, id).Access)
			program.Get("/-/api/v1/me").Want(200)
			actAs(op, id).Want(200)
			end(a)
			op.Get("/-/api/v1/me").WantProblem(401, "signed_out")
			program.Get("/-/api/v1/me").WantProblem(401, "bad_token")
		})
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

// A browser whose operator has signed out meanwhile is nobody's after Stop, and a
// cookie that is planted as the operator's own brings nobody anywhere.
func TestStopGivesNothingThatDoesNotCount(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	actAs(op, id).Want(200)
	kept := op.Cookie("seaworthy_own")
	_, err := a.Auth.SignOut(t.Context(), "grace@example.com")
	a.Must(err)
	if p := op.Post("/-/impersonation/stop").Want(200); p.Path != "/-/login?notice=out" {
		t.Errorf("led to %s", p.Path)
	}
	op.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	thief := a.Browser()
	for _, cookie := range []string{kept, "", "x", strings.Repeat("A", 43)} {
		thief.SetCookie("seaworthy_own", cookie)
		thief.Get("/-/login").Want(200, "Sign in")
		thief.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	}
	// Stop in a browser that acts as nobody changes nothing.
	a.Forget()
	user.Post("/-/impersonation/stop")
	user.Get("/-/api/v1/me").Want(200)
	a.ExpectNothing()
	a.Bearer(a.SignInProgram("ada@example.com").Access).Post("/-/impersonation/stop").WantProblem(403, "person_only")
}

// Signing in as somebody while acting as another ends that, and forgets the
// session that was kept.
func TestSigningInEndsAnImpersonation(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	a.Verified("bob@example.com")
	actAs(op, id).Want(200)
	a.Forget()
	op.Post("/-/login", "email", "bob@example.com", "password", apptest.Password).Want(200).Without("you act as")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.impersonation_ended", "user.impersonation_ended", "session.created"},
		Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	op.Post("/-/logout").Want(200)
	op.Get("/-/login").Want(200, "Sign in")
	op.Get("/-/api/v1/me").WantProblem(401, "signed_out")
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
