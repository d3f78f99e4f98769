package auth_test

import (
	"testing"

	"seaworthy/app/apptest"
)

// Whoever trusts a device in the very step that leads to the offer to keep his account
// gets the offer: there is no session, and so nothing to trust yet.
func TestTrustBesideTheOfferToKeep(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(adaMail)
	seed, _ := a.SetUpTOTP(b)
	b.Do("DELETE", "/-/api/v1/me", "", "").Want(202)
	phone := first(a, adaMail)
	a.Forget()
	phone.Post("/-/login/mfa", "method", "totp", "code", a.TOTP(seed), "trust", "on").Want(200, "Keep your account?")
	a.Expect(apptest.Happened{Audit: []string{"user.keep_offered"}, Rows: map[string]int{"auth_one_time": 1}})
}

// A database that fails is no sign-in that took too long.
func TestFailureIsNotTakenForAnEndedSignIn(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SetUpTOTP(a.Verified(adaMail))
	b, r := first(a, adaMail), firstByProgram(a, adaMail)
	exec(a, `ALTER TABLE auth_one_time RENAME TO auth_one_time_gone`)
	b.Get("/-/login/mfa").Want(500)
	second(a, r.Token, "totp", "123456").WantProblem(500, "internal")
	exec(a, `ALTER TABLE auth_one_time_gone RENAME TO auth_one_time`)
	b.Get("/-/login/mfa").Want(200, "Second step")
}
