package auth_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// ask has a link and a code mailed to an address, and returns the browser that
// asked, and the mail.
func ask(a *apptest.App, email string) (*apptest.Browser, apptest.Mail) {
	a.T.Helper()
	b := a.Browser()
	b.Post("/-/login/email", "email", email).Want(200, "Check your mail")
	a.RunJobs()
	return b, a.Mails(email)[0]
}

func linkIn(a *apptest.App, email string) string {
	a.T.Helper()
	return apptest.Token(a.Link(email, "/-/login/email"))
}

func TestSignInByMailCanBeOff(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.EmailSignIn = "off" })
	b := a.Browser()
	b.Get("/-/login").Want(200).Without("sign-in link")
	b.Get("/-/login/email").Want(405) // no provider of that name is asked for by GET either
	b.Post("/-/login/email", "email", "ada@example.com").Want(404)
	b.PostJSON("/-/api/v1/login/email", map[string]string{"email": "ada@example.com"}).WantProblem(404, "not_found")
}

// What varies from one answer to the next by itself. A session cookie's Max-Age is
// counted by the wall clock, so it differs when a second passes between the two.
var varies = regexp.MustCompile(`seaworthy_session=[^;]+; Path=/; Expires=[^;]+; Max-Age=\d+|req_[0-9a-z]+|sw_[a-z]+_\w+|"login_token":"[^"]+"|[A-Za-z0-9_-]{43}`)

// alike fails the test unless two answers are the same but for ids and what was typed.
func alike(t *testing.T, what string, known, unknown apptest.Page) {
	t.Helper()
	plain := func(p apptest.Page, local string) string {
		var headers []string
		for _, name := range []string{"Content-Type", "Cache-Control", "Set-Cookie", "Retry-After", "Location", "Www-Authenticate", "Content-Security-Policy", "Vary"} {
			headers = append(headers, name+": "+strings.Join(p.Header.Values(name), "; "))
		}
		text := fmt.Sprint(p.Status, " ", p.Path, "\n", strings.Join(headers, "\n"), "\n", p.Body)
		text = strings.NewReplacer(local+"@", "X@", local[:1]+"…@", "X…@").Replace(text)
		return varies.ReplaceAllString(text, "ID")
	}
	if k, u := plain(known, "known"), plain(unknown, "other"); k != u {
		t.Errorf("%s: the answers differ\n%s\n---\n%s", what, k, u)
	}
}

func TestMailedSignInsLookAlikeForKnownAndUnknown(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("known@example.com")
	both := func(what string, do func(b *apptest.Browser, email string) apptest.Page, browsers ...*apptest.Browser) {
		t.Helper()
		a.RunJobs()
		var pages [2]apptest.Page
		var writes, hashes [2]int64
		var jobs, events [2]int
		for i, email := range []string{"known@example.com", "other@example.com"} {
			w, h, j, e := a.DB.Stats().Writes, a.Auth.Hasher.Computed(), a.Count("queue_job"), a.Count("audit_event")
			pages[i] = do(browsers[i], email)
			writes[i], hashes[i], jobs[i], events[i] = a.DB.Stats().Writes-w, a.Auth.Hasher.Computed()-h, a.Count("queue_job")-j, a.Count("audit_event")-e
		}
		alike(t, what, pages[0], pages[1])
		if writes[0] != writes[1] || hashes[0] != hashes[1] || jobs[0] != jobs[1] || events[0] != events[1] {
			t.Errorf("%s: writes %v, hashes %v, jobs %v, events %v", what, writes, hashes, jobs, events)
		}
	}
	k, o := a.Browser(), a.Browser()
	form := func(path string, more ...string) func(*apptest.Browser, string) apptest.Page {
		return func(b *apptest.Browser, email string) apptest.Page {
			return b.Post(path, append([]string{"email", email}, more...)...)
		}
	}
	both("sign in", form("/-/login", "password", "not the password"), a.Browser(), a.Browser())
	both("forgot", form("/-/forgot"), a.Browser(), a.Browser())
	both("sign up", form("/-/signup", "name", "Mallory", "password", apptest.Password), a.Browser(), a.Browser())
	both("ask", form("/-/login/email"), k, o)
	code := func(b *apptest.Browser, _ string) apptest.Page {
		return b.Post("/-/login/email/code", "code", "000000")
	}
	both("the code's page", func(b *apptest.Browser, _ string) apptest.Page { return b.Get("/-/login/email/code") }, k, o)
	for i := range 7 {
		both(fmt.Sprint("wrong code ", i), code, k, o)
	}
	both("ask anew", form("/-/login/email"), a.Browser(), a.Browser())
	both("the earlier page", func(b *apptest.Browser, _ string) apptest.Page { return b.Get("/-/login/email/code") }, k, o)
	both("the earlier code", code, k, o)
	both("ask, program", func(b *apptest.Browser, email string) apptest.Page {
		return b.PostJSON("/-/api/v1/login/email", map[string]string{"email": email})
	}, a.Browser(), a.Browser())
	both("sign in, program", func(b *apptest.Browser, email string) apptest.Page {
		return b.PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": "not the password"})
	}, a.Browser(), a.Browser())
}

// Whoever signs up first with somebody's address is left with nothing once its
// owner signs in by mail; the owner's own account keeps what he set himself.
func TestOwnerOfTheMailboxTakesOver(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	attacker := a.SignUp("victim@example.com")
	held := a.SignInProgram("victim@example.com")
	attacker.Post("/-/forgot", "email", "victim@example.com").Want(200)
	victim, mail := ask(a, "victim@example.com")
	a.Forget()
	victim.Post("/-/login/email/code", "code", apptest.Code(mail)).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.revoked", "user.seized", "email.verified", "session.created"},
		Rows: map[string]int{"auth_session": 1, "auth_device": -1}}) // both devices of the attacker's are forgotten
	signedOut(t, attacker, a.Bearer(held.Access))
	oauthFault(t, a.Refresh(held.Refresh), 400, "invalid_grant")
	a.Browser().Post("/-/login", "email", "victim@example.com", "password", apptest.Password).Want(401)
	victim.Get("/-/account").Want(200, "victim@example.com", "Verified")

	// The same person on the device that signed up loses nothing.
	own := a.SignUp("ada@example.com")
	own.Post("/-/logout").Want(200)
	own.Post("/-/login/email", "email", "ada@example.com").Want(200)
	a.RunJobs()
	a.Forget()
	own.Post("/-/login/email/link", "token", linkIn(a, "ada@example.com"), "act", "confirm").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.verified", "session.created"}, Rows: map[string]int{"auth_session": 1}})
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
}

// Attack 35: what was mailed before an account was closed or all sessions ended
// opens nothing.
func TestAttack35RedemptionBegunBeforeALockOut(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(a *apptest.App, b *apptest.Browser){
		"disabled": func(a *apptest.App, _ *apptest.Browser) {
			write(a, `UPDATE auth_user SET status = 'disabled' WHERE status = ?`, "active")
		},
		"signed out by an operator": func(a *apptest.App, _ *apptest.Browser) {
			_, err := a.Auth.SignOut(a.T.Context(), "ada@example.com")
			a.Must(err)
		},
		"signed out everywhere": func(_ *apptest.App, b *apptest.Browser) {
			b.Post("/-/account/sessions/revoke", "which", "all").Want(200)
		},
		"password changed": func(_ *apptest.App, b *apptest.Browser) {
			b.Post("/-/account/password", "current_password", apptest.Password, "password", "a brand new password").Want(200)
		},
	} {
		a := apptest.New(t, apptest.WithoutLimits)
		b := a.Verified("ada@example.com")
		asker, mail := ask(a, "ada@example.com")
		link := linkIn(a, "ada@example.com")
		a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200)
		a.RunJobs()
		reset := apptest.Token(a.Link("ada@example.com", "/-/reset"))
		end(a, b)
		if p := asker.Post("/-/login/email/code", "code", apptest.Code(mail)); p.Status != 422 {
			t.Errorf("%s: the code: %d", name, p.Status)
		}
		if p := asker.Post("/-/login/email/link", "token", link, "act", "confirm"); p.Status != 410 {
			t.Errorf("%s: the link: %d", name, p.Status)
		}
		if p := asker.Post("/-/reset", "token", reset, "password", "another new password"); p.Status != 410 {
			t.Errorf("%s: the reset: %d", name, p.Status)
		}
	}
}

func TestOldTokensAreSwept(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	for i := range 3 {
		a.Browser().Post("/-/login/email", "email", fmt.Sprintf("nobody%d@example.com", i)).Want(200)
	}
	a.Clock.Advance(24 * time.Hour)
	a.Must(a.Auth.Sweep(t.Context()))
	if n := a.Count("auth_one_time"); n != 3 {
		t.Errorf("%d tokens, too early", n)
	}
	a.Clock.Advance(11 * time.Minute)
	a.Must(a.Auth.Sweep(t.Context()))
	if n := a.Count("auth_one_time"); n != 0 {
		t.Errorf("%d tokens stay", n)
	}
}

func TestTheJobHoldsNoSecret(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	b, mail := ask(a, "ada@example.com")
	held := a.Query(`SELECT group_concat(args) FROM queue_job`)
	cookie := b.Cookie("seaworthy_sign_in")
	if cookie == "" || strings.Contains(held, cookie) || strings.Contains(held, apptest.Code(mail)) || strings.Contains(held, linkIn(a, "ada@example.com")) {
		t.Errorf("the jobs hold what opens the account: %s", held)
	}
	if !json.Valid([]byte(a.Query(`SELECT args FROM queue_job WHERE kind = 'auth.send_sign_in'`))) {
		t.Error("no arguments")
	}
}

// However many tokens have ended, one sweep takes them all.
func TestSweepKeepsUp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	exec(a, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
		INSERT INTO auth_one_time (hash, purpose, payload, attempts, created_at, exp) SELECT CAST(i AS BLOB), 'email_code', '{}', 0, 1, i FROM n`)
	a.Must(a.Auth.Sweep(t.Context()))
	if n := a.Count("auth_one_time"); n != 0 {
		t.Errorf("%d tokens stay", n)
	}
}
