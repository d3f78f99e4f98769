package auth_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// link is the path of the newest link in the mails to an address.
func link(a *apptest.App, to, part string) string { a.T.Helper(); return a.Link(to, part) }

// changed has somebody's address changed, and returns where the change can be undone.
func changed(a *apptest.App, b *apptest.Browser, from, to string) (undo string) {
	a.T.Helper()
	b.Post("/-/account/email", "email", to).Want(200, "Check your mail")
	a.RunJobs()
	b.Post("/-/account/email/confirm", "token", apptest.Token(link(a, to, "/email/confirm")), "act", "confirm").Want(200, "Your address is changed")
	a.RunJobs()
	return link(a, from, "/email/undo")
}

func TestNameIsChanged(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	b.Post("/-/account/profile", "name", "Ada King").Want(200, "Your name was saved", `value="Ada King"`, "Member since 22 Nov 2026")
	a.Expect(apptest.Happened{Audit: []string{"user.updated"}})
	org := a.PersonalOrg("ada@example.com")
	if name := a.Query(`SELECT name FROM auth_org WHERE id = ?`, org); name != "Ada King" {
		t.Errorf("the personal org is called %s", name)
	}
	// One that was called something else keeps its name.
	write(a, `UPDATE auth_org SET name = 'Engines' WHERE id = ?`, org)
	var me struct{ User struct{ Name, Email string } }
	b.Do("PATCH", "/-/api/v1/me", "application/json", `{"name":" Countess "}`).Want(200).JSON(&me)
	b.Get("/-/api/v1/me").Want(200).JSON(&me)
	if name := a.Query(`SELECT name FROM auth_org WHERE id = ?`, org); name != "Engines" || me.User.Name != "Countess" {
		t.Errorf("the personal org is called %s, its person %s", name, me.User.Name)
	}
	a.Forget()
	b.Post("/-/account/profile", "name", "www.evil.example").Want(422, "cannot contain a web address", `value="www.evil.example"`)
	b.Do("PATCH", "/-/api/v1/me", "application/json", `{"name":""}`).WantProblem(422, "invalid", "name")
	a.Key("*").Do("PATCH", "/-/api/v1/me", "application/json", `{"name":"Key"}`).WantProblem(403, "person_only")
	a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
}

func TestAttack24VerifiedIsNotForTheUserToSay(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.SignUp("victim@example.com")
	a.Forget()
	for field, body := range map[string]string{
		"email_verified": `{"name":"A","email_verified":true}`, "verified_at": `{"verified_at":1}`, "email": `{"email":"other@example.com"}`,
		"status": `{"status":"active"}`, "id": `{"id":"usr_x"}`, "Name": `{"Name":"A"}`,
	} {
		b.Do("PATCH", "/-/api/v1/me", "application/json", body).WantProblem(400, "bad_field", field)
	}
	b.Post("/-/account/profile", "name", "A", "email_verified", "true").Want(400)
	a.ExpectNothing()
	if n := a.Query(`SELECT count(*) FROM auth_email WHERE verified_at IS NOT NULL`); n != "0" {
		t.Error("verified by saying so")
	}
}

func TestAddressIsChangedByItsLink(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	held := a.SignInProgram("ada@example.com")
	a.RunJobs()
	a.Forget()
	b.Post("/-/account/email", "email", "Ada@New.example").Want(200, "Check your mail", "A…@New.example")
	a.Expect(apptest.Happened{Audit: []string{"email.change_requested"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	a.RunJobs()
	b.Get("/-/account").Want(200, "We sent a link to", "Ada@New.example", "Keep the old address", "ada@example.com")
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}, Mails: []string{"Ada@New.example: Confirm your new address for Acme"}})

	// Asked again, the earlier link is dead; looking at the new one changes nothing.
	first := link(a, "Ada@New.example", "/email/confirm")
	b.Post("/-/account/email/resend").Want(200, "Check your mail")
	a.RunJobs()
	to := link(a, "Ada@New.example", "/email/confirm")
	a.Browser().Get(first).Want(410)
	a.Forget()
	a.Browser().Get(to).Want(200, "Somebody wants to use", "Ada Lovelace", "Firefox on Linux")
	b.Get(to).Want(200, "From then on you sign in with")
	a.ExpectNothing()
	token := apptest.Token(to)
	b.Post("/-/account/email/confirm", "token", token, "act", "confirm").Want(200, "Your address is changed")
	a.Expect(apptest.Happened{Audit: []string{"email.changed"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: Your address for Acme was changed"}})
	a.Browser().Post("/-/account/email/confirm", "token", token, "act", "confirm").Want(410)

	// The session goes on, and whoever asks sees the new address at once.
	for _, who := range []*apptest.Browser{b, a.Bearer(held.Access)} {
		who.Get("/-/api/v1/me").Want(200, `"email":"Ada@New.example"`, `"email_verified":true`)
	}
	a.Key("auth:introspect").Post("/-/oauth2/introspect", "token", held.Access).Want(200, `"username":"Ada@New.example"`)
	b.Get("/-/account").Want(200, "Verified").Without("We sent a link")
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(401)
	a.Browser().Post("/-/login", "email", "ada@new.EXAMPLE", "password", apptest.Password).Want(200)
}

func TestChangeOfAddressIsGivenUp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	ask := func(to string) string {
		b.PostJSON("/-/api/v1/me/email", map[string]string{"email": to}).Want(202, `"pending_email":"`+to+`"`)
		a.RunJobs()
		a.Forget()
		return apptest.Token(link(a, to, "/email/confirm"))
	}
	dead := func(token string) {
		t.Helper()
		a.Browser().Post("/-/account/email/confirm", "token", token, "act", "confirm").Want(410)
	}
	// By the person, on the page and by the API.
	token := ask("one@example.com")
	b.Post("/-/account/email/cancel").Want(200, "Your address stays as it is").Without("one@example.com")
	a.Expect(apptest.Happened{Audit: []string{"email.change_cancelled"}})
	dead(token)
	b.Do("DELETE", "/-/api/v1/me/email", "", "").Want(204) // nothing is left to give up
	b.Post("/-/account/email/resend").Want(200, "Your account")
	a.ExpectNothing()
	token = ask("two@example.com")
	b.Do("DELETE", "/-/api/v1/me/email", "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"email.change_cancelled"}})
	dead(token)
	// By whoever owns the new address.
	token = ask("three@example.com")
	a.Browser().Post("/-/account/email/confirm", "token", token, "act", "deny").Want(200, "Your address is not used")
	a.Expect(apptest.Happened{Audit: []string{"email.change_cancelled"}})
	dead(token)
	// By time, and by another change.
	token = ask("four@example.com")
	a.Clock.Advance(24 * time.Hour)
	dead(token)
	b.Get("/-/account").Want(200).Without("four@example.com")
	b.Post("/-/confirm", "password", apptest.Password).Want(200)
	token = ask("five@example.com")
	ask("six@example.com")
	dead(token)
	b.Post("/-/account/email/confirm", "token", token, "act", "maybe").Want(400)
}

func TestNewAddressIsOneThatCanBe(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	// Attack 19 and 20: forms of one address are one address, and what hides is none.
	for _, same := range []string{"ADA@example.com", "ada@EXAMPLE.com", " ada@example.com "} {
		b.Post("/-/account/email", "email", same).Want(422, "This is your address already")
	}
	for _, bad := range []string{"", "ada", "ada@", "ada＠example.com", "ada\u200b@new.example", "Ada <ada@new.example>", "ada@new.example\r\nBcc: x@example.com", strings.Repeat("a", 250) + "@new.example"} {
		b.PostJSON("/-/api/v1/me/email", map[string]string{"email": bad}).WantProblem(422, "invalid", "email")
	}
	a.ExpectNothing()
}

func TestAttack16NoChangeOfAddressOnAStaleSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Clock.Advance(16 * time.Minute)
	a.Forget()
	b.Get("/-/account").Want(200, "/-/confirm?next=/-/account").Without("New email address")
	b.Post("/-/account/email", "email", "thief@example.com").Want(200, "Confirm who you are")
	b.PostJSON("/-/api/v1/me/email", map[string]string{"email": "thief@example.com"}).WantProblem(401, "confirm_first")
	b.Post("/-/account/delete", "confirm", "ada@example.com").Want(200, "Confirm who you are")
	b.Do("DELETE", "/-/api/v1/me", "", "").WantProblem(401, "confirm_first")
	b.Post("/-/account/export").Want(200, "Confirm who you are")
	b.PostJSON("/-/api/v1/me/exports", nil).WantProblem(401, "confirm_first")
	a.Key("*").PostJSON("/-/api/v1/me/email", map[string]string{"email": "thief@example.com"}).WantProblem(403, "person_only")
	a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	b.Post("/-/confirm", "password", apptest.Password).Want(200)
	b.Post("/-/account/email", "email", "mine@example.com").Want(200, "Check your mail")
}

// Attack 6: the links lead to where this is, whatever the request says.
func TestAttack6LinksOfAChangeUseTheConfiguredOrigin(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	b.Header.Set("X-Forwarded-Host", "evil.example")
	b.Header.Set("Forwarded", "host=evil.example")
	changed(a, b, "ada@example.com", "ada@new.example")
	for _, m := range a.Mails("") {
		if strings.Contains(m.Text+m.HTML, "evil.example") {
			t.Errorf("%s leads elsewhere:\n%s", m.Subject, m.Text)
		}
	}
}

// Whether an address is known is told to its owner alone.
func TestAddressOfAnotherIsNotTold(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("bea@example.com")
	b := a.Verified("ada@example.com")
	answer := func(to string) (string, string, string) {
		a.Forget()
		page := b.Post("/-/account/email", "email", to).Want(200)
		a.Expect(apptest.Happened{Audit: []string{"email.change_requested"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
		account := b.Get("/-/account").Want(200)
		api := b.PostJSON("/-/api/v1/me/email", map[string]string{"email": to}).Want(202)
		fix := strings.NewReplacer(to, "X", to[:1]+"…@example.com", "X").Replace
		return fix(page.Body), fix(account.Body), fix(api.Body)
	}
	page1, account1, api1 := answer("bea@example.com")
	page2, account2, api2 := answer("zoe@example.com")
	if page1 != page2 || account1 != account2 || api1 != api2 {
		t.Error("the answers differ")
	}
	a.RunJobs()
	if m := a.Mails("bea@example.com")[0]; m.Subject != "Your address was asked for at Acme" || strings.Contains(m.Text, "token=") {
		t.Errorf("the owner got %s:\n%s", m.Subject, m.Text)
	}
}

func TestOfTwoWhoWantAnAddressOneWins(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	claim := a.SignUp("new@example.com") // who never verifies it
	a.RunJobs()
	var tokens []string
	for _, who := range []string{"ada@example.com", "bea@example.com"} {
		b := a.Verified(who)
		b.Post("/-/account/email", "email", "new@example.com").Want(200)
		a.RunJobs()
		tokens = append(tokens, apptest.Token(link(a, "new@example.com", "/email/confirm")))
	}
	status := make(chan int, 2*len(tokens))
	var all sync.WaitGroup
	for range 2 { // and each link twice
		for _, token := range tokens {
			all.Go(func() {
				status <- a.Browser().Post("/-/account/email/confirm", "token", token, "act", "confirm").Status
			})
		}
	}
	all.Wait()
	close(status)
	n := map[int]int{}
	for s := range status {
		n[s]++
	}
	if n[200] != 1 || n[409] != 2 || n[410] != 1 {
		t.Errorf("answers: %v", n)
	}
	if holders := a.Query(`SELECT count(*) FROM auth_email WHERE email_norm = 'new@example.com' AND verified_at IS NOT NULL`); holders != "1" {
		t.Errorf("%s have the address", holders)
	}
	signedOut(t, claim) // the claim ended with the proof of another
}

// What was sent to the old address is worth nothing once it is not the user's.
func TestChangeVoidsWhatWasSentToTheOldAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.SignUp("ada@example.com")
	a.RunJobs()
	verify := apptest.Token(link(a, "ada@example.com", "/-/verify"))
	a.Browser().Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.RunJobs()
	reset := link(a, "ada@example.com", "/-/reset")
	b.Post("/-/account/email", "email", "ada@new.example").Want(200)
	a.RunJobs()
	a.Forget()
	b.Post("/-/account/email/confirm", "token", apptest.Token(link(a, "ada@new.example", "/email/confirm")), "act", "confirm").Want(200)
	// The old address was never verified: nothing goes there that could take the account.
	a.Expect(apptest.Happened{Audit: []string{"email.changed"}})
	a.Browser().Get(reset).Want(410)
	a.Browser().Post("/-/reset", "token", apptest.Token(reset), "password", "a brand new password").Want(410)
	a.Browser().Post("/-/verify", "token", verify, "act", "confirm").Want(410)
	a.Browser().Post("/-/verify", "token", verify, "act", "deny").Want(410)
	b.Get("/-/api/v1/me").Want(200, "ada@new.example", `"email_verified":true`)
}

func TestAddressIsNotTouchedWhileImpersonating(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	b.Post("/-/account/email", "email", "ada@new.example").Want(200)
	b = a.Operator("grace@example.com")
	actAs(b, a.UserID("ada@example.com")).Want(200)
	a.RunJobs()
	a.Forget()
	for _, path := range []string{"/-/account/email", "/-/account/email/resend", "/-/account/email/cancel", "/-/account/delete", "/-/account/export"} {
		b.Post(path).Want(403)
	}
	a.ExpectNothing()
}
