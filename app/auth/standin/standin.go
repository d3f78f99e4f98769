// Package standin is an identity provider of made-up people, so that signing in
// somewhere else can be tried without an account anywhere and without a
// network: in development, where it has a page to choose who to be, and in
// tests, where it can also misbehave.
package standin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/web"
)

// ClientID is whom it knows; its secret is nobody's secret.
const (
	ClientID = "seaworthy"
	Secret   = "simulated"
)

// Path is where it is found below the installation's address.
const Path = "/-/dev/oidc"

// Person is somebody made up.
type Person struct {
	Sub      string
	Name     string
	Email    string
	Verified bool
	Hosted   string // the organization that hosts the account; "" for none
}

// Options are what a stand-in is made of.
type Options struct {
	Issuer   string
	Redirect string // the one place it sends people back to
	Clock    func() time.Time
	Pages    *web.Pages // for the page to choose; nil where Grant is called instead
}

// Provider is one stand-in.
type Provider struct {
	Options
	Twist Twist
	// KeyFetches counts how often its keys were asked for.
	KeyFetches atomic.Int64

	key   *ecdsa.PrivateKey
	mux   *http.ServeMux
	mu    sync.Mutex
	codes map[string]grant
}

// Twist is how it misbehaves; the zero value is an honest provider.
type Twist struct {
	Discovery func(document map[string]any)
	Claims    func(claims map[string]any)
	Sign      func(header, claims map[string]any) string // instead of the true signature
	Answer    func(w http.ResponseWriter, r *http.Request) (done bool)
}

// grant is what a code stands for.
type grant struct {
	person           Person
	nonce, challenge string
	made             time.Time
}

// A code is good for a minute and for one exchange; so many are kept at most.
const (
	codeLife = time.Minute
	maxCodes = 1000
)

// New makes a stand-in.
func New(o Options) (*Provider, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &Provider{Options: o, key: key, codes: map[string]grant{}, mux: http.NewServeMux()}
	base := ""
	if u, err := url.Parse(o.Issuer); err == nil {
		base = u.Path
	}
	p.mux.HandleFunc("GET "+base+"/.well-known/openid-configuration", p.discovery)
	p.mux.HandleFunc("GET "+base+"/jwks", p.jwks)
	p.mux.HandleFunc("POST "+base+"/token", p.token)
	return p, nil
}

// ServeHTTP answers what programs ask.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Twist.Answer != nil && p.Twist.Answer(w, r) {
		return
	}
	p.mux.ServeHTTP(w, r)
}

// RoundTrip implements http.RoundTripper: the app asks the stand-in within the
// process, so that it works wherever the app is reached.
func (p *Provider) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, r)
	res := answer.Result()
	res.Request = r
	return res, nil
}

// Ask is what a browser brings along to the authorization endpoint.
type Ask struct {
	ResponseType string
	ClientID     string
	RedirectURI  string
	Scope        string
	State        string
	Nonce        string
	Challenge    string
	Method       string
}

// AskOf reads it from the query of an address.
func AskOf(q url.Values) Ask {
	return Ask{ResponseType: q.Get("response_type"), ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), Scope: q.Get("scope"),
		State: q.Get("state"), Nonce: q.Get("nonce"), Challenge: q.Get("code_challenge"), Method: q.Get("code_challenge_method")}
}

// check refuses what an honest provider would refuse.
func (p *Provider) check(a Ask) error {
	if a.ClientID != ClientID || a.RedirectURI != p.Redirect {
		return web.BadRequest("unknown_client", "The stand-in provider knows only this installation, and sends nobody anywhere else.")
	}
	if a.ResponseType != "code" || a.State == "" || a.Challenge == "" || a.Method != "S256" {
		return web.BadRequest("bad_request", "The stand-in provider takes a code flow with state and PKCE (S256) alone.")
	}
	return nil
}

// Grant answers a request as the person, and returns where to send the browser.
func (p *Provider) Grant(a Ask, who Person) (string, error) {
	if err := p.check(a); err != nil {
		return "", err
	}
	if who.Sub == "" {
		sum := sha256.Sum256([]byte(who.Email))
		who.Sub = "made-up-" + base64.RawURLEncoding.EncodeToString(sum[:9])
	}
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.codes) >= maxCodes {
		clear(p.codes)
	}
	p.codes[code] = grant{person: who, nonce: a.Nonce, challenge: a.Challenge, made: p.Clock()}
	return a.RedirectURI + "?" + url.Values{"code": {code}, "state": {a.State}}.Encode(), nil
}

// Deny answers a request with a refusal.
func (p *Provider) Deny(a Ask) (string, error) {
	if err := p.check(a); err != nil {
		return "", err
	}
	return a.RedirectURI + "?" + url.Values{"error": {"access_denied"}, "state": {a.State}}.Encode(), nil
}

// Query is the request as AskOf reads it.
func (a Ask) Query() string {
	return url.Values{"response_type": {a.ResponseType}, "client_id": {a.ClientID}, "redirect_uri": {a.RedirectURI}, "scope": {a.Scope},
		"state": {a.State}, "nonce": {a.Nonce}, "code_challenge": {a.Challenge}, "code_challenge_method": {a.Method}}.Encode()
}

func parseAsk(text string) (Ask, error) {
	q, err := url.ParseQuery(text)
	if err != nil {
		return Ask{}, web.BadRequest("bad_request", "The request to sign in could not be read.")
	}
	return AskOf(q), nil
}
