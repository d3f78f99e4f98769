package auth_test

import (
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// The attack cases of spec/auth.md section 5 that concern the second step, by
// their numbers there.

func TestAttack13CodesWorkOnce(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	var begun struct{ ID, Secret string }
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&begun)
	code := a.TOTP(begun.Secret)
	b.PostJSON("/-/api/v1/factors/"+begun.ID+"/confirm", map[string]string{"code": code}).Want(200)
	second(a, firstByProgram(a, adaMail).Token, "totp", code).WantProblem(422, "invalid", "code") // the code it was set up with
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": code}).WantProblem(422, "invalid", "code")
	a.Clock.Advance(30 * time.Second)
	next := a.TOTP(begun.Secret)
	if n := parallel(a, func(token string) apptest.Page { return second(a, token, "totp", next) }); n != 1 {
		t.Errorf("%d sessions by one code", n)
	}
	second(a, firstByProgram(a, adaMail).Token, "totp", next).WantProblem(422, "invalid", "code")
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": next}).WantProblem(422, "invalid", "code")

	// Set up twice at once with one code: once.
	b.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": a.TOTPAt(begun.Secret, 1)}).Want(204)
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201).JSON(&begun)
	code = a.TOTP(begun.Secret)
	var mu sync.Mutex
	var all sync.WaitGroup
	made := 0
	for range 10 {
		all.Go(func() {
			p := b.PostJSON("/-/api/v1/factors/"+begun.ID+"/confirm", map[string]string{"code": code})
			mu.Lock()
			defer mu.Unlock()
			if p.Status == 200 {
				made++
			}
		})
	}
	all.Wait()
	if made != 1 || a.Count("auth_factor") != 2 {
		t.Errorf("set up %d times, %d factors", made, a.Count("auth_factor"))
	}
}

// The code of the step before and of the one after count, and none further away;
// what comes before a code that was used counts no more.
func TestCodesAtTheEdgesOfTheirTime(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	seed, _ := a.SetUpTOTP(a.Verified(adaMail))
	a.Clock.Advance(10 * time.Minute)
	try := func(code string) int { return second(a, firstByProgram(a, adaMail).Token, "totp", code).Status }
	if a.Clock.Now().Unix()%30 != 0 {
		t.Fatal("the test begins within a step")
	}
	for _, c := range []struct {
		after time.Duration
		step  int
		want  int
	}{
		{0, -2, 422}, {0, 2, 422}, {0, -1, 200}, {0, -1, 422}, {0, 0, 200}, {0, -1, 422},
		{29999 * time.Millisecond, 1, 200}, {0, 0, 422}, {0, 2, 422},
		{time.Millisecond, 0, 422}, {0, 1, 200}, {59999 * time.Millisecond, -1, 422}, {0, 0, 422}, {0, 1, 200}, {time.Millisecond, 0, 422}, {0, 1, 200},
	} {
		a.Clock.Advance(c.after)
		if got := try(a.TOTPAt(seed, c.step)); got != c.want {
			t.Errorf("at %s the code of step %+d: %d, want %d", a.Clock.Now().Format("15:04:05.000"), c.step, got, c.want)
		}
	}
}

func TestAttack14MailIsNoSecondStep(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, dangerous)
	b := a.Verified(adaMail)
	seed, _ := a.SetUpTOTP(b)
	// A password that was reset by mail is one factor, which the mailbox proved.
	a.Browser().Post("/-/forgot", "email", adaMail).Want(200)
	a.RunJobs()
	a.Browser().Post("/-/reset", "token", apptest.Token(a.Link(adaMail, "/-/reset")), "password", apptest.Password).Want(200)
	r := firstByProgram(a, adaMail)
	for _, method := range r.Methods {
		if method == "email" || method == "password" {
			t.Errorf("methods: %v", r.Methods)
		}
	}
	for _, method := range []string{"email", "password", ""} {
		second(a, r.Token, method, apptest.Password).WantProblem(422, "invalid", "code")
	}
	second(a, r.Token, "totp", a.TOTP(seed)).Want(200)
}

// Whoever proved the first step, and however: the second one is asked for. That a
// method which nobody thought of counts as one factor is what Welcome makes sure.
func TestAttack15SecondStepHoweverTheFirstWasProved(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SetUpTOTP(a.Verified(adaMail))
	for _, amr := range []string{"pwd", "otp", "fed", "email", "hwk", "pwd otp", ""} {
		session, waits := a.Auth.Welcome(t, userOf(a, adaMail), "social", amr)
		if !waits || session != "" {
			t.Errorf("amr %q: a session without the second step", amr)
		}
	}
	if session, waits := a.Auth.Welcome(t, userOf(a, adaMail), "passkey", "hwk user mfa"); waits || session == "" {
		t.Error("two factors in one are asked for another")
	}
	if got := a.Query(`SELECT aal || ' ' || amr FROM auth_session ORDER BY id DESC LIMIT 1`); got != "2 hwk user mfa" {
		t.Errorf("session: %s", got)
	}
}

func TestAttack16And17FactorsNeedAFreshStrongProof(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	weak := signIn(a, adaMail, phone)
	seed, _ := a.SetUpTOTP(b)
	id := a.Query(`SELECT id FROM auth_factor`)
	a.RunJobs()
	a.Forget()
	refused := func(b *apptest.Browser) {
		t.Helper()
		b.Do("DELETE", "/-/api/v1/factors/"+id, "", "").WantProblem(401, "confirm_first")
		b.PostJSON("/-/api/v1/recovery-codes", nil).WantProblem(401, "confirm_first")
		b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).WantProblem(401, "confirm_first")
		b.Post("/-/account/security/factors/"+id+"/remove").Want(200, "Confirm who you are")
		b.Post("/-/account/security/recovery").Want(200, "Confirm who you are")
		a.ExpectNothing()
	}
	refused(weak) // a session of one factor, however fresh
	weak.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(422, "invalid", "method")
	refused(weak)
	a.Clock.Advance(16 * time.Minute)
	refused(b) // a session of two, that is stale
	weak.PostJSON("/-/api/v1/confirm", map[string]string{"method": "totp", "code": a.TOTP(seed)}).Want(204)
	a.Forget()
	refused(b) // a proof in one session is none in another
	weak.Do("DELETE", "/-/api/v1/factors/"+id, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"factor.removed"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_factor": -1}})
}

func TestAttack35WhatWaitsDiesWithTheAccount(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *apptest.App){
		"disabled": func(a *apptest.App) {
			write(a, `UPDATE auth_user SET status = 'disabled' WHERE id = ?`, userOf(a, adaMail))
		},
		"signed out everywhere": func(a *apptest.App) {
			_, err := a.Auth.SignOut(a.T.Context(), adaMail)
			a.Must(err)
		},
		"password": func(a *apptest.App) {
			write(a, `UPDATE auth_user SET password_phc = 'another' WHERE id = ?`, userOf(a, adaMail))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t, apptest.WithoutLimits)
			seed, codes := a.SetUpTOTP(a.Verified(adaMail))
			b, r := first(a, adaMail), firstByProgram(a, adaMail)
			change(a)
			a.Forget()
			second(a, r.Token, "totp", a.TOTP(seed)).WantProblem(401, "mfa_expired")
			second(a, r.Token, "recovery", codes[0]).WantProblem(401, "mfa_expired")
			b.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed)).Want(200, "Begin again")
			a.ExpectNothing() // no code was used up either
		})
	}
}
