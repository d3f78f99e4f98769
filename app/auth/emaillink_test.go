package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

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
