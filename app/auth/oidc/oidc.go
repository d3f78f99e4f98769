// Package oidc is the client side of signing in somewhere else: Google, GitHub,
// and any issuer of OpenID Connect. It asks a provider who somebody is and
// believes no answer that it has not verified; what the answer means for the
// accounts here is auth's business.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Kind says which rules a provider follows.
type Kind string

// The kinds there are. A StandIn follows Google's rules.
const (
	Google  Kind = "google"
	GitHub  Kind = "github"
	OIDC    Kind = "oidc"
	StandIn Kind = "standin"
)

// The issuers that need no configuration. GitHub's is no OpenID Connect: it only
// stands for GitHub beside the subject.
const (
	GoogleIssuer = "https://accounts.google.com"
	GitHubIssuer = "https://github.com"
)

// Settings are how one provider is configured.
type Settings struct {
	Kind     Kind
	Name     string // in paths and in the audit log: lower case letters, digits and dashes
	Label    string // for people
	Issuer   string
	ClientID string
	Secret   string
	Redirect string   // where the provider sends people back to
	Domains  []string // whose addresses an OIDC provider is trusted to know the owners of; ASCII, lower case
	Loopback bool     // it runs on this machine, over plain HTTP: development alone
}

// Options are what a provider needs of the process.
type Options struct {
	Clock     func() time.Time
	Transport http.RoundTripper // the network if nil
	Timeout   time.Duration     // of one call; 10 s if 0
	// Through is what every call goes through on its way out; nothing if nil.
	Through func(http.RoundTripper) http.RoundTripper
}

// Provider is one place where people can prove who they are.
type Provider struct {
	Settings
	clock  func() time.Time
	client *http.Client
	keys   *http.Client // the same, with the throttle before the provider's keys

	life context.Context // of what is asked for the process's sake; ended by Close
	end  context.CancelFunc
	asks sync.WaitGroup

	mu     sync.Mutex
	known  *metadata
	asking chan struct{} // closed when the discovery that is under way has ended; nil for none
	failed error         // of the last discovery
	tried  time.Time
}

// Claims are what a provider says of a person.
type Claims struct {
	Issuer string
	Sub    string // what identifies the person at the issuer, for ever
	Name   string
	Email  string
	// Verified: the provider says that the address is the person's. Whether it can
	// know is another question, see Authoritative.
	Verified bool
	Hosted   string // Google's hd: the organization whose account it is
}

// Error is why a provider's answer is not taken.
type Error struct {
	Reason string // for the audit log: unavailable, code, token, profile
	Err    error
}

func (e *Error) Error() string { return e.Reason + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func refuse(reason, format string, args ...any) error {
	return &Error{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// New makes a provider. Nothing is asked of it before it is needed, see Warm; Close
// it when nothing will be any more.
func New(s Settings, o Options) (*Provider, error) {
	if s.Name == "" || s.ClientID == "" || s.Redirect == "" {
		return nil, errors.New("a provider needs a name, a client id and a redirect address")
	}
	if err := s.checkURL(s.Issuer); err != nil {
		return nil, fmt.Errorf("provider %s: %w", s.Name, err)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	p := &Provider{Settings: s, clock: o.Clock}
	p.life, p.end = context.WithCancel(context.Background())
	outward := o.Transport
	if outward == nil {
		outward = newTransport(s.Loopback)
	}
	if o.Through != nil {
		outward = o.Through(outward)
	}
	outward = bounded{outward}
	p.client = &http.Client{Transport: outward, Timeout: o.Timeout, CheckRedirect: sameHost}
	p.keys = &http.Client{Transport: &throttle{next: outward, clock: o.Clock}, Timeout: o.Timeout, CheckRedirect: sameHost}
	return p, nil
}

// checkURL refuses an address that is not https, but for this machine's own.
func (s Settings) checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is no address", text)
	case u.Scheme == "https" || s.Loopback && u.Scheme == "http":
		return nil
	}
	return fmt.Errorf("%q is not https", text)
}

// Proof are the three values that bind an answer to its question. The state is
// seen by the browser, the nonce comes back in the ID token, and the verifier is
// shown only when the code is exchanged (RFC 7636).
type Proof struct{ State, Nonce, Verifier string }

// NewVerifier is a PKCE code verifier.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// Start is where to send a browser.
func (p *Provider) Start(ctx context.Context, v Proof) (string, error) {
	c, err := p.config(ctx)
	if err != nil {
		return "", err
	}
	with := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(v.Verifier)}
	if p.Kind != GitHub {
		with = append(with, oauth2.SetAuthURLParam("nonce", v.Nonce))
	}
	if p.Kind == Google || p.Kind == GitHub {
		// Whoever has two accounts there chooses which one he means.
		with = append(with, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	return c.AuthCodeURL(v.State, with...), nil
}

// config is the provider as x/oauth2 takes it.
func (p *Provider) config(ctx context.Context) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, RedirectURL: p.Redirect}
	if p.Kind == GitHub {
		c.Endpoint, c.Scopes = githubEndpoint, []string{"read:user", "user:email"}
		return c, nil
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return nil, err
	}
	c.Endpoint, c.Scopes = m.endpoint, []string{"openid", "email", "profile"}
	return c, nil
}

// Finish trades the code that came back for who the person is.
func (p *Provider) Finish(ctx context.Context, code string, v Proof) (Claims, error) {
	c, err := p.config(ctx)
	if err != nil {
		return Claims{}, err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.client)
	t, err := c.Exchange(ctx, code, oauth2.VerifierOption(v.Verifier))
	var answered *oauth2.RetrieveError
	switch {
	case errors.As(err, &answered):
		return Claims{}, refuse("code", "%w", err)
	case err != nil:
		return Claims{}, refuse("unavailable", "%w", err)
	}
	if p.Kind == GitHub {
		return p.profile(ctx, t.AccessToken)
	}
	return p.verify(ctx, t, v.Nonce)
}

// Authoritative reports whether the provider can know whose address this is, so
// that its word is as good as a mail that was answered; domain is the
// address's, in ASCII and lower case (spec/auth.md 1.1). Google hosts the
// mailboxes of gmail.com and of its organizations and only passes on the rest;
// GitHub lists what was verified by mail; what others say counts for the domains
// they are configured for.
func (p *Provider) Authoritative(c Claims, domain string) bool {
	if !c.Verified {
		return false
	}
	switch p.Kind {
	case Google, StandIn:
		return domain == "gmail.com" || c.Hosted != ""
	case GitHub:
		return true
	}
	for _, d := range p.Domains {
		if d == domain {
			return true
		}
	}
	return false
}

// Icon is the provider's mark in the sprite.
func (s Settings) Icon() string {
	if s.Kind == Google || s.Kind == GitHub {
		return string(s.Kind)
	}
	return "key-round"
}

// labels are names that are written otherwise than they begin.
var labels = map[string]string{"github": "GitHub", "gitlab": "GitLab", "linkedin": "LinkedIn", "onelogin": "OneLogin", "jumpcloud": "JumpCloud"}

// Label is a provider's name for people.
func Label(name string) string {
	if label := labels[name]; label != "" {
		return label
	}
	words := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// Title is the label at the beginning of a line.
func (s Settings) Title() string { return strings.ToUpper(s.Label[:1]) + s.Label[1:] }

// entra reports whether an issuer is Microsoft's, in any of its clouds, where
// anybody who runs a tenant can write any address into an account (nOAuth).
func entra(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	for _, of := range []string{"microsoftonline.com", "microsoftonline.us", "microsoftonline.de", "partner.microsoftonline.cn", "windows.net", "ciamlogin.com", "b2clogin.com"} {
		if host == of || strings.HasSuffix(host, "."+of) {
			return true
		}
	}
	return false
}
