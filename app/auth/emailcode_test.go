package auth_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

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
