package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
	"seaworthy/app/config"
)

// The attack cases of spec/auth.md section 5 that concern signing in with a
// provider, by their numbers there.

// issuers starts an app with OIDC providers of these names, each on a server of
// its own; acme is trusted with the addresses of example.org.
func issuers(t *testing.T, names ...string) (*apptest.App, []*standin.Provider) {
	t.Helper()
	var all []*standin.Provider
	var list, ids, secrets []string
	for _, name := range names {
		p, err := standin.New(standin.Options{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(p)
		t.Cleanup(server.Close)
		p.Issuer = server.URL
		all = append(all, p)
		list, ids, secrets = append(list, name+"="+server.URL), append(ids, name+"="+standin.ClientID), append(secrets, name+"="+standin.Secret)
	}
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) {
		c.OIDC, c.OIDCClientIDs, c.OIDCClientSecrets = strings.Join(list, " "), strings.Join(ids, " "), strings.Join(secrets, " ")
		c.OIDCTrustedDomains = "acme=example.org acme=b.example"
	})
	for i, p := range all {
		p.Clock, p.Redirect = a.Clock.Now, a.URL+"/-/login/"+names[i]+"/callback"
	}
	return a, all
}

// at signs somebody in at a provider of issuers.
func at(t *testing.T, a *apptest.App, b *apptest.Browser, name string, p *standin.Provider, who standin.Person) apptest.Page {
	t.Helper()
	return b.Get(back(t, a, p, leave(t, b, "/-/login/"+name), who))
}

var victim = standin.Person{Sub: "victim", Name: "Vic", Email: "vic@example.org", Verified: true}

func TestAttack01ProvenOwnerSeizesAnAccountMadeWithTheAddress(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme")
	mallory := a.SignUp(victim.Email)
	program := a.SignInProgram(victim.Email)
	user := a.Query(`SELECT id FROM auth_user`)
	a.Browser().Post("/-/forgot", "email", victim.Email).Want(200)
	a.RunJobs()
	reset := apptest.Token(a.Link(victim.Email, "/-/reset"))
	key := a.OrgKey(a.PersonalOrg(victim.Email), "org:read")
	write(a, `UPDATE auth_api_key SET created_by = ? WHERE revoked_at IS NULL`, "user:"+user)
	write(a, `UPDATE auth_device SET trusted_until = ? WHERE id = (SELECT device_id FROM auth_session WHERE kind = 'browser')`, a.Clock.Now().Add(time.Hour).UnixMilli())
	key.Get("/-/api/v1/me").Want(200)
	to := leave(t, mallory, "/-/account/security/identities/acme/link")
	mallory.Get(back(t, a, p[0], to, standin.Person{Sub: "mallory", Email: "mallory@evil.example"})).Want(200, "It is linked")
	waiting := back(t, a, p[0], leave(t, mallory, "/-/account/security/identities/acme/link"), standin.Person{Sub: "mallory2"})
	a.RunJobs()
	a.Forget()

	b := a.Browser()
	at(t, a, b, "acme", p[0], victim).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.revoked", "user.seized", "email.verified", "identity.linked", "session.created"},
		Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": -1, "auth_one_time": 1}}) // one identity went, one came; two devices went
	for _, e := range a.Events(10) {
		if e.Action == "user.seized" {
			for _, what := range []string{"password", "identities", "keys", "pending_tokens", "trusted_devices", "devices"} {
				if e.Details[what] == nil {
					t.Errorf("the event does not say that %s went: %v", what, e.Details)
				}
			}
		}
	}
	b.Get("/-/account").Want(200, victim.Email, "Verified")
	b.Get("/-/account/security").Want(200, "Your account has no password").Without("mallory@evil.example")
	a.RunJobs()
	if m := a.Mails(victim.Email); m[1].Subject != "Your account at Acme is yours alone" && m[0].Subject != "Your account at Acme is yours alone" {
		t.Errorf("mails: %s, %s", m[0].Subject, m[1].Subject)
	}

	// Nothing of before opens it.
	mallory.Get("/-/api/v1/me").Want(401)
	a.Bearer(program.Access).Get("/-/api/v1/me").Want(401)
	a.Refresh(program.Refresh).Want(400)
	key.Get("/-/api/v1/me").Want(401)
	a.Browser().Post("/-/login", "email", victim.Email, "password", apptest.Password).Want(401)
	a.Browser().Post("/-/reset", "token", reset, "password", "a brand new password").Want(410)
	mallory.Get(waiting).Want(400, "This sign-in cannot go on")
	at(t, a, a.Browser(), "acme", p[0], standin.Person{Sub: "mallory", Email: "mallory@evil.example"}).Want(200)
	if n := a.Count("auth_user"); n != 2 { // the attacker's identity makes an account of its own
		t.Errorf("%d users", n)
	}
}

func TestAttack02LinksOfASecondProviderAreDropped(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme", "loose")
	mallory := a.Browser()
	custom := standin.Person{Sub: "mallory", Name: "M", Email: victim.Email, Verified: true} // loose lets anybody write any address
	at(t, a, mallory, "loose", p[1], custom).Want(200)
	b := a.Browser()
	at(t, a, b, "acme", p[0], victim).Want(200)
	b.Get("/-/account").Want(200, victim.Email, "Verified")
	mallory.Get("/-/api/v1/me").Want(401)
	at(t, a, a.Browser(), "loose", p[1], custom).Want(403, "Sign in the way you did before")
	if users, ids := a.Count("auth_user"), a.Count("auth_identity"); users != 1 || ids != 1 {
		t.Errorf("%d users, %d identities", users, ids)
	}
}

// refused is an answer that signs nobody in, leaving an event and the used state.
func refused(t *testing.T, a *apptest.App, p *standin.Provider, who standin.Person, status int, words string) {
	t.Helper()
	a.Forget()
	b := a.Browser()
	at(t, a, b, "acme", p, who).Want(status, words)
	a.Expect(apptest.Happened{Audit: []string{"session.refused"}, Rows: map[string]int{"auth_one_time": 1}})
	b.Get("/-/api/v1/me").Want(401)
}

// outside is a network of providers that stand in for real ones, by host.
type outside map[string]http.RoundTripper

func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	if to := o[r.URL.Host]; to != nil {
		return to.RoundTrip(r)
	}
	return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: http.ErrServerClosed}
}

func TestAttack05EntraAddressesProveNothingWithoutTheirOwner(t *testing.T) {
	t.Parallel()
	const issuer = "https://login.microsoftonline.com/7b1c/v2.0"
	p, err := standin.New(standin.Options{Issuer: issuer})
	if err != nil {
		t.Fatal(err)
	}
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.OIDC, c.OIDCClientIDs, c.OIDCClientSecrets = "acme="+issuer, "acme="+standin.ClientID, "acme="+standin.Secret
		c.OIDCTrustedDomains = "acme=example.org"
		o.Outside = outside{"login.microsoftonline.com": p}
	})
	p.Clock, p.Redirect = a.Clock.Now, a.URL+"/-/login/acme/callback"
	a.Verified(victim.Email)
	mallory := standin.Person{Sub: "mallory", Name: "M", Email: victim.Email, Verified: true}
	refused(t, a, p, mallory, 403, "Sign in the way you did before")

	// Whoever is linked and writes another's address into the account stays himself.
	b := a.Browser()
	at(t, a, b, "acme", p, standin.Person{Sub: "mallory2", Name: "M", Email: "m@evil.example"}).Want(200)
	at(t, a, b, "acme", p, standin.Person{Sub: "mallory2", Name: "M", Email: victim.Email, Verified: true}).Want(200)
	b.Get("/-/account").Want(200, "m@evil.example").Without(victim.Email)

	for _, yes := range []any{true, "1", 1} {
		p.Twist.Claims = func(c map[string]any) { c["xms_edov"] = yes }
		owner := a.Browser()
		at(t, a, owner, "acme", p, victim).Want(200)
		owner.Get("/-/account").Want(200, victim.Email)
	}
}

func TestAttack06ForwardedHostDoesNotSayWhereToComeBack(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Header.Set("X-Forwarded-Host", "evil.example")
	b.Header.Set("Forwarded", "host=evil.example")
	if got := leave(t, b, "/-/login/standin").Query().Get("redirect_uri"); got != a.URL+"/-/login/standin/callback" {
		t.Errorf("comes back to %s", got)
	}
}

func TestAttack23NextStaysHere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/%2f/evil.example", a.URL + "@evil.example"} {
		b := a.Browser()
		if p := b.Get(back(t, a, a.StandIn, leave(t, b, "/-/login/standin", "next", next), ada)).Want(200); p.Path != "/" {
			t.Errorf("%s led to %s", next, p.Path)
		}
	}
}
