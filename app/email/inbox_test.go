package email_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/store"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Get("/-/dev/inbox").Want(200, "Inbox")
	a.SignUp("ada@example.com")
	a.RunJobs()
	m := a.Mails("ada@example.com")[0]
	if m.From != `"Acme" <hello@acme.example>` || m.To != "ada@example.com" || len(m.Links) < 1 || !m.At.Equal(apptest.Epoch) {
		t.Errorf("mail: %+v", m)
	}
	for _, want := range []string{"Ada Lovelace", "/-/verify?token="} {
		if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
			t.Errorf("%q is not in both parts", want)
		}
	}
	path := "/-/dev/inbox/" + m.ID
	b.Get("/-/dev/inbox").Want(200, m.Subject)
	b.Get(path).Want(200, `src="/-/dev/inbox/`+m.ID+`/html?scheme=light"`)
	b.Get(path+"?view=text").Want(200, "Hello Ada Lovelace")
	b.Get(path+"?view=source").Want(200, "Content-Type: multipart/alternative", "Auto-Submitted: auto-generated")
	b.Get(path+"?view=headers").Want(200, "Message-ID")
	b.Get(path+"?view=links").Want(200, "/-/verify?token=")
	html := b.Get(path+"/html").Want(200, "Verify your address", `<base target="_top">`)
	if csp := html.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "sandbox") ||
		html.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
		t.Errorf("headers of a mail: %v", html.Header)
	}
	b.Get("/-/dev/inbox/inb_nothing").Want(404)
	b.Get("/-/dev/inbox?q=nobody%25").Want(200).Without(m.Subject)
	b.Post("/-/dev/inbox/clear").Want(200)
	if len(a.Mails("")) != 0 {
		t.Error("the inbox is not empty after Clear")
	}
}

func TestInboxIsForThisMachine(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.TrustedProxies = apptest.Loopback })
	b := a.Browser()
	b.Get("/-/dev/inbox").Want(200)
	b.Header.Set("X-Forwarded-For", "203.0.113.9")
	b.Get("/-/dev/inbox").Want(404)
}

func TestSecretsOfAMailAreWipedOnceItHasLeft(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	if a.Query("SELECT vars IS NOT NULL FROM email_message") != "1" {
		t.Fatal("a waiting mail has no variables")
	}
	a.RunJobs()
	if got := a.Query("SELECT status || ' ' || provider || ' ' || (vars IS NULL) FROM email_message"); got != "sent inbox 1" {
		t.Errorf("after sending: %s", got)
	}
}

func TestMailThatComesTooLateIsNotSent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	a.Forget()
	a.Clock.Advance(25 * time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.failed"}, Ran: []string{"email.deliver completed"}})
	if got := a.Query("SELECT status || ' ' || (vars IS NULL) FROM email_message"); got != "expired 1" {
		t.Errorf("status: %s", got)
	}
}

func TestSendFailsAtOnceForWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	vars := map[string]string{"Name": "Ada", "URL": "https://example.com"}
	for name, m := range map[string]email.Message{
		"no such template":   {To: "a@b.example", Template: "auth/nothing", Vars: vars},
		"missing variable":   {To: "a@b.example", Template: "auth/verify", Vars: map[string]string{"Name": "Ada"}},
		"no address":         {To: "nobody", Template: "auth/verify", Vars: vars},
		"header in address":  {To: "a@b.example\r\nBcc: c@d.example", Template: "auth/verify", Vars: vars},
		"header in the name": {To: "A\r\nBcc: c@d.example <a@b.example>", Template: "auth/verify", Vars: vars},
	} {
		err := a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := a.Email.Send(tx, m); return err })
		if err == nil {
			t.Errorf("%s is taken", name)
		}
		if name == "missing variable" && !strings.Contains(err.Error(), "URL") {
			t.Errorf("the error does not name it: %v", err)
		}
	}
	a.ExpectNothing()
}
