package auth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
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

func TestSignInByCode(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	a.Forget()
	b := a.Browser()
	b.Get("/-/login?next=/-/account").Want(200, "Email me a sign-in link")
	// As the sign-in form sends it, with the field that is not looked at.
	p := b.Post("/-/login/email", "email", " ADA@example.com ", "password", "", "next", "/-/account").Want(200, "Check your mail", "A…@example.com")
	if p.Path != "/-/login/email/code?next=%2F-%2Faccount" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"session.email_requested"}, Jobs: []string{"auth.send_sign_in"}, Rows: map[string]int{"auth_one_time": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"auth.send_sign_in completed", "email.deliver completed"},
		Mails: []string{"ada@example.com: Sign in to Acme"}, Rows: map[string]int{"auth_one_time": 1}})
	mail := a.Mails("ada@example.com")[0]
	code := apptest.Code(mail)
	if len(code) != 6 || !strings.Contains(mail.Text, "Firefox on Linux") {
		t.Fatalf("the mail:\n%s", mail.Text)
	}
	if held := a.Query(`SELECT group_concat(payload) FROM auth_one_time`); strings.Contains(held, code) {
		t.Error("the code stands in the database")
	}
	b.Post("/-/login/email/code", "code", wrong(code)).Want(422, "This code is not right")
	a.Expect(apptest.Happened{Audit: []string{"session.refused"}})
	p = b.Post("/-/login/email/code", "code", code[:3]+" - "+code[3:], "next", "/-/account").Want(200, "Ada Lovelace")
	if p.Path != "/-/account" {
		t.Errorf("led to %s", p.Path)
	}
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	if e := a.Events(1)[0]; e.Details["method"] != "email_code" {
		t.Errorf("event %+v", e)
	}
	if got := a.Query(`SELECT amr || aal FROM auth_session ORDER BY id DESC LIMIT 1`); got != "mca1" {
		t.Errorf("amr and level: %s", got)
	}
	// One use ends both.
	a.Browser().Post("/-/login/email/link", "token", linkIn(a, "ada@example.com"), "act", "confirm").Want(410)
}

// wrong is a code that is not the one.
func wrong(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

func TestAttack33SignInByLink(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	b, _ := ask(a, "ada@example.com")
	link := a.Link("ada@example.com", "/-/login/email")
	a.Forget()
	// Attack 33: a scanner that opens links, in any way, changes nothing.
	for range 3 {
		b.Get(link).Want(200, "ada@example.com").Without("Another browser")
		a.Browser().Do("HEAD", link, "", "").Want(200)
	}
	a.ExpectNothing()
	b.Post("/-/login/email/link", "token", apptest.Token(link), "act", "confirm").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	b.Get("/-/api/v1/me").Want(200)
	b.Post("/-/login/email/link", "token", apptest.Token(link), "act", "confirm").Want(410)
	a.ExpectNothing()
	a.Browser().Get(link).Want(410)
}

func TestLinkInAnotherBrowserWarns(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	bea := a.Verified("bea@example.com")
	asker, mail := ask(a, "ada@example.com")
	link := a.Link("ada@example.com", "/-/login/email")
	bea.Get(link).Want(200, "Another browser asked for it", "Firefox on Linux", "Sign in on this device", "This was not me", "signs bea@example.com out here")
	other := a.Browser()
	other.Get(link).Want(200, "Another browser asked").Without("out here")
	other.Post("/-/login/email/link", "token", apptest.Token(link), "act", "confirm").Want(200)
	other.Get("/-/api/v1/me").Want(200, "ada@example.com")
	// The browser that asked gets nothing by that.
	asker.Get("/-/api/v1/me").Want(401)
	asker.Post("/-/login/email/code", "code", apptest.Code(mail)).Want(422)
	asker.Get("/-/api/v1/me").Want(401)
}

func TestSignInThatWasNotMe(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	asker, mail := ask(a, "ada@example.com")
	token := linkIn(a, "ada@example.com")
	a.Forget()
	a.Browser().Post("/-/login/email/link", "token", token, "act", "deny").Want(200, "Nobody was signed in")
	a.Expect(apptest.Happened{Audit: []string{"session.email_denied"}})
	asker.Post("/-/login/email/code", "code", apptest.Code(mail)).Want(422)
	a.Browser().Post("/-/login/email/link", "token", token, "act", "confirm").Want(410)
	a.Browser().Post("/-/login/email/link", "token", token, "act", "perhaps").Want(400)
}

func TestCodesAreBoundToTheirBrowserAndTries(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	b, mail := ask(a, "ada@example.com")
	code := apptest.Code(mail)
	// Whoever is talked out of a code cannot use it elsewhere.
	thief := a.Browser()
	thief.Post("/-/login/email", "email", "nobody@example.com").Want(200)
	thief.Post("/-/login/email/code", "code", code).Want(422)
	a.Browser().Post("/-/login/email/code", "code", code).Want(200, "Sign in by email") // no attempt: asked for an address
	// What is no code is no try.
	for _, text := range []string{"", "12345", "1234567", "abcdef", "１２３４５６", strings.Repeat("1", 65), "12 34 5x"} {
		b.Post("/-/login/email/code", "code", text).Want(422, "not right")
	}
	for range 5 {
		b.Post("/-/login/email/code", "code", wrong(code)).Want(422, "not right")
	}
	b.Post("/-/login/email/code", "code", code).Want(422, "not right")

	// Asking anew ends the earlier code and link.
	first, mail1 := ask(a, "ada@example.com")
	link1 := linkIn(a, "ada@example.com")
	second, mail2 := ask(a, "ada@example.com")
	first.Post("/-/login/email/code", "code", apptest.Code(mail1)).Want(422)
	first.Post("/-/login/email/link", "token", link1, "act", "confirm").Want(410)
	a.Clock.Advance(10 * time.Minute)
	second.Post("/-/login/email/code", "code", apptest.Code(mail2)).Want(422)
	link2 := linkIn(a, "ada@example.com")
	second.Get("/-/login/email?token=" + link2).Want(200) // five minutes more
	a.Clock.Advance(5 * time.Minute)
	second.Post("/-/login/email/link", "token", link2, "act", "confirm").Want(410)
}

func TestWrongCodesOfOneAddressAreBounded(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		a := apptest.New(t, behindProxy)
		a.Verified("ada@example.com")
		tries := 0
		for i := 0; tries < 100; i++ {
			b := a.Browser()
			b.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i)) // each its own address
			if p := b.Post("/-/login/email", "email", email); p.Status == 429 {
				a.Clock.Advance(10 * time.Minute)
				continue
			}
			refused := 0
			for range 5 {
				switch p := b.Post("/-/login/email/code", "code", "000000"); p.Status {
				case 422:
					tries++
				case 429:
					refused++
				default:
					t.Fatalf("%d %s", p.Status, p.Text())
				}
			}
			if refused > 0 {
				break
			}
		}
		if tries < 30 || tries > 36 { // thirty, and what an hour gives back
			t.Errorf("%s: %d tries", email, tries)
		}
	}
}

func behindProxy(c *config.Config, _ *app.Options) { c.TrustedProxies = apptest.Loopback }

// Attack 8: of many at once one gets in.
func TestAttack8ManyRedemptionsOfOneSignIn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	var asked struct {
		Token string `json:"login_token"`
	}
	a.Browser().PostJSON("/-/api/v1/login/email", map[string]string{"email": "ada@example.com"}).Want(202).JSON(&asked)
	a.RunJobs()
	code, link := apptest.Code(a.Mails("ada@example.com")[0]), linkIn(a, "ada@example.com")
	a.Forget()
	var mu sync.Mutex
	in := 0
	statuses := map[int]int{}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			var p apptest.Page
			if i%2 == 0 {
				p = a.Browser().Post("/-/login/email/link", "token", link, "act", "confirm")
			} else {
				p = a.Browser().PostJSON("/-/api/v1/login/email/code", map[string]string{"login_token": asked.Token, "code": code})
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[p.Status]++
			if p.Status == 200 {
				in++
			}
		})
	}
	all.Wait()
	if in != 1 {
		t.Errorf("%d got in: %v", in, statuses)
	}
	if n := a.Query(`SELECT count(*) FROM auth_session WHERE amr = 'mca'`); n != "1" {
		t.Errorf("%s sessions", n)
	}
}

func TestSignInByMailOfAProgram(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Verified("ada@example.com")
	a.Forget()
	known := a.Browser().PostJSON("/-/api/v1/login/email", map[string]string{"email": "ada@example.com"}).Want(202)
	var asked struct {
		Token   string `json:"login_token"`
		Expires int    `json:"expires_in"`
	}
	known.JSON(&asked)
	a.RunJobs()
	a.Forget()
	if known.Header.Get("Set-Cookie") != "" || asked.Expires != 600 {
		t.Errorf("%+v, cookies %q", asked, known.Header.Get("Set-Cookie"))
	}
	try := func(token, code string) apptest.Page {
		return a.Browser().PostJSON("/-/api/v1/login/email/code", map[string]string{"login_token": token, "code": code})
	}
	code := apptest.Code(a.Mails("ada@example.com")[0])
	try("", code).WantProblem(422, "invalid", "code")
	try(asked.Token, wrong(code)).WantProblem(422, "invalid", "code")
	var held apptest.Tokens
	try(asked.Token, code).Want(200).JSON(&held)
	a.Bearer(held.Access).Get("/-/api/v1/me").Want(200, "ada@example.com")
	try(asked.Token, code).WantProblem(422, "invalid", "code")
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
		Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
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

// Attack 6: no header of a request gets into a link.
func TestAttack6LinksUseTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, behindProxy)
	a.Verified("ada@example.com")
	b := a.Browser()
	for _, name := range []string{"X-Forwarded-Host", "X-Original-Host", "X-Host", "X-Forwarded-Server", "Forwarded"} {
		b.Header[http.CanonicalHeaderKey(name)] = []string{"evil.example"}
	}
	b.Post("/-/login/email", "email", "ada@example.com").Want(200)
	b.Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.RunJobs()
	mails := a.Mails("ada@example.com")[:2]
	for _, m := range mails {
		if strings.Contains(m.HTML+m.Text, "evil.example") || !strings.Contains(m.Text, a.URL+"/-/") {
			t.Errorf("the mail %s:\n%s", m.Subject, m.Text)
		}
	}
}

func TestNextOfAMailedSignInStaysHere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	for _, evil := range []string{"https://app.example.evil", "//evil.example", `/\evil.example`, "javascript:alert(1)", "https://app.example@evil.example", "/%5cevil.example", "/.//evil.example"} {
		b := a.Browser()
		p := b.Post("/-/login/email", "email", "ada@example.com", "next", evil).Want(200)
		if p.Path != "/-/login/email/code" {
			t.Errorf("%q leads to %s", evil, p.Path)
		}
		a.RunJobs()
		if p := b.Post("/-/login/email/code", "code", apptest.Code(a.Mails("ada@example.com")[0]), "next", evil).Want(200); p.Path != "/" {
			t.Errorf("%q leads to %s", evil, p.Path)
		}
		b, _ = ask(a, "ada@example.com")
		if p := b.Post("/-/login/email/link", "token", linkIn(a, "ada@example.com"), "act", "confirm").Want(200); p.Path != "/" {
			t.Errorf("a link leads to %s", p.Path)
		}
	}
	b := a.Browser()
	b.Post("/-/login/email", "email", "ada@example.com", "next", "/-/account/sessions").Want(200)
	a.RunJobs()
	if p := b.Post("/-/login/email/link", "token", linkIn(a, "ada@example.com"), "act", "confirm").Want(200); p.Path != "/-/account/sessions" {
		t.Errorf("the link leads to %s", p.Path)
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
