package auth_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
)

func TestChangeOfAddressIsUndone(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	thief := a.Verified("ada@example.com") // somebody at Ada's browser
	undo := changed(a, thief, "ada@example.com", "thief@example.com")
	a.Clock.Advance(time.Minute)
	again := changed(a, thief, "thief@example.com", "thief2@example.com")
	held := a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": "thief2@example.com", "password": apptest.Password}).Want(200)
	var tokens apptest.Tokens
	held.JSON(&tokens)
	// The thief undoes the second change; the link of the first goes on working.
	thief.Post("/-/account/email/undo", "token", apptest.Token(again)).Want(200, "Choose a new password")
	a.RunJobs()
	a.Clock.Advance(7*24*time.Hour - time.Minute - time.Second)
	a.Forget()

	ada := a.Browser()
	ada.Get(undo).Want(200, "Undo the change of address", "ada@example.com", "t…@example.com")
	a.ExpectNothing()
	p := ada.Post("/-/account/email/undo", "token", apptest.Token(undo)).Want(200, "Choose a new password", "ada@example.com")
	a.Expect(apptest.Happened{Audit: []string{"email.change_undone"}, Jobs: []string{"email.deliver", "email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	signedOut(t, thief, a.Bearer(tokens.Access))
	for _, email := range []string{"ada@example.com", "thief@example.com", "thief2@example.com"} {
		a.Browser().Post("/-/login", "email", email, "password", apptest.Password).Want(401)
	}
	ada.Post("/-/reset", "token", apptest.Token(p.Path), "password", "a brand new password").Want(200)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "a brand new password").Want(200)
	ada.Post("/-/account/email/undo", "token", apptest.Token(undo)).Want(410)
	a.RunJobs()
	if m := a.Mails("thief@example.com")[0]; m.Subject != "The change of your address for Acme was undone" {
		t.Errorf("the other address was told %q", m.Subject)
	}
}

func TestUndoEndsAndKnowsItsLimits(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	undo := changed(a, b, "ada@example.com", "ada@new.example")
	a.Clock.Advance(7 * 24 * time.Hour)
	a.Browser().Get(undo).Want(410)
	a.Browser().Post("/-/account/email/undo", "token", apptest.Token(undo)).Want(410)

	// An address that has another owner by now does not come back.
	c := a.Verified("cyd@example.com")
	undo = changed(a, c, "cyd@example.com", "cyd@new.example")
	a.Verified("cyd@example.com")
	a.Forget()
	a.Browser().Post("/-/account/email/undo", "token", apptest.Token(undo)).Want(409)
	a.ExpectNothing()
	c.Get("/-/api/v1/me").Want(200, "cyd@new.example")

	// A thief who has the account deleted, too, gets neither.
	d := a.Verified("dee@example.com")
	undo = changed(a, d, "dee@example.com", "thief@example.com")
	d.Post("/-/account/delete", "confirm", "thief@example.com").Want(200, "Your account will be deleted")
	p := a.Browser().Post("/-/account/email/undo", "token", apptest.Token(undo)).Want(200, "Choose a new password")
	a.Browser().Post("/-/reset", "token", apptest.Token(p.Path), "password", "a brand new password").Want(200)
	a.Browser().Post("/-/login", "email", "dee@example.com", "password", "a brand new password").Want(200)
	a.Clock.Advance(15 * 24 * time.Hour)
	a.RunJobs()
	a.Browser().Post("/-/login", "email", "dee@example.com", "password", "a brand new password").Want(200)
}

// undo has a change of address undone by whoever owns the earlier address, who then
// chooses a new password.
func undo(a *apptest.App, link string) {
	a.T.Helper()
	p := a.Browser().Post("/-/account/email/undo", "token", apptest.Token(link)).Want(200, "Choose a new password")
	a.Browser().Post("/-/reset", "token", apptest.Token(p.Path), "password", newPassword).Want(200)
}

// robbed is an account whose owner set it up days ago, and in which somebody else
// has changed the address.
func robbed(t *testing.T) (a *apptest.App, thief *apptest.Browser, link string) {
	t.Helper()
	a = apptest.New(t, apptest.WithoutLimits)
	a.Verified(adaMail)
	a.RunJobs()
	a.Clock.Advance(48 * time.Hour)
	thief = signIn(a, adaMail, phone)
	link = changed(a, thief, adaMail, "thief@example.com")
	return a, thief, link
}

// undoneDetails are what the event of an undoing says was taken out.
func undoneDetails(a *apptest.App) map[string]any {
	a.T.Helper()
	for _, e := range a.Events(20) {
		if e.Action == "email.change_undone" {
			return e.Details
		}
	}
	a.T.Fatal("nothing was undone")
	return nil
}

func TestUndoTakesOutSecondFactors(t *testing.T) {
	t.Parallel()
	a, thief, link := robbed(t)
	_, codes := a.SetUpTOTP(thief)
	waiting := first(a, "thief@example.com") // waits for its second step
	a.RunJobs()
	a.Forget()
	p := a.Browser().Post("/-/account/email/undo", "token", apptest.Token(link)).Want(200, "Choose a new password")
	a.Expect(apptest.Happened{Audit: []string{"factor.removed", "session.revoked", "session.revoked", "email.change_undone"}, Jobs: []string{"email.deliver", "email.deliver"},
		Rows: map[string]int{"auth_factor": -1, "auth_device": -1, "auth_one_time": 1}})
	if d := undoneDetails(a); d["factors"] == nil || d["recovery_codes"] == nil || d["devices"] == nil {
		t.Errorf("the event says %v", d)
	}
	a.RunJobs()
	if m := a.Mails(adaMail)[0]; m.Subject != "Your address for Acme is back" || !strings.Contains(strings.Join(strings.Fields(m.Text), " "), "1 second step, 10 recovery codes, 1 known device") {
		t.Errorf("%s:\n%s", m.Subject, m.Text)
	}
	a.Browser().Post("/-/reset", "token", apptest.Token(p.Path), "password", newPassword).Want(200)
	ada := a.Browser()
	ada.Post("/-/login", "email", adaMail, "password", newPassword, "next", "/-/account/security").Want(200, "Two-step sign-in", "Set up an authenticator app").Without("left")
	waiting.Post("/-/login/mfa", "method", "recovery", "code", codes[0])
	signedOut(t, thief, waiting)
}

// What the owner had set up days before stays: the link alone is no way past it.
func TestUndoLeavesTheOwnersSecondFactor(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	seed, codes := a.SetUpTOTP(b)
	a.RunJobs()
	a.Clock.Advance(48 * time.Hour)
	thief := first(a, adaMail)
	thief.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200)
	a.Clock.Advance(time.Minute)
	a.SetUpTOTP(thief) // within the day before the change
	link := changed(a, thief, adaMail, "thief@example.com")
	undo(a, link)
	if n := a.Count("auth_factor"); n != 1 {
		t.Errorf("%d factors", n)
	}
	a.Clock.Advance(time.Minute)
	again := a.Browser()
	again.Post("/-/login", "email", adaMail, "password", newPassword).Want(200, "Second step")
	again.Post("/-/login/mfa", "method", "recovery", "code", codes[3], "next", "/-/account/security").Want(200, "9 of 10 left")
}

// Whoever makes new recovery codes has them taken away, the factor they stand in
// for apart.
func TestUndoTakesOutRecoveryCodes(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	seed, _ := a.SetUpTOTP(b)
	a.RunJobs()
	a.Clock.Advance(48 * time.Hour)
	thief := first(a, adaMail)
	thief.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200)
	link := changed(a, thief, adaMail, "thief@example.com")
	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	thief.PostJSON("/-/api/v1/recovery-codes", nil).Want(200).JSON(&made)
	undo(a, link)
	if d := undoneDetails(a); d["factors"] != nil || d["recovery_codes"] == nil {
		t.Errorf("the event says %v", d)
	}
	again := a.Browser()
	again.Post("/-/login", "email", adaMail, "password", newPassword).Want(200, "Second step")
	again.Post("/-/login/mfa", "method", "recovery", "code", made.Codes[0]).Want(422)
	again.Post("/-/login/mfa", "method", "totp", "code", a.TOTPAt(seed, 1), "next", "/-/account").Want(200, adaMail)
}

func TestUndoUnlinksIdentities(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(alan.Email)
	mine := standin.Person{Sub: "9", Name: "Alan", Email: "alan@home.example", Verified: true}
	b.Get(back(t, a, a.StandIn, leave(t, b, "/-/account/security/identities/standin/link"), mine)).Want(200, "It is linked")
	a.Clock.Advance(48 * time.Hour)
	thief := signIn(a, alan.Email, phone)
	b.Get(back(t, a, a.StandIn, leave(t, thief, "/-/account/security/identities/standin/link"), grace))
	thief.Get(back(t, a, a.StandIn, leave(t, thief, "/-/account/security/identities/standin/link"), grace)).Want(200, "It is linked")
	link := changed(a, thief, alan.Email, "thief@example.com")
	waiting := back(t, a, a.StandIn, leave(t, thief, "/-/account/security/identities/standin/link"), standin.Person{Sub: "77"})
	undo(a, link)
	if d := undoneDetails(a); d["identities"] == nil || a.Count("auth_identity") != 1 {
		t.Errorf("the event says %v", d)
	}
	other := a.Browser()
	with(t, a, other, grace)
	if p := other.Get("/-/api/v1/me"); strings.Contains(p.Body, alan.Email) {
		t.Error("what was linked in the meantime opens the account")
	}
	thief.Get(waiting).Want(400)
	own := a.Browser()
	with(t, a, own, mine).Want(200)
	own.Get("/-/account").Want(200, alan.Email)
}

func TestUndoForgetsDevices(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	seed, _ := a.SetUpTOTP(b)
	a.RunJobs()
	a.Clock.Advance(48 * time.Hour)
	thief := first(a, adaMail)
	thief.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200)
	link := changed(a, thief, adaMail, "thief@example.com")
	undo(a, link)
	a.RunJobs()
	a.Forget()
	// Even with the new password it is asked for the second step, and is a new device.
	thief.Post("/-/login", "email", adaMail, "password", newPassword).Want(200, "Second step")
	thief.Post("/-/login/mfa", "method", "totp", "code", a.TOTPAt(seed, 1)).Want(200)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"mfa.asked", "session.created", "email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"email.deliver completed"},
		Rows: map[string]int{"auth_one_time": 1, "auth_session": 1, "auth_device": 1}, Mails: []string{adaMail + ": New sign-in to Acme"}})
	// The owner's own is known, as before.
	b.Post("/-/login", "email", adaMail, "password", newPassword).Want(200, "Second step")
	a.Clock.Advance(time.Minute)
	b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"mfa.asked", "session.created"}, Rows: map[string]int{"auth_one_time": 1, "auth_session": 1}})
}

func TestUndoEndsPersonalKeys(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Operator("grace@example.com")
	a.Verified(adaMail)
	user, org := a.UserID(adaMail), a.PersonalOrg(adaMail)
	shared := a.SharedOrg("engines", "Engines", map[string]string{adaMail: "rol_owner"})
	key := func(org, by string) *apptest.Browser {
		k := a.OrgKey(org, "org:read")
		write(a, `UPDATE auth_api_key SET created_by = ? WHERE id = (SELECT max(id) FROM auth_api_key)`, by)
		return k
	}
	old := key(org, "user:"+user)
	a.Clock.Advance(48 * time.Hour)
	thief := signIn(a, adaMail, phone)
	link := changed(a, thief, adaMail, "thief@example.com")
	personal := key(org, "user:"+user)
	byOld := key(org, "key:"+a.Query(`SELECT min(id) FROM auth_api_key`))
	team := key(shared, "user:"+user)
	everywhere := key("", "user:"+user)
	byThat := key("", "key:"+a.Query(`SELECT max(id) FROM auth_api_key`))
	others := key("", "user:"+a.UserID("grace@example.com"))
	a.RunJobs()
	a.Forget()
	a.Browser().Post("/-/account/email/undo", "token", apptest.Token(link)).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"key.revoked", "key.revoked", "key.revoked", "key.revoked", "session.revoked", "session.revoked", "email.change_undone"},
		Jobs: []string{"email.deliver", "email.deliver"}, Rows: map[string]int{"auth_device": -1, "auth_one_time": 1}})
	for name, k := range map[string]*apptest.Browser{"personal": personal, "made by another": byOld, "instance": everywhere, "made by that": byThat} {
		if p := k.Get("/-/api/v1/me"); p.Status != 401 {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	for name, k := range map[string]*apptest.Browser{"older": old, "of a shared org": team, "another's": others} {
		if p := k.Get("/-/api/v1/me"); p.Status != 200 {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
}

func TestUndoVoidsWhatIsPending(t *testing.T) {
	t.Parallel()
	a, thief, link := robbed(t)
	b, m := ask(a, "thief@example.com")
	signInLink := apptest.Token(linkIn(a, "thief@example.com"))
	a.Browser().Post("/-/forgot", "email", "thief@example.com").Want(200)
	a.RunJobs()
	reset := apptest.Token(a.Link("thief@example.com", "/-/reset"))
	thief.Post("/-/account/email", "email", "thief3@example.com").Want(200)
	a.RunJobs()
	third := apptest.Token(a.Link("thief3@example.com", "/email/confirm"))
	undo(a, link)
	b.Post("/-/login/email/code", "code", apptest.Code(m)).Want(422)
	a.Browser().Post("/-/login/email/link", "token", signInLink, "act", "confirm").Want(410)
	a.Browser().Post("/-/reset", "token", reset, "password", "yet another password").Want(410)
	a.Browser().Post("/-/account/email/confirm", "token", third, "act", "confirm").Want(410)
	if n := a.Query(`SELECT count(*) FROM auth_one_time WHERE user_id IS NOT NULL AND consumed_at IS NULL`); n != "0" {
		t.Errorf("%s links and codes still work", n)
	}
}

// A link or code to sign in with dies with the address it was sent to, also when
// that comes back within its time.
func TestMailedSignInDiesWithTheAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	waiting, m := ask(a, adaMail)
	old := apptest.Token(linkIn(a, adaMail))
	changed(a, b, adaMail, "ada@new.example")
	changed(a, b, "ada@new.example", adaMail)
	a.Browser().Post("/-/login/email/link", "token", old, "act", "confirm").Want(410)
	waiting.Post("/-/login/email/code", "code", apptest.Code(m)).Want(422)
	signedOut(t, waiting)
}
