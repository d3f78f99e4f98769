package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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
		Jobs: []string{"email.deliver", "email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1, "auth_one_time": 1}}) // one identity went, one came
	for _, e := range a.Events(10) {
		if e.Action == "user.seized" {
			for _, what := range []string{"password", "identities", "keys", "pending_tokens", "trusted_devices"} {
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

func TestAttack03AndAttack04TokensForOthersAreRefused(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme")
	for name, twist := range map[string]func(map[string]any){
		"another issuer":              func(c map[string]any) { c["iss"] = "https://evil.example" },
		"no issuer":                   func(c map[string]any) { delete(c, "iss") },
		"issuer with a slash":         func(c map[string]any) { c["iss"] = p[0].Issuer + "/" },
		"another audience":            func(c map[string]any) { c["aud"] = "somebody-else" },
		"no audience":                 func(c map[string]any) { delete(c, "aud") },
		"two audiences without azp":   func(c map[string]any) { c["aud"] = []string{standin.ClientID, "somebody-else"} },
		"issued to another":           func(c map[string]any) { c["azp"] = "somebody-else" },
		"another nonce":               func(c map[string]any) { c["nonce"] = "x" },
		"no nonce":                    func(c map[string]any) { delete(c, "nonce") },
		"expired":                     func(c map[string]any) { c["exp"] = a.Clock.Now().Add(-2 * time.Minute).Unix() },
		"no expiry":                   func(c map[string]any) { delete(c, "exp") },
		"from the future":             func(c map[string]any) { c["iat"] = a.Clock.Now().Add(time.Hour).Unix() },
		"not yet valid":               func(c map[string]any) { c["nbf"] = a.Clock.Now().Add(time.Hour).Unix() },
		"no subject":                  func(c map[string]any) { delete(c, "sub") },
		"a subject that is too long":  func(c map[string]any) { c["sub"] = strings.Repeat("s", 256) },
		"a subject with a line break": func(c map[string]any) { c["sub"] = "a\nb" },
		"hash of another token":       func(c map[string]any) { c["at_hash"] = "x" },
	} {
		p[0].Twist.Claims = twist
		t.Log(name)
		refused(t, a, p[0], victim, 403, "Acme did not confirm who you are")
	}
	p[0].Twist.Claims = func(c map[string]any) { // all of it in order
		c["aud"], c["azp"], c["exp"] = []string{standin.ClientID, "somebody-else"}, standin.ClientID, a.Clock.Now().Add(-30*time.Second).Unix()
	}
	at(t, a, a.Browser(), "acme", p[0], victim).Want(200)
}

func TestAttack03IssuerThatCallsItselfAnotherIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, twist := range map[string]func(map[string]any){
		"another issuer":          func(d map[string]any) { d["issuer"] = "https://accounts.google.com" },
		"keys over plain http":    func(d map[string]any) { d["jwks_uri"] = "ftp://127.0.0.1/keys" },
		"a script to authorize":   func(d map[string]any) { d["authorization_endpoint"] = "javascript:alert(1)" },
		"no token endpoint":       func(d map[string]any) { delete(d, "token_endpoint") },
		"a document without end":  func(d map[string]any) { d["x"] = strings.Repeat("x", 1<<20) },
		"keys in another's place": func(d map[string]any) { d["jwks_uri"] = "https://user:pw@evil.example/keys" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, p := issuers(t, "acme")
			p[0].Twist.Discovery = twist
			a.Browser().Post("/-/login/acme").Want(503, "We cannot reach Acme")
			a.ExpectNothing()
			p[0].Twist.Discovery = nil
			a.Browser().Post("/-/login/acme").Want(503) // it rests a while before it asks again
			a.Clock.Advance(20 * time.Second)
			at(t, a, a.Browser(), "acme", p[0], victim).Want(200)
		})
	}
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

func TestAttack25StateBelongsToOneBrowserProviderAndUse(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme", "other")
	b, mallory := a.Browser(), a.Browser()
	there := back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	leave(t, mallory, "/-/login/acme") // has a cookie of his own
	code := func(path string) (code, state string) {
		u, err := url.Parse(path)
		a.Must(err)
		return u.Query().Get("code"), u.Query().Get("state")
	}
	c, s := code(there)
	a.Forget()
	const dead = "This sign-in cannot go on"
	a.Browser().Get(there).Want(400, dead)                                                  // a browser that never went
	mallory.Get(there).Want(400, dead)                                                      // another browser
	b.Get(strings.Replace(there, "/acme/", "/other/", 1)).Want(400, dead)                   // another provider
	b.Get("/-/login/acme/callback?code="+c+"&state="+s+"x").Want(400, dead)                 // an invented state
	b.Get("/-/login/acme/callback?code="+c).Want(400, dead)                                 // none
	b.Get("/-/login/acme/callback?state="+s).Want(400, "Something went wrong at Acme")      // no code
	b.Get("/-/login/acme/callback?error=server_error&state="+s).Want(400, "Something went") // an error there
	b.Get("/-/login/acme/callback?error=access_denied&state="+s).Want(403, "You did not go on with Acme")
	b.Get("/-/login/acme/callback?error=access_denied").Want(400, dead)
	b.Get("/-/login/nobody/callback?state=" + s).Want(404)
	a.ExpectNothing()

	b.Get(there).Want(200) // and it was not spoilt by any of that
	a.Forget()
	b.Get(there).Want(400, dead)
	a.Clock.Advance(30 * time.Second)
	b.Get(there).Want(400, dead)
	a.ExpectNothing()

	// An answer that names another issuer (RFC 9207), and one that comes too late.
	there = back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	b.Get(there+"&iss="+url.QueryEscape(p[1].Issuer)).Want(400, "Something went wrong")
	there = back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	a.Clock.Advance(11 * time.Minute)
	b.Get(there).Want(400, dead)
}

// A link that was begun in one session ends in no other, or whoever is lured
// there would open his account to somebody else.
func TestAttack25LinkBelongsToOneSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(ada.Email)
	there := back(t, a, a.StandIn, leave(t, b, "/-/account/security/identities/standin/link"), grace)
	b.Post("/-/logout").Want(200)
	a.Forget()
	b.Get(there).Want(400, "This sign-in cannot go on")
	a.ExpectNothing()
	b.Post("/-/login", "email", ada.Email, "password", apptest.Password).Want(200)
	a.Forget()
	b.Get(there).Want(400, "This sign-in cannot go on")
	a.Bearer("x").Post("/-/login/standin").Want(403)
	a.ExpectNothing()
}

func TestAttack25ParallelCallbacksGiveOneSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Browser()
	there := back(t, a, a.StandIn, leave(t, b, "/-/login/standin"), ada)
	var in, out atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch b.Get(there).Status {
			case 200:
				in.Add(1)
			case 400:
				out.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || out.Load() != 19 || a.Count("auth_session") != 1 || a.Count("auth_user") != 1 {
		t.Errorf("%d signed in, %d refused, %d sessions, %d users", in.Load(), out.Load(), a.Count("auth_session"), a.Count("auth_user"))
	}
}

// compact writes a token with any signature.
func compact(header, claims map[string]any, sign func(text []byte) []byte) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

func TestAttack31ForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme")
	for name, sign := range map[string]func(h, c map[string]any) string{
		"none": func(h, c map[string]any) string {
			h["alg"] = "none"
			return compact(h, c, func([]byte) []byte { return nil })
		},
		"HMAC under the public key": func(h, c map[string]any) string {
			h["alg"] = "HS256"
			return compact(h, c, func(text []byte) []byte {
				m := hmac.New(sha256.New, p[0].PublicKey())
				m.Write(text)
				return m.Sum(nil)
			})
		},
		"a made-up signature": func(h, c map[string]any) string {
			return compact(h, c, func([]byte) []byte { return make([]byte, 64) })
		},
		"a key of its own": func(h, c map[string]any) string {
			h["jwk"] = map[string]any{"kty": "oct", "k": "AAAA"}
			return compact(h, c, func([]byte) []byte { return make([]byte, 64) })
		},
		"200 kB of dots": func(h, c map[string]any) string { return strings.Repeat(".", 200<<10) },
		"nothing":        func(h, c map[string]any) string { return "" },
		"JSON":           func(h, c map[string]any) string { return `{"payload":"e30","signatures":[]}` },
	} {
		p[0].Twist.Sign = sign
		t.Log(name)
		a.Forget()
		at(t, a, a.Browser(), "acme", p[0], victim).Want(403, "Acme did not confirm who you are")
		a.Expect(apptest.Happened{Audit: []string{"session.refused"}, Rows: map[string]int{"auth_one_time": 1}})
	}
}

func TestAttack31UnknownKeysAreLookedUpOnceIn30Seconds(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme")
	n := 0
	p[0].Twist.Sign = func(h, c map[string]any) string {
		n++
		h["kid"] = strings.Repeat("k", n)
		return compact(h, c, func([]byte) []byte { return make([]byte, 64) })
	}
	for range 10 {
		at(t, a, a.Browser(), "acme", p[0], victim).Want(403)
	}
	if got := p[0].KeyFetches.Load(); got != 1 {
		t.Errorf("%d fetches", got)
	}
	a.Clock.Advance(31 * time.Second)
	for range 10 {
		at(t, a, a.Browser(), "acme", p[0], victim).Want(403)
	}
	if got := p[0].KeyFetches.Load(); got != 2 {
		t.Errorf("%d fetches after half a minute", got)
	}
	p[0].Twist.Sign = nil
	at(t, a, a.Browser(), "acme", p[0], victim).Want(200)
}
