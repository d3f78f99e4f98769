package auth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

const newPassword = "a brand new password"

// Attack 34, for whoever changes the password while signed in: every other session
// dies, and the one that asked lives on under another cookie.
func TestAttack34ChangeOfPassword(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	other := signIn(a, "ada@example.com", phone)
	held := a.SignInProgram("ada@example.com")
	bea := a.Verified("bea@example.com")
	a.RunJobs()
	session, old := current(b), b.Cookie("seaworthy_session")
	a.Forget()
	b.Get("/-/account/security").Want(200, "Change the password")
	b.Post("/-/account/password", "current_password", "not the password", "password", newPassword).Want(422, "This is not your password")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmation_refused"}})
	b.Post("/-/account/password", "current_password", apptest.Password, "password", "Unbelievable1").Want(422, "Many people have used")
	b.Post("/-/account/password", "current_password", apptest.Password, "password", apptest.Password).Want(422, "the password you have")
	a.ExpectNothing()

	b.Post("/-/account/password", "current_password", apptest.Password, "password", newPassword).Want(200, "Your password was changed, and every other device is signed out.")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.revoked", "password.changed", "email.sent"}, Jobs: []string{"email.deliver"},
		Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: Your password for Acme was changed"}})
	if m := a.Mails("ada@example.com")[0]; !strings.Contains(m.Text, "Every other device was signed out") {
		t.Errorf("the mail:\n%s", m.Text)
	}
	signedOut(t, other, a.Bearer(held.Access))
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	if got := current(b); got != session {
		t.Errorf("session %s went on as %s", session, got)
	}
	thief := a.Browser()
	thief.SetCookie("seaworthy_session", old) // whoever had copied the cookie is out too
	signedOut(t, thief)
	bea.Get("/-/api/v1/me").Want(200)
	// Not even a session whose row somebody brings back.
	write(a, `UPDATE auth_session SET revoked_at = NULL WHERE kind = ?`, "api")
	signedOut(t, a.Bearer(held.Access))
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", newPassword).Want(200)
}

func TestChangeOfPasswordOfAProgram(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	browser := a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	put := func(b *apptest.Browser, current, next string) apptest.Page {
		return b.Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"`+current+`","password":"`+next+`"}`)
	}
	put(a.Bearer(held.Access), "wrong", newPassword).WantProblem(422, "invalid", "current_password")
	put(a.Bearer(held.Access), apptest.Password, "short").WantProblem(422, "invalid", "password")
	if p := put(a.Bearer(held.Access), apptest.Password, newPassword).Want(204); p.Header.Get("Set-Cookie") != "" {
		t.Error("a program got a cookie")
	}
	signedOut(t, browser, a.Bearer(held.Access))
	a.Bearer(refreshed(a.Refresh(held.Refresh)).Access).Get("/-/api/v1/me").Want(200)
	put(a.Browser(), newPassword, apptest.Password).WantProblem(401, "signed_out")
	put(a.Key("*"), newPassword, apptest.Password).WantProblem(403, "person_only")
}

// An account without a password gets one from whoever has shown lately who he is.
func TestSetAPasswordWhereThereIsNone(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	write(a, `UPDATE auth_user SET password_phc = NULL WHERE status = ?`, "active")
	b.Get("/-/account/security").Want(200, "Your account has no password", "Set a password").Without("Current password")
	a.Clock.Advance(16 * time.Minute)
	if p := b.Post("/-/account/password", "password", newPassword).Want(200, "Confirm who you are"); !strings.HasPrefix(p.Path, "/-/confirm?next=") {
		t.Errorf("led to %s", p.Path)
	}
	b.Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"","password":"`+newPassword+`"}`).WantProblem(401, "confirm_first")
	b.Post("/-/login/email", "email", "ada@example.com").Want(200)
	a.RunJobs()
	b.Post("/-/login/email/code", "code", apptest.Code(a.Mails("ada@example.com")[0])).Want(200)
	b.Post("/-/account/password", "password", newPassword).Want(200, "Your password was changed")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", newPassword).Want(200)
}

func TestNobodyChangesThePasswordInSomebodysPlace(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	b := a.Operator("grace@example.com")
	actAs(b, a.UserID("ada@example.com")).Want(200)
	a.Forget()
	b.Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"`+apptest.Password+`","password":"`+newPassword+`"}`).WantProblem(403, "impersonating")
	b.Post("/-/account/password", "current_password", apptest.Password, "password", newPassword).Want(403)
	a.ExpectNothing()
}

// Of two changes at once one wins, and the password is the winner's.
func TestTwoChangesOfPasswordAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	one := a.Verified("ada@example.com")
	two := signIn(a, "ada@example.com", phone)
	var both sync.WaitGroup
	var pages [2]apptest.Page
	for i, b := range []*apptest.Browser{one, two} {
		both.Go(func() {
			pages[i] = b.Do("PUT", "/-/api/v1/password", "application/json", `{"current_password":"`+apptest.Password+`","password":"`+newPassword+string(rune('0'+i))+`"}`)
		})
	}
	both.Wait()
	won := 0
	for i, p := range pages {
		login := a.Browser().Post("/-/login", "email", "ada@example.com", "password", newPassword+string(rune('0'+i))).Status
		if (p.Status == 204) != (login == 200) {
			t.Errorf("change %d was answered %d, and its password %d", i, p.Status, login)
		}
		if p.Status == 204 {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d changes won", won)
	}
}
