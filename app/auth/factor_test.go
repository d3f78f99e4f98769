package auth_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/store"
)

func TestAppIsSetUpOnPages(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	b.Get("/-/account/security").Want(200, "Two-step sign-in", "off", "Set up an authenticator app")
	p := b.Post("/-/account/security/factors", "kind", "totp").Want(200, "Scan this", `<svg class="qr"`, "otpauth://totp/Acme:ada%40example.com")
	seed := strings.ReplaceAll(regexp.MustCompile(`id="key">([A-Z2-7 ]{39})<`).FindStringSubmatch(p.Body)[1], " ", "")
	if strings.Contains(a.Query(`SELECT hex(secret) FROM auth_factor`), seed) || !strings.Contains(p.Body, "secret="+seed+"&amp;issuer=Acme&amp;algorithm=SHA1&amp;digits=6&amp;period=30") {
		t.Errorf("the key is not sealed, or not in the link\n%s", p.Body)
	}
	b.Post(p.Path+"/confirm", "code", "000000", "label", "work phone").Want(422, "This code does not work", "work phone", `<svg class="qr"`)
	done := b.Post(p.Path+"/confirm", "code", a.TOTP(seed), "label", "work phone").Want(200, "Recovery codes", "Two-step sign-in is on", "data:text/plain;charset=utf-8,Recovery%20codes%20for%20Acme", "data-print", "data-copy")
	codes := regexp.MustCompile(`<code>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</code>`).FindAllString(done.Body, -1)
	if len(codes) != 10 {
		t.Errorf("%d codes are shown", len(codes))
	}
	b.Get("/-/account/security").Want(200, "Authenticator app work phone", "10 of 10 left").Without(seed)
	b.Get(p.Path).Want(410, "Begin again") // the secret is shown no more
	b.Post(p.Path+"/confirm", "code", a.TOTPAt(seed, 1)).Want(410)
	id := a.Query(`SELECT id FROM auth_factor`)
	a.RunJobs()
	a.Forget()
	// Another one brings no new codes, and is not set up twice.
	p = b.Post("/-/account/security/factors", "kind", "totp").Want(200)
	second := b.Post("/-/account/security/factors", "kind", "totp").Want(200)
	b.Get(p.Path).Want(410)
	seed = strings.ReplaceAll(regexp.MustCompile(`id="key">([A-Z2-7 ]{39})<`).FindStringSubmatch(second.Body)[1], " ", "")
	b.Post(second.Path+"/confirm", "code", a.TOTP(seed)).Want(200, "The second step is set up").Without("Recovery codes</h1>")
	b.Post("/-/account/security/factors/"+id+"/remove").Want(200, "That second step is removed")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"factor.begun", "factor.begun", "factor.added", "factor.removed", "email.sent", "email.sent"}, Jobs: []string{"email.deliver", "email.deliver"},
		Ran:   []string{"email.deliver completed", "email.deliver completed"},
		Mails: []string{adaMail + ": A second step was added to your sign-in at Acme", adaMail + ": A second step was removed from your sign-in at Acme"}})
	b.Get("/-/account/security").Want(200, "10 of 10 left")
}

func TestWhatIsBeingSetUpExpires(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	var begun struct{ ID, Secret string }
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&begun)
	confirm := func(b *apptest.Browser) apptest.Page {
		return b.PostJSON("/-/api/v1/factors/"+begun.ID+"/confirm", map[string]string{"code": a.TOTP(begun.Secret)})
	}
	confirm(a.Verified("bea@example.com")).WantProblem(410, "begin_again") // another's
	a.Clock.Advance(14 * time.Minute)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
	a.Clock.Advance(time.Minute + time.Second)
	confirm(b).WantProblem(410, "begin_again")
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "webauthn"}).WantProblem(422, "invalid", "kind")
	a.Browser().PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).WantProblem(401, "signed_out")
	a.Key("*").PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).WantProblem(403, "person_only")
}

func TestFactorsOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b, mallory := a.Verified(adaMail), a.Verified("mallory@example.com")
	a.SetUpTOTP(b)
	a.SetUpTOTP(mallory)
	id := a.Query(`SELECT f.id FROM auth_factor f JOIN auth_email e ON e.user_id = f.user_id WHERE e.email_norm = ?`, adaMail)
	a.Forget()
	mallory.Do("DELETE", "/-/api/v1/factors/"+id, "", "").WantProblem(404, "not_found")
	mallory.Post("/-/account/security/factors/" + id + "/remove").Want(200)
	a.ExpectNothing()
	mallory.Get("/-/api/v1/factors").Want(200).Without(id)
}

// The last factor takes with it whatever stands on it.
func TestWithoutTheLastFactor(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	seed, codes := a.SetUpTOTP(b)
	phone := first(a, adaMail)
	phone.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200)
	waiting := firstByProgram(a, adaMail)
	b.Do("DELETE", "/-/api/v1/factors/"+a.Query(`SELECT id FROM auth_factor`), "", "").Want(204)
	if n := a.Query(`SELECT count(*) FROM auth_session WHERE aal > 1 AND revoked_at IS NULL`); n != "0" {
		t.Errorf("%s sessions still count as strong", n)
	}
	second(a, waiting.Token, "recovery", codes[0]).WantProblem(401, "mfa_expired")
	b.Get("/-/api/v1/factors").Want(200, `"factors":[],"recovery_codes_left":0`)
	signIn(a, adaMail, phone.UserAgent).Get("/-/api/v1/me").Want(200)
	a.SetUpTOTP(b)
	first(a, adaMail)
	phone.Post("/-/logout").Want(200)
	phone.Post("/-/login", "email", adaMail, "password", apptest.Password).Want(200, "Second step") // the trust did not come back
}

// The first factor makes every other session weaker than its user can make it.
func TestOtherSessionsMustStepUp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	b := a.Verified(adaMail)
	other := signIn(a, adaMail, phone)
	other.Get("/-/danger").Want(200, "done")
	seed, _ := a.SetUpTOTP(b)
	other.Get("/-/api/v1/danger").WantProblem(401, "confirm_first")
	other.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": a.TOTP(seed)}).Want(204)
	other.Get("/-/danger").Want(200, "done")
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session ORDER BY id DESC LIMIT 1`); got != "2 pwd otp mfa" {
		t.Errorf("session: %s", got)
	}
}

func TestOperatorResetsFactors(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	_, codes := a.SetUpTOTP(b)
	a.RunJobs()
	waiting := firstByProgram(a, adaMail)
	a.Forget()
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		return a.Auth.ResetFactorsIn(tx, userOf(a, adaMail), "lost the phone, passport shown")
	}))
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"factor.reset", "email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"email.deliver completed"},
		Mails: []string{adaMail + ": Two-step sign-in at Acme was reset"}, Rows: map[string]int{"auth_factor": -1}})
	second(a, waiting.Token, "recovery", codes[0]).WantProblem(401, "mfa_expired")
	signIn(a, adaMail, phone).Get("/-/api/v1/me").Want(200)
}

func userOf(a *apptest.App, email string) string {
	a.T.Helper()
	return a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email)
}

// textCode is the code in the newest text.
func textCode(a *apptest.App) string {
	a.T.Helper()
	return a.Texts("")[0].Body[:6]
}

func TestTextsAsSecondStep(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	a.RunJobs()
	b.Post("/-/account/security/factors", "kind", "sms", "phone", "0170 1234567").Want(422, "country", "0170 1234567")
	a.Forget()
	p := b.Post("/-/account/security/factors", "kind", "sms", "phone", "+49 (170) 123-4567").Want(200, "•••• 567")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"factor.begun", "mfa.code_sent", "sms.sent"}, Jobs: []string{"sms.deliver"}, Ran: []string{"sms.deliver completed"},
		Rows: map[string]int{"auth_factor": 1, "auth_one_time": 1, "sms_message": 1, "sms_inbox": 1}})
	text := a.Texts("+491701234567")[0]
	code := text.Body[:6]
	if !strings.HasSuffix(text.Body, "\n\n@127.0.0.1 #"+code) || !strings.HasPrefix(text.Body, code+" is your Acme code.") {
		t.Errorf("the text: %q", text.Body)
	}
	if a.Query(`SELECT count(*) FROM sms_message WHERE body IS NULL AND status = 'sent'`) != "1" || a.Query(`SELECT instr(recipient, '1701234567') FROM sms_message`) != "0" {
		t.Error("body or number can be read in the database")
	}
	b.Get("/-/dev/inbox/"+text.ID).Want(200, code+" is your Acme code", "+491701234567")
	b.Post(p.Path+"/confirm", "code", "12").Want(422, "This code does not work")
	b.Post(p.Path+"/confirm", "code", code).Want(200, "Recovery codes")

	phone := first(a, adaMail).Get("/-/login/mfa")
	phone.Want(200, "Send me a text", "•••• 567")
	s := first(a, adaMail)
	a.RunJobs()
	a.Forget()
	s.Post("/-/login/mfa/text", "next", "/-/account").Want(200, "We sent a text", "Send it again")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"mfa.code_sent", "sms.sent"}, Jobs: []string{"sms.deliver"}, Ran: []string{"sms.deliver completed"},
		Rows: map[string]int{"auth_one_time": 1, "sms_message": 1, "sms_inbox": 1}})
	code = textCode(a)
	second(a, firstByProgram(a, adaMail).Token, "sms", code).WantProblem(422, "invalid", "code") // it is of another sign-in
	s.Post("/-/login/mfa", "method", "sms", "code", code, "next", "/-/account").Want(200, "Ada Lovelace")
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session ORDER BY id DESC LIMIT 1`); got != "2 pwd sms mfa" {
		t.Errorf("session: %s", got)
	}
	// A program, whose code is too old, then in time.
	r := firstByProgram(a, adaMail)
	send := func() {
		a.Browser().PostJSON("/-/api/v1/login/mfa/text", map[string]string{"mfa_token": r.Token}).Want(204)
		a.RunJobs()
	}
	send()
	a.Clock.Advance(5*time.Minute + time.Second)
	second(a, r.Token, "sms", textCode(a)).WantProblem(422, "invalid", "code")
	send()
	second(a, r.Token, "sms", textCode(a)).Want(200)
	// To confirm in a session.
	a.Clock.Advance(16 * time.Minute)
	s.Post("/-/confirm/code", "method", "sms").Want(200, "We sent a text")
	a.RunJobs()
	s.Post("/-/confirm", "method", "sms", "code", textCode(a)).Want(200)
}

func TestTextsAreLimited(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.SMSDaily = 12 })
	send := func(b *apptest.Browser, number string) apptest.Page {
		return b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "sms", "phone": number})
	}
	b := a.Verified(adaMail)
	for i := range 5 {
		send(b, "+4917012345"+string(rune('0'+i))+"0").Want(201)
	}
	send(b, "+49170123459").WantProblem(429, "too_many_texts") // the person has had enough
	bea := a.Verified("bea@example.com")
	for range 5 {
		send(bea, "+33612345678").Want(201)
	}
	cyd := a.Verified("cyd@example.com")
	send(cyd, "+33 6 12 34 56 78").WantProblem(429, "too_many_texts") // the number has
	send(cyd, "+33612345679").Want(201)
	send(cyd, "+33612345679").Want(201)
	send(cyd, "+33612345679").WantProblem(429, "too_many_texts") // the day has
	a.Clock.Advance(24*time.Hour + time.Second)
	cyd.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
	send(cyd, "+33612345679").Want(201)
}

func TestWithoutTextsNoPhoneIsOffered(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.URL, c.SMTPURL = "https://app.example.com", "smtp://127.0.0.1:1"
	})
	if a.SMS != nil {
		t.Fatal("production sends texts without a provider")
	}
	a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "Ada", "email": adaMail, "password": apptest.Password}).Want(201)
	tokens := a.SignInProgram(adaMail)
	b := a.Bearer(tokens.Access)
	b.Get("/-/api/v1/factors").Want(200, `"kinds":["totp"]`)
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "sms", "phone": "+491701234567"}).WantProblem(422, "invalid", "kind")
	b.Get("/-/account/security/phone").Want(404)
}
