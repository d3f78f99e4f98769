package auth_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"seaworthy/app/apptest"
)

var newPerson = map[string]int{"auth_user": 1, "auth_email": 1, "auth_org": 1, "auth_membership": 1, "auth_role_binding": 1,
	"auth_session": 1, "auth_device": 1, "auth_one_time": 1}

const verifySubject = "Verify your address for Acme"

func TestSignUpToVerified(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Get("/-/signup").Want(200, "Sign up")
	a.ExpectNothing()

	b.Post("/-/signup", "name", "Ada Lovelace", "email", "Ada@Example.com", "password", apptest.Password).
		Want(200, "Check your mail", "A…@Example.com")
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up"}, Jobs: []string{"email.deliver"}, Rows: newPerson})

	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"},
		Mails: []string{"Ada@Example.com: " + verifySubject}})

	link := a.Link("ada@example.com", "/-/verify")
	b.Get(link).Want(200, "Ada@Example.com")
	b.Get(link).Want(200, "Ada@Example.com") // a scanner that opens links changes nothing
	a.ExpectNothing()

	b.Post("/-/verify", "token", apptest.Token(link), "act", "confirm").Want(200, "Your address is verified")
	a.Expect(apptest.Happened{Audit: []string{"email.verified"}})
	b.Post("/-/verify", "token", apptest.Token(link), "act", "confirm").Want(410)
	b.Get(link).Want(410)
	a.ExpectNothing()

	b.Get("/-/account").Want(200, "Ada Lovelace", "Ada@Example.com")
	b.Get("/-/account/sessions").Want(200, "Firefox on Linux", "This device")
	var me struct {
		User struct {
			Email    string `json:"email"`
			Verified bool   `json:"email_verified"`
		} `json:"user"`
		Permissions []string `json:"permissions"`
	}
	b.Get("/-/api/v1/me").Want(200).JSON(&me)
	if me.User.Email != "Ada@Example.com" || !me.User.Verified || strings.Join(me.Permissions, " ") != "billing:* org:*" {
		t.Errorf("me: %+v", me)
	}
}

func TestAuditEventOfASignUpSaysWhoAndWhere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	e := a.Events(1)[0]
	user := a.Query("SELECT id FROM auth_user")
	if e.Action != "user.signed_up" || e.Actor.ID != user || e.Targets[0].ID != user || e.RequestID == "" ||
		e.Personal["ip"] != "127.0.0.1" || e.Personal["user_agent"] != apptest.UserAgent || e.Personal["email"] != "ada@example.com" {
		t.Errorf("event: %+v", e)
	}
	for _, personal := range []string{"ada@example.com", "127.0.0.1", "Firefox"} {
		if strings.Contains(string(e.Body), personal) {
			t.Errorf("the body, which cannot be erased, has %q", personal)
		}
	}
}

// One request can be followed through the jobs it caused.
func TestEventsOfAJobPointBackToTheRequest(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	a.RunJobs()
	events := a.Events(2)
	if sent, up := events[0], events[1]; sent.Action != "email.sent" || sent.RequestID == "" || sent.RequestID != up.RequestID ||
		sent.Actor.String() != "system:email.deliver" {
		t.Errorf("sent %+v, signed up %+v", sent, up)
	}
	// Through a job that a job enqueued, too.
	a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200)
	asked := a.Events(1)[0]
	a.RunJobs()
	if sent := a.Events(1)[0]; sent.Action != "email.sent" || sent.RequestID != asked.RequestID {
		t.Errorf("sent %+v, asked %+v", sent, asked)
	}
}

func TestSignUpNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Browser()
	for name, c := range map[string]struct {
		body   map[string]any
		fields string
	}{
		"empty":             {map[string]any{}, "name,email,password"},
		"short password":    {map[string]any{"name": "A", "email": "a@b.example", "password": "short"}, "password"},
		"long password":     {map[string]any{"name": "A", "email": "a@b.example", "password": strings.Repeat("x", 100) + strings.Repeat("y", 200)}, "password"},
		"one character":     {map[string]any{"name": "A", "email": "a@b.example", "password": "aaaaaaaaaaaaaaa"}, "password"},
		"password is email": {map[string]any{"name": "A", "email": "ada@example.com", "password": "ADA@example.com"}, "password"},
		"no address":        {map[string]any{"name": "A", "email": "nobody", "password": apptest.Password}, "email"},
		"display name":      {map[string]any{"name": "A", "email": "A <a@b.example>", "password": apptest.Password}, "email"},
		"zero width":        {map[string]any{"name": "A", "email": "a\u200b@b.example", "password": apptest.Password}, "email"},
		"wide at":           {map[string]any{"name": "A", "email": "a＠b.example@c.example", "password": apptest.Password}, "email"},
		"two addresses":     {map[string]any{"name": "A", "email": "a@b.example,c@d.example", "password": apptest.Password}, "email"},
		"line break":        {map[string]any{"name": "A", "email": "a@b.example\r\nBcc: c@d.example", "password": apptest.Password}, "email"},
		"control in name":   {map[string]any{"name": "A\u0007", "email": "a@b.example", "password": apptest.Password}, "name"},
		"link in name":      {map[string]any{"name": "Win at HTTP://evil.example", "email": "a@b.example", "password": apptest.Password}, "name"},
		"long name":         {map[string]any{"name": strings.Repeat("n", 101), "email": "a@b.example", "password": apptest.Password}, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			b.PostJSON("/-/api/v1/signup", c.body).WantProblem(422, "invalid", strings.Split(c.fields, ",")...)
		})
	}
	page := b.Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", "short").Want(422, "At least 12 characters", `value="ada@example.com"`)
	page.Without(`value="short"`)
	a.ExpectNothing()
}

func TestTakenAddressIsNotTold(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	owner := a.Verified("ada@example.com")
	a.Forget()

	fresh := a.SignUp("new@example.com")
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up"}, Jobs: []string{"email.deliver"}, Rows: newPerson})
	stranger := a.Browser()
	taken := stranger.Post("/-/signup", "name", "Mallory", "email", "ada@example.com", "password", "another long password").Want(200, "Check your mail")
	rows := map[string]int{}
	for k, v := range newPerson {
		rows[k] = v
	}
	delete(rows, "auth_one_time") // nothing that could verify it
	a.Expect(apptest.Happened{Audit: []string{"user.signed_up"}, Jobs: []string{"email.deliver"}, Rows: rows})

	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent", "email.sent"}, Ran: []string{"email.deliver completed", "email.deliver completed"},
		Mails: []string{"new@example.com: " + verifySubject, "ada@example.com: You already have an account at Acme"}})
	if taken.Header.Get("Set-Cookie") == "" || fresh.Cookie("seaworthy_session") == "" {
		t.Error("one answer has a session and the other none")
	}
	// The stranger's own password works for the stranger's account, as it would for a free address.
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "another long password").Want(200)
	owner.Get("/-/account").Want(200, "Ada Lovelace")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200).Without("Mallory")
}

func TestOwnerOfTheMailboxWins(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	attacker := a.SignUp("victim@example.com")
	victim := a.Browser()
	victim.Post("/-/signup", "name", "Victim", "email", "victim@example.com", "password", "a password of my own").Want(200)
	a.RunJobs()
	link := a.Link("victim@example.com", "/-/verify")
	a.Forget()
	victim.Post("/-/verify", "token", apptest.Token(link), "act", "confirm").Want(200, "Your address is verified")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.superseded", "email.verified"}})
	attacker.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	a.Browser().Post("/-/login", "email", "victim@example.com", "password", apptest.Password).Want(401)
	victim.Get("/-/account").Want(200, "Victim")
}

func TestThisWasNotMe(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	attacker := a.SignUp("victim@example.com")
	a.RunJobs()
	link := a.Link("victim@example.com", "/-/verify")
	a.Forget()
	victim := a.Browser()
	victim.Get(link).Want(200, "Ada Lovelace", "Firefox on Linux", "This was not me")
	victim.Post("/-/verify", "token", apptest.Token(link), "act", "deny").Want(200, "The account was closed")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "user.disowned"}})
	attacker.Get("/-/api/v1/me").WantProblem(401, "signed_out")
	attacker.Post("/-/verify", "token", apptest.Token(link), "act", "confirm").Want(410)
}

func TestManyRedemptionsOfOneLink(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	a.RunJobs()
	token := apptest.Token(a.Link("ada@example.com", "/-/verify"))
	a.Forget()
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			p := a.Browser().Post("/-/verify", "token", token, "act", "confirm")
			mu.Lock()
			defer mu.Unlock()
			statuses[p.Status]++
		})
	}
	all.Wait()
	if statuses[200] != 1 || statuses[410] != 49 {
		t.Errorf("statuses: %v", statuses)
	}
	a.Expect(apptest.Happened{Audit: []string{"email.verified"}})
}

func TestResendVoidsTheEarlierLink(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.SignUp("ada@example.com")
	a.RunJobs()
	first := apptest.Token(a.Link("ada@example.com", "/-/verify"))
	a.Forget()
	b.Post("/-/verify/resend").Want(200, "Check your mail")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.verification_requested", "email.sent"}, Jobs: []string{"email.deliver"},
		Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: " + verifySubject}, Rows: map[string]int{"auth_one_time": 1}})
	b.Post("/-/verify", "token", first, "act", "confirm").Want(410)
	b.Post("/-/verify", "token", apptest.Token(a.Link("ada@example.com", "/-/verify")), "act", "confirm").Want(200)
	a.Browser().Post("/-/verify/resend").Want(401)
}

func TestLinksUseTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Header.Set("X-Forwarded-Host", "evil.example")
	b.Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", apptest.Password).Want(200)
	a.RunJobs()
	for _, l := range a.Mails("")[0].Links {
		if !strings.HasPrefix(l, a.URL) {
			t.Errorf("a link leads to %s", l)
		}
	}
}

func TestNoSecretLiesInTheDatabase(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.SignUp("ada@example.com")
	a.Must(a.DB.Checkpoint(t.Context()))
	var files []byte
	for _, suffix := range []string{"", "-wal"} {
		part, err := os.ReadFile(a.DB.Path() + suffix)
		a.Must(err)
		files = append(files, part...)
	}
	for name, secret := range map[string]string{"password": apptest.Password, "session": b.Cookie("seaworthy_session"),
		"device": b.Cookie("seaworthy_device"), "link": "/-/verify?token="} {
		if secret == "" || strings.Contains(string(files), secret) {
			t.Errorf("the %s lies readable in the database", name)
		}
	}
	if !strings.Contains(string(files), "ada@example.com") {
		t.Error("the files were not read")
	}
	if strings.Contains(a.Logs(), b.Cookie("seaworthy_session")) {
		t.Error("the session is in the log")
	}
}
