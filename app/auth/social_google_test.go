package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
)

// Google and GitHub as they are configured in earnest, played at their own
// addresses.

func TestGoogle(t *testing.T) {
	t.Parallel()
	p, err := standin.New(standin.Options{Issuer: "https://accounts.google.com"})
	if err != nil {
		t.Fatal(err)
	}
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.GoogleClientID, c.GoogleClientSecret = standin.ClientID, standin.Secret
		o.Outside = outside{"accounts.google.com": p}
	})
	p.Clock, p.Redirect = a.Clock.Now, a.URL+"/-/login/google/callback"
	a.Browser().Get("/-/login").Want(200, "Continue with Google").Without("stand-in")
	a.Browser().Get("/-/dev/oidc/authorize").Want(404)
	b := a.Browser()
	to := leave(t, b, "/-/login/google")
	if to.Host != "accounts.google.com" || to.Query().Get("prompt") != "select_account" {
		t.Errorf("leads to %s", to)
	}
	p.Twist.Claims = func(c map[string]any) { c["iss"] = "accounts.google.com" } // as Google may write it
	b.Get(back(t, a, p, to, ada)).Want(200)
	if iss := a.Query(`SELECT issuer FROM auth_identity`); iss != "https://accounts.google.com" {
		t.Errorf("issuer %s", iss)
	}
	for _, who := range []standin.Person{ada, grace} { // a mailbox of Google's, and one of an organization there
		at(t, a, a.Browser(), "google", p, who).Want(200)
	}
	a.Verified(alan.Email)
	at(t, a, a.Browser(), "google", p, alan).Want(403, "Google cannot tell us for certain that alan@example.org is yours")
	if e := a.Events(1)[0]; e.Action != "session.refused" || e.Details["method"] != "google" {
		t.Errorf("%+v", e)
	}
}

// github plays GitHub's three addresses.
type github struct {
	t       *testing.T
	code    string
	user    any
	emails  any
	refuses bool
}

func (g *github) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	answer := func(v any) { json.NewEncoder(w).Encode(v) }
	if r.URL.Host == "api.github.com" && (r.Header.Get("Authorization") != "Bearer gho_x" || r.Header.Get("Accept") != "application/vnd.github+json" || r.Header.Get("User-Agent") == "") {
		g.t.Errorf("%s with %v", r.URL, r.Header)
	}
	switch r.URL.Host + r.URL.Path {
	case "github.com/login/oauth/access_token":
		if r.PostFormValue("client_id") != "id" || r.PostFormValue("client_secret") != "secret" || r.PostFormValue("code") != g.code || len(r.PostFormValue("code_verifier")) < 43 {
			g.t.Errorf("asked for a token with %v", r.PostForm)
		}
		if g.refuses { // with status 200, as GitHub does
			answer(map[string]string{"error": "bad_verification_code"})
		} else {
			answer(map[string]string{"access_token": "gho_x", "token_type": "bearer", "scope": "read:user,user:email"})
		}
	case "api.github.com/user":
		answer(g.user)
	case "api.github.com/user/emails":
		answer(g.emails)
	default:
		w.WriteHeader(404)
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	type mail map[string]any
	g := &github{t: t, code: "abc", user: map[string]any{"id": 583231, "login": "octocat", "name": nil}}
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.GitHubClientID, c.GitHubClientSecret = "id", "secret"
		o.Outside = outside{"github.com": g, "api.github.com": g}
	})
	come := func(b *apptest.Browser) apptest.Page {
		t.Helper()
		to := leave(t, b, "/-/login/github")
		if q := to.Query(); to.Host != "github.com" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "read:user user:email" {
			t.Errorf("leads to %s", to)
		}
		return b.Get("/-/login/github/callback?code=abc&state=" + to.Query().Get("state"))
	}
	g.emails = []mail{{"email": "old@example.com", "verified": true, "primary": false}, {"email": "octo@example.com", "verified": true, "primary": true}}
	b := a.Browser()
	come(b).Want(200)
	b.Get("/-/account").Want(200, "octocat", "octo@example.com", "Verified")
	if got := a.Query(`SELECT issuer || ' ' || sub FROM auth_identity`); got != "https://github.com 583231" {
		t.Errorf("identity %s", got)
	}

	// The name was given up and taken by another: the number decides.
	g.user = map[string]any{"id": 999, "login": "octocat", "name": "Mallory"}
	g.emails = []mail{{"email": "octo@example.com", "verified": false, "primary": true}}
	come(a.Browser()).Want(403, "Sign in the way you did before")
	// Verified at GitHub: the account with the address is his.
	g.emails = []mail{{"email": "octo@example.com", "verified": true, "primary": true}}
	other := a.Browser()
	come(other).Want(200)
	other.Get("/-/account").Want(200, "octocat", "octo@example.com")

	g.emails = []mail{}
	g.user = map[string]any{"id": 1000, "login": "nobody"}
	come(a.Browser()).Want(403, "We got no email address from GitHub")
	for _, user := range []any{map[string]any{"id": 0}, map[string]any{"message": "Bad credentials"}, "text", nil, map[string]any{"id": "7"}} {
		g.user = user
		come(a.Browser()).Want(403, "GitHub did not confirm who you are")
	}
	g.refuses = true
	come(a.Browser()).Want(403, "GitHub did not confirm who you are")
}
