package auth_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

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

// A session of the operator's that was copied ends with what hangs off it, and the orgs
// are told.
func TestCopiedSessionEndsWhatHangsOffIt(t *testing.T) {
	t.Parallel()
	a, _, _, id := support(t)
	held := a.SignInProgram("grace@example.com")
	program := a.Bearer(tokenToActAs(a, held.Access, id).Access)
	refreshed(a.Refresh(refreshed(a.Refresh(held.Refresh)).Refresh))
	a.Forget()
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	a.Expect(apptest.Happened{Audit: []string{"session.token_reused", "session.revoked", "session.revoked", "user.impersonation_ended", "user.impersonation_ended"},
		Jobs: []string{"email.deliver"}})
	signedOut(t, program)
}
