package auth_test

import (
	"net/http"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// dangerous is an app with a page and a program's route that ask for a fresh proof.
func dangerous(_ *config.Config, o *app.Options) {
	ok := func(w http.ResponseWriter, r *http.Request) error { return web.JSON(w, http.StatusOK, "done") }
	o.Extend = func(*app.App) app.Extension {
		return app.Extension{Routes: []web.Route{
			{Method: "GET", Pattern: "/-/danger", Access: web.Person, Fresh: true, Handler: ok},
			{Method: "GET", Pattern: "/-/api/v1/danger", Access: web.SignedIn, Fresh: true, Handler: ok},
		}}
	}
}

func TestDangerAsksForAFreshProof(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, dangerous)
	b := a.Verified("ada@example.com")
	b.Get("/-/danger").Want(200, "done")
	a.Clock.Advance(16 * time.Minute)
	p := b.Get("/-/danger").Want(200, "Confirm who you are", "ada@example.com")
	if p.Path != "/-/confirm?next=%2F-%2Fdanger" {
		t.Errorf("led to %s", p.Path)
	}
	p = b.Get("/-/api/v1/danger")
	p.WantProblem(401, "confirm_first")
	if got := p.Header.Get("WWW-Authenticate"); got != `Bearer error="insufficient_user_authentication", error_description="Confirm who you are first", max_age="900"` {
		t.Errorf("challenge: %s", got)
	}
	a.Forget()
	b.Post("/-/confirm", "password", "not the password", "next", "/-/danger").Want(422, "This is not your password")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmation_refused"}})
	b.Get("/-/api/v1/danger").Want(401)
	b.Post("/-/confirm", "password", apptest.Password, "next", "/-/danger").Want(200, "done")
	a.Expect(apptest.Happened{Audit: []string{"session.confirmed"}})
	b.Get("/-/api/v1/danger").Want(200)
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/api/v1/danger").Want(401)
	b.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
	b.Get("/-/api/v1/danger").Want(200)

	// It goes nowhere else, and a proof in one session is none in another.
	a.Clock.Advance(16 * time.Minute)
	if p := b.Post("/-/confirm", "password", apptest.Password, "next", "https://evil.example/").Want(200); p.Path != "/-/account" {
		t.Errorf("led to %s", p.Path)
	}
	other := a.Browser()
	other.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	a.Clock.Advance(16 * time.Minute)
	b.Post("/-/confirm", "password", apptest.Password).Want(200)
	other.Get("/-/api/v1/danger").Want(401)
	a.Key("org:read").Get("/-/api/v1/danger").Want(200) // a key is no person, and has what it was given
}

func TestConfirmationIsLimited(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, dangerous)
	b := a.Verified("ada@example.com")
	for range 10 {
		b.PostJSON("/-/api/v1/confirm", map[string]string{"password": "wrong"}).WantProblem(422, "invalid", "password")
	}
	b.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).WantProblem(429, "too_many_requests")
}
