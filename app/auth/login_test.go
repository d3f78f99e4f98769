package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	a.Forget()
	b := a.Browser()
	b.Get("/-/account").Want(200, "Sign in") // led to sign-in
	p := b.Post("/-/login", "email", " ADA@example.com ", "password", apptest.Password, "next", "/-/account").Want(200, "Ada Lovelace")
	if p.Path != "/-/account" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})

	old := b.Cookie("seaworthy_session")
	b.Post("/-/logout").Want(200, "You are signed out")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	b.SetCookie("seaworthy_session", old) // a cookie that somebody kept
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	b.Post("/-/logout").Want(200)
	a.ExpectNothing()
}

func TestSignInAgainReplacesTheSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	old := b.Cookie("seaworthy_session")
	a.Forget()
	b.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.created"}, Rows: map[string]int{"auth_session": 1}})
	thief := a.Browser()
	thief.SetCookie("seaworthy_session", old)
	thief.Get("/-/api/v1/me").WantProblem(401, "signed_out")
}

func TestRefusedSignInsLookAlike(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("known@example.com")
	a.Forget()
	known := a.Browser().Post("/-/login", "email", "known@example.com", "password", "not the password").Want(401, "do not match")
	unknown := a.Browser().Post("/-/login", "email", "other@example.com", "password", "not the password").Want(401, "do not match")
	if strings.ReplaceAll(known.Body, "known@", "other@") != unknown.Body {
		t.Error("the pages differ")
	}
	a.Expect(apptest.Happened{Audit: []string{"session.refused", "session.refused"}})
	if known.Header.Get("Set-Cookie") != "" {
		t.Error("a refused sign-in sets a cookie")
	}
}

func TestGuessesAtOneAccountAreBounded(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	for i := range 10 {
		a.Browser().Post("/-/login", "email", "ada@example.com", "password", fmt.Sprintf("guess number %d", i)).Want(401)
	}
	// Another spelling is the same account, and a made-up proxy header another address to nobody.
	b := a.Browser()
	b.Header.Set("X-Forwarded-For", "203.0.113.9")
	b.Post("/-/login", "email", "ADA@EXAMPLE.COM", "password", apptest.Password).Want(429, "Try again in")
	a.Clock.Advance(time.Minute)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
}

func TestAddressesAreLimited(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for i := range 10 {
		a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "A", "email": fmt.Sprintf("a%d@example.com", i), "password": apptest.Password}).Want(201)
	}
	p := a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "A", "email": "last@example.com", "password": apptest.Password})
	p.WantProblem(429, "too_many_requests")
	if p.Header.Get("Retry-After") != "6" {
		t.Errorf("Retry-After %q", p.Header.Get("Retry-After"))
	}
}

func TestRedirectsStayHere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	for _, evil := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "https:evil.example"} {
		p := a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password, "next", evil).Want(200)
		if p.Path != "/" {
			t.Errorf("%q leads to %s", evil, p.Path)
		}
	}
}

func TestCrossSiteFormsAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	a.Forget()
	for _, site := range []string{"cross-site", "same-site"} {
		b.Header.Set("Sec-Fetch-Site", site)
		b.Post("/-/logout").Want(403, "came from another site")
	}
	b.Header.Del("Sec-Fetch-Site")
	b.Header.Set("Sec-Fetch-Site", "")
	b.Header.Set("Origin", "null")
	b.Post("/-/logout").Want(403)
	a.ExpectNothing()
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	idle, busy := a.Verified("idle@example.com"), a.Verified("busy@example.com")
	for range 29 {
		a.Clock.Advance(24 * time.Hour)
		busy.Get("/-/api/v1/me").Want(200)
		a.Must(a.Auth.Flush(t.Context()))
	}
	idle.Get("/-/api/v1/me").WantProblem(401, "signed_out") // a week unused
	a.Clock.Advance(25 * time.Hour)
	busy.Get("/-/api/v1/me").WantProblem(401, "signed_out") // thirty days in any case
}

func TestSessionsInUseAreNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	for range 20 {
		b.Get("/-/api/v1/me").Want(200)
	}
	writes := a.DB.Stats().Writes
	a.Must(a.Auth.Flush(t.Context()))
	if n := a.DB.Stats().Writes - writes; n != 0 {
		t.Errorf("%d writes within the first minute", n)
	}
	a.Clock.Advance(2 * time.Minute)
	for range 20 {
		b.Get("/-/api/v1/me").Want(200)
	}
	a.Must(a.Auth.Flush(t.Context()))
	if n := a.DB.Stats().Writes - writes; n != 1 {
		t.Errorf("%d writes for twenty requests", n)
	}
	seen := a.Query("SELECT last_seen_at FROM auth_session ORDER BY last_seen_at DESC LIMIT 1")
	if want := fmt.Sprint(apptest.Epoch.Add(2 * time.Minute).UnixMilli()); seen != want {
		t.Errorf("last seen %s, want %s", seen, want)
	}
}

// A slow request that loaded its session before a revocation must not bring it back.
func TestRevokedSessionStaysRevoked(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	cookie := b.Cookie("seaworthy_session")
	m := a.Auth.Sessions()
	slow, err := m.Load(t.Context(), cookie)
	a.Must(err)
	m.Put(slow, "flash", "late")
	b.Post("/-/logout").Want(200)
	_, _, err = m.Commit(slow)
	a.Must(err)
	b.SetCookie("seaworthy_session", cookie)
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	known := a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200, "If a…@example.com has an account")
	unknown := a.Browser().Post("/-/forgot", "email", "bea@example.com").Want(200)
	if strings.NewReplacer("ada@", "bea@", "a…@", "b…@").Replace(known.Body) != unknown.Body {
		t.Error("the answers for a known and an unknown address differ")
	}
	a.Expect(apptest.Happened{Audit: []string{"password.reset_requested", "password.reset_requested"}, Jobs: []string{"auth.send_reset", "auth.send_reset"}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_one_time": 1},
		Ran:   []string{"auth.send_reset completed", "auth.send_reset cancelled", "email.deliver completed"},
		Mails: []string{"ada@example.com: Reset your password for Acme"}})

	link := a.Link("ada@example.com", "/-/reset")
	stranger := a.Browser()
	stranger.Get(link).Want(200, "Choose a new password")
	stranger.Post("/-/reset", "token", apptest.Token(link), "password", "short").Want(422, "At least 12")
	a.ExpectNothing()
	stranger.Post("/-/reset", "token", apptest.Token(link), "password", "a brand new password").Want(200, "Your password was changed")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "password.reset", "email.sent"}, Jobs: []string{"email.deliver"},
		Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: Your password for Acme was changed"}})
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	stranger.Post("/-/reset", "token", apptest.Token(link), "password", "once more with it").Want(410)
	stranger.Get("/-/reset?token=" + apptest.Token(link)).Want(410)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "a brand new password").Want(200)
}

func TestTokensOfOnePurposeAreNothingForAnother(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	a.RunJobs()
	verify := apptest.Token(a.Link("ada@example.com", "/-/verify"))
	b := a.Browser()
	b.Get("/-/reset?token=" + verify).Want(410)
	b.Post("/-/reset", "token", verify, "password", "a brand new password").Want(410)
	b.Post("/-/setup", "token", verify, "name", "M", "email", "m@example.com", "password", apptest.Password).Want(410)
	a.Clock.Advance(25 * time.Hour)
	b.Get("/-/verify?token=" + verify).Want(410)
}

func TestFirstOperator(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	first, err := a.Auth.SetupLink(t.Context())
	a.Must(err)
	link, err := a.Auth.SetupLink(t.Context())
	a.Must(err)
	a.Browser().Get(first).Want(410) // only the newest link works
	a.Browser().Get(link).Want(200, "first operator")
	a.Forget()
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := a.Browser().Post("/-/setup", "token", apptest.Token(link), "name", "Op", "email", fmt.Sprintf("op%d@example.com", i), "password", apptest.Password)
			mu.Lock()
			defer mu.Unlock()
			statuses[p.Status]++
		})
	}
	all.Wait()
	if statuses[200] != 1 || statuses[410] != 7 {
		t.Errorf("statuses: %v", statuses)
	}
	a.Expect(apptest.Happened{Audit: []string{"operator.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_user": 1, "auth_email": 1,
		"auth_org": 1, "auth_membership": 1, "auth_role_binding": 2, "auth_session": 1, "auth_device": 1, "auth_one_time": 1}})
	if again, err := a.Auth.SetupLink(t.Context()); err != nil || again != "" {
		t.Errorf("there is an operator, and still a link: %q, %v", again, err)
	}
}

func TestConsoleIsForOperators(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	user := a.SignUp("ada@example.com")
	for path, permission := range map[string]string{"/-/admin": "console:read", "/-/admin/users": "users:read", "/-/admin/orgs": "orgs:read", "/-/admin/jobs": "jobs:read",
		"/-/admin/audit": "audit:read"} {
		op.Get(path).Want(200)
		user.Get(path).Want(403, permission)
		if p := a.Browser().Get(path).Want(200, "Sign in"); !strings.HasPrefix(p.Path, "/-/login?next=") {
			t.Errorf("%s led to %s", path, p.Path)
		}
	}
	op.Get("/-/admin/users?q=ada").Want(200, "ada@example.com").Without("Grace Hopper&lt;")
	_, events, _ := strings.Cut(op.Get("/-/admin/audit?action=user.signed_up").Want(200).Body, "<tbody>")
	if !strings.Contains(events, "Signed up") || strings.Contains(events, "Operator made") {
		t.Errorf("the events of one action:\n%s", events)
	}
}

func TestDisabledAccountIsOutAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE auth_user SET status = 'disabled' WHERE status = ?`, "active")
		return err
	}))
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401, "do not match")
}
