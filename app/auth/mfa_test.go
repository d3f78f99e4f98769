package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

const adaMail = "ada@example.com"

// first is a browser in which the first step of a sign-in was proved.
func first(a *apptest.App, email string) *apptest.Browser {
	a.T.Helper()
	b := a.Browser()
	b.Post("/-/login", "email", email, "password", apptest.Password, "next", "/-/account").Want(200, "Second step")
	return b
}

// required is what a program gets that has proved the first step.
type required struct {
	Required bool     `json:"mfa_required"`
	Token    string   `json:"mfa_token"`
	Methods  []string `json:"methods"`
}

func firstByProgram(a *apptest.App, email string) (r required) {
	a.T.Helper()
	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": apptest.Password}).Want(200).JSON(&r)
	if !r.Required || r.Token == "" {
		a.T.Fatalf("no second step is asked for: %+v", r)
	}
	return r
}

func second(a *apptest.App, token, method, code string) apptest.Page {
	return a.Browser().PostJSON("/-/api/v1/login/mfa", map[string]string{"mfa_token": token, "method": method, "code": code})
}

func TestSecondStepAtSignIn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	a.RunJobs()
	a.Forget()
	seed, codes := a.SetUpTOTP(b)
	a.Expect(apptest.Happened{Audit: []string{"factor.begun", "factor.added"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_factor": 1, "auth_one_time": 10}})
	if len(codes) != 10 {
		t.Fatalf("recovery codes: %q", codes)
	}
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}, Mails: []string{adaMail + ": A second step was added to your sign-in at Acme"}})

	phone := first(a, adaMail)
	a.Expect(apptest.Happened{Audit: []string{"mfa.asked"}, Rows: map[string]int{"auth_one_time": 1}})
	signedOut(t, phone)
	phone.Get("/-/account").Want(200, "Sign in to Acme") // what waits opens nothing
	phone.Post("/-/login/mfa", "method", "totp", "code", "000 000").Want(422, "This code does not work")
	a.Expect(apptest.Happened{Audit: []string{"mfa.refused"}})
	code := a.TOTP(seed)
	p := phone.Post("/-/login/mfa", "method", "totp", "code", code[:3]+" "+code[3:], "next", "/-/account/security").Want(200, "Security", "Authenticator app test")
	if p.Path != "/-/account/security" || phone.Cookie("seaworthy_mfa") != "" {
		t.Errorf("led to %s, cookie %q", p.Path, phone.Cookie("seaworthy_mfa"))
	}
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session ORDER BY id DESC LIMIT 1`); got != "2 pwd otp mfa" {
		t.Errorf("session: %s", got)
	}
	// A sign-in that waits is used up by the session.
	phone.SetCookie("seaworthy_mfa", "")
	phone.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed))
	a.Expect(apptest.Happened{})
}

func TestSecondStepOfPrograms(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	seed, _ := a.SetUpTOTP(a.Verified(adaMail))
	r := firstByProgram(a, adaMail)
	if got := strings.Join(r.Methods, " "); got != "totp recovery" {
		t.Errorf("methods: %s", got)
	}
	a.Forget()
	second(a, r.Token, "totp", "123").WantProblem(422, "invalid", "code")
	second(a, r.Token, "email", a.TOTP(seed)).WantProblem(422, "invalid", "code")
	second(a, "nonsense", "totp", a.TOTP(seed)).WantProblem(401, "mfa_expired")
	a.Expect(apptest.Happened{Audit: []string{"mfa.refused", "mfa.refused"}})
	var tokens apptest.Tokens
	second(a, r.Token, "totp", a.TOTP(seed)).Want(200).JSON(&tokens)
	a.Bearer(tokens.Access).Get("/-/api/v1/me").Want(200, adaMail)
	var claims struct {
		ACR string   `json:"acr"`
		AMR []string `json:"amr"`
	}
	payload(t, tokens.Access, &claims)
	if claims.ACR != "aal2" || strings.Join(claims.AMR, " ") != "pwd otp mfa" {
		t.Errorf("claims: %+v", claims)
	}
	second(a, r.Token, "totp", a.TOTP(seed)).WantProblem(401, "mfa_expired") // it works once
	// What waits for a program is none of a browser, and the other way round.
	a.Clock.Advance(30 * time.Second)
	r = firstByProgram(a, adaMail)
	b := a.Browser()
	b.SetCookie("seaworthy_mfa", r.Token)
	b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200, "Begin again")
	waiting := first(a, adaMail).Cookie("seaworthy_mfa")
	second(a, waiting, "totp", a.TOTP(seed)).WantProblem(401, "mfa_expired")
}

func TestWaitForSecondStepEnds(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	seed, _ := a.SetUpTOTP(a.Verified(adaMail))
	b := first(a, adaMail)
	a.Clock.Advance(10*time.Minute + time.Second)
	b.Get("/-/login/mfa").Want(200, "Begin again")
	b = first(a, adaMail)
	a.Clock.Advance(10 * time.Minute)
	b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200, "Begin again")
	signedOut(t, b)
}

func TestTriesAtTheSecondStepAreCounted(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	seed, _ := a.SetUpTOTP(a.Verified(adaMail))
	a.RunJobs()
	r := firstByProgram(a, adaMail)
	a.Forget()
	var all sync.WaitGroup
	for i := range 20 { // at once, so that no two share a try
		all.Go(func() { second(a, r.Token, "totp", fmt.Sprintf("x%05d", i)) })
	}
	all.Wait()
	a.RunJobs()
	second(a, r.Token, "totp", a.TOTP(seed)).WantProblem(401, "mfa_expired")
	a.Expect(apptest.Happened{Audit: []string{"mfa.refused", "mfa.refused", "mfa.refused", "mfa.refused", "mfa.refused", "email.sent"}, Jobs: []string{"email.deliver"},
		Ran: []string{"email.deliver completed"}, Mails: []string{adaMail + ": A sign-in to Acme was stopped at the second step"}})
	firstByProgram(a, adaMail) // another sign-in has its own tries
}

func TestTriesAtAnAccountAreLimited(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	seed, _ := a.SetUpTOTP(a.Verified(adaMail))
	for range 2 {
		r := firstByProgram(a, adaMail)
		for range 5 {
			second(a, r.Token, "totp", "000000").WantProblem(422, "invalid", "code")
		}
	}
	r := firstByProgram(a, adaMail)
	second(a, r.Token, "totp", a.TOTP(seed)).WantProblem(429, "too_many_requests")
	a.Clock.Advance(3 * time.Minute)
	second(a, r.Token, "totp", a.TOTP(seed)).Want(200)
}

func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b, bea := a.Verified(adaMail), a.Verified("bea@example.com")
	_, codes := a.SetUpTOTP(b)
	_, hers := a.SetUpTOTP(bea)
	a.RunJobs()
	r := firstByProgram(a, adaMail)
	second(a, r.Token, "recovery", hers[0]).WantProblem(422, "invalid", "code")
	a.Forget()
	typed := strings.ReplaceAll(strings.ToUpper(codes[0]), "-", " ")
	second(a, r.Token, "recovery", strings.ReplaceAll(typed, "0", "O")).Want(200)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"recovery.used", "session.created", "email.sent", "email.sent"}, Jobs: []string{"email.deliver", "email.deliver"},
		Ran: []string{"email.deliver completed", "email.deliver completed"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1},
		Mails: []string{adaMail + ": A recovery code was used at Acme", adaMail + ": New sign-in to Acme"}})
	second(a, firstByProgram(a, adaMail).Token, "recovery", codes[0]).WantProblem(422, "invalid", "code")
	b.Get("/-/account/security").Want(200, "9 of 10 left")

	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	b.PostJSON("/-/api/v1/recovery-codes", nil).Want(200).JSON(&made)
	second(a, firstByProgram(a, adaMail).Token, "recovery", codes[1]).WantProblem(422, "invalid", "code")
	second(a, firstByProgram(a, adaMail).Token, "recovery", made.Codes[1]).Want(200)
	a.Verified("cyd@example.com").PostJSON("/-/api/v1/recovery-codes", nil).WantProblem(409, "no_factor")
	if a.Query(`SELECT count(*) FROM auth_one_time WHERE purpose = 'recovery' AND payload <> '{}'`) != "0" {
		t.Error("something of a recovery code is kept")
	}
}

func TestRecoveryCodeInParallelWorksOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	_, codes := a.SetUpTOTP(a.Verified(adaMail))
	if n := parallel(a, func(token string) apptest.Page { return second(a, token, "recovery", codes[3]) }); n != 1 {
		t.Errorf("%d sessions by one recovery code", n)
	}
}

// parallel shows the second step in ten sign-ins at once, and counts those that
// led to tokens.
func parallel(a *apptest.App, show func(token string) apptest.Page) (n int) {
	a.T.Helper()
	var tokens []string
	for range 10 {
		tokens = append(tokens, firstByProgram(a, adaMail).Token)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, token := range tokens {
		all.Go(func() {
			p := show(token)
			mu.Lock()
			defer mu.Unlock()
			if p.Status == 200 {
				n++
			}
		})
	}
	all.Wait()
	return n
}

func TestTrustedDevice(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	owner := a.Verified(adaMail)
	seed, _ := a.SetUpTOTP(owner)
	b := first(a, adaMail)
	a.Forget()
	b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.created", "device.trusted"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	again := func() apptest.Page {
		b.Post("/-/logout").Want(200)
		return b.Post("/-/login", "email", adaMail, "password", apptest.Password, "next", "/-/account/sessions")
	}
	again().Want(200, "Trusted devices", "trusted until 22 Dec 2026")
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session ORDER BY id DESC LIMIT 1`); got != "2 pwd" {
		t.Errorf("session: %s", got)
	}
	// It is no proof before an act that can do harm.
	p := b.Get("/-/api/v1/danger")
	p.WantProblem(401, "confirm_first")
	if !strings.Contains(p.Header.Get("WWW-Authenticate"), `acr_values="aal2"`) {
		t.Errorf("challenge: %s", p.Header.Get("WWW-Authenticate"))
	}
	// The cookie trusts nobody else, and no other browser is trusted.
	first(a, adaMail)
	var list struct{ Devices []struct{ ID, Device string } }
	b.Get("/-/api/v1/trusted-devices").Want(200).JSON(&list)
	if len(list.Devices) != 1 || list.Devices[0].Device != "Firefox on Linux" {
		t.Fatalf("%+v", list)
	}
	bea := a.Verified("bea@example.com")
	a.Forget()
	bea.Do("DELETE", "/-/api/v1/trusted-devices/"+list.Devices[0].ID, "", "").WantProblem(404, "not_found")
	a.ExpectNothing()
	b.Post("/-/account/devices/forget", "device", list.Devices[0].ID).Want(200, "asked for there again")
	a.Expect(apptest.Happened{Audit: []string{"device.forgotten"}})
	again().Want(200, "Second step")

	trust := func() {
		t.Helper()
		a.Clock.Advance(30 * time.Second)
		b.Post("/-/login", "email", adaMail, "password", apptest.Password)
		b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200)
		again().Want(200, "Trusted devices")
	}
	for name, end := range map[string]func(){
		"30 days":               func() { a.Clock.Advance(30*24*time.Hour + time.Minute) },
		"signed out everywhere": func() { b.Post("/-/account/sessions/revoke", "which", "all").Want(200) },
		"signed out from another device": func() {
			who := a.Query(`SELECT id FROM auth_session WHERE revoked_at IS NULL AND amr = 'pwd' AND aal = 2`)
			a.Clock.Advance(30 * time.Second)
			o := first(a, adaMail)
			o.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200)
			o.Do("DELETE", "/-/api/v1/sessions/"+who, "", "").Want(204)
		},
		"password": func() {
			a.Browser().Post("/-/forgot", "email", adaMail).Want(200)
			a.RunJobs()
			a.Browser().Post("/-/reset", "token", apptest.Token(a.Link(adaMail, "/-/reset")), "password", apptest.Password).Want(200)
			a.Clock.Advance(2 * time.Minute)
		},
	} {
		trust()
		end()
		b.Post("/-/logout")
		if p := b.Post("/-/login", "email", adaMail, "password", apptest.Password); !strings.Contains(p.Text(), "Second step") {
			t.Errorf("%s: the device is still trusted", name)
		}
	}
}

func TestStepUpWithASecondFactor(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	b := a.Verified(adaMail)
	seed, codes := a.SetUpTOTP(b)
	b.Get("/-/danger").Want(200, "done") // setting it up proved it
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/danger").Want(200, "Confirm who you are", "authenticator app").Without(`name="password"`)
	a.Forget()
	b.Post("/-/confirm", "password", apptest.Password).Want(422, "You cannot confirm who you are in this way")
	b.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(422, "invalid", "method")
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "email", "code": "123456"}).WantProblem(422, "invalid", "method")
	b.PostJSON("/-/api/v1/confirm/code", map[string]string{"method": "email"}).WantProblem(422, "invalid", "method")
	a.ExpectNothing()
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": "000000"}).WantProblem(422, "invalid", "code")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmation_refused"}})
	b.Get("/-/api/v1/danger").WantProblem(401, "confirm_first")
	b.Post("/-/confirm", "method", "totp", "code", a.TOTP(seed), "next", "/-/danger").Want(200, "done")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmed"}})
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/api/v1/confirm").Want(200, `"methods":["totp","recovery"]`)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "recovery", "code": codes[0]}).Want(204)
	b.Get("/-/api/v1/danger").Want(200)
}

// Somebody with neither password nor second factor confirms by a code that goes
// to the address.
func TestConfirmByMail(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	b := a.Verified(adaMail)
	write(a, `UPDATE auth_user SET password_phc = NULL WHERE id = (SELECT user_id FROM auth_email WHERE email_norm = ?)`, adaMail)
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/danger").Want(200, "Send me a mail")
	a.Forget()
	b.Post("/-/confirm/code", "method", "email", "next", "/-/danger").Want(200, "Send it again")
	a.RunJobs()
	mail := a.Mails(adaMail)[0]
	code := mail.Subject[:6]
	a.Expect(apptest.Happened{Audit: []string{"mfa.code_sent", "email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"email.deliver completed"},
		Mails: []string{adaMail + ": " + code + " is your code for Acme"}, Rows: map[string]int{"auth_one_time": 1}})
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	b.Post("/-/confirm", "method", "email", "code", wrong).Want(422, "This code does not work")
	b.Post("/-/confirm", "method", "email", "code", code, "next", "/-/danger").Want(200, "done")
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session WHERE revoked_at IS NULL`); got != "1 pwd" {
		t.Errorf("a mail made the session %s", got)
	}
	// It works once, not in another session, and not after five tries.
	a.Clock.Advance(16 * time.Minute)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "email", "code": code}).WantProblem(422, "invalid", "code")
	b.PostJSON("/-/api/v1/confirm/code", map[string]string{"method": "email"}).Want(204)
	a.RunJobs()
	code = a.Mails(adaMail)[0].Subject[:6]
	for i := range 5 {
		b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "email", "code": "x" + fmt.Sprint(i)}).WantProblem(422, "invalid", "code")
	}
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "email", "code": code}).WantProblem(422, "invalid", "code")
	b.PostJSON("/-/api/v1/confirm/code", map[string]string{"method": "email"}).Want(204)
	a.RunJobs()
	a.Clock.Advance(5*time.Minute + time.Second)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "email", "code": a.Mails(adaMail)[0].Subject[:6]}).WantProblem(422, "invalid", "code")
}

func payload(t *testing.T, token string, v any) {
	t.Helper()
	part := strings.Split(token, ".")[1]
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}
