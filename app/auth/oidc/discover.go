package oidc

import (
	"context"
	"fmt"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What a provider publishes of itself is asked for anew after an hour, which
// also forgets the keys that it no longer publishes, and after a failure not
// before this time is over.
const (
	askAgain   = time.Hour
	afterFault = 15 * time.Second
)

// metadata is what discovery gave (OpenID Connect Discovery 1.0 section 3).
type metadata struct {
	at       time.Time
	endpoint oauth2.Endpoint
	verifier *gooidc.IDTokenVerifier
	provider *gooidc.Provider // for userinfo
}

// algorithms that an ID token may be signed with: never none, and none of HMAC,
// for which a public key would do.
var algorithms = []string{gooidc.RS256, gooidc.ES256, gooidc.EdDSA}

// leeway is by how much the provider's clock and ours may differ.
const leeway = time.Minute

// Warm asks the provider what it publishes, if that is due, and does not wait.
func (p *Provider) Warm() {
	if p.Kind != GitHub {
		p.mu.Lock()
		p.ask()
		p.mu.Unlock()
	}
}

// metadata is what is known of the provider. Old knowledge is used while new is
// asked for; without any the caller waits.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	p.ask()
	known, asking, failed := p.known, p.asking, p.failed
	p.mu.Unlock()
	switch {
	case known != nil:
		return known, nil
	case asking == nil:
		return nil, failed
	}
	select {
	case <-asking:
	case <-ctx.Done():
		return nil, refuse("unavailable", "%w", ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		return nil, p.failed
	}
	return p.known, nil
}

// ask starts a discovery if one is due; p.mu is held. It belongs to the process
// and not to the request that happened to need it.
func (p *Provider) ask() {
	now := p.clock()
	fresh := p.known != nil && now.Sub(p.known.at) < askAgain
	resting := p.failed != nil && now.Sub(p.tried) < afterFault
	if fresh || resting || p.asking != nil {
		return
	}
	if err := p.life.Err(); err != nil {
		p.failed = refuse("unavailable", "%w", err)
		return
	}
	p.asking, p.tried = make(chan struct{}), now
	p.asks.Go(func() {
		found, err := p.discover(p.life, now)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.failed = err; err == nil {
			p.known = found
		}
		close(p.asking)
		p.asking = nil
	})
}

// Close ends what is being asked and waits for it. Nothing more is asked of the
// provider.
func (p *Provider) Close() {
	p.mu.Lock() // whoever asks has begun by now, or will see that it has ended
	p.end()
	p.mu.Unlock()
	p.asks.Wait()
}

// discover asks the issuer. go-oidc refuses one that calls itself by another name.
func (p *Provider) discover(ctx context.Context, now time.Time) (*metadata, error) {
	provider, err := gooidc.NewProvider(gooidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, refuse("unavailable", "discovery: %w", err)
	}
	var says struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, refuse("unavailable", "discovery: %w", err)
	}
	m := &metadata{at: now, endpoint: provider.Endpoint(), provider: provider}
	for what, address := range map[string]string{"jwks_uri": says.Keys, "authorization_endpoint": m.endpoint.AuthURL, "token_endpoint": m.endpoint.TokenURL} {
		if err := p.checkURL(address); err != nil {
			return nil, refuse("unavailable", "discovery: %s: %w", what, err)
		}
	}
	m.endpoint.AuthStyle = p.style(says.Methods)
	keys := gooidc.NewRemoteKeySet(gooidc.ClientContext(ctx, p.keys), says.Keys)
	m.verifier = gooidc.NewVerifier(p.Issuer, keys, &gooidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return p.clock().Add(-leeway) }})
	return m, nil
}

// style is how the client shows its secret. It is never tried out: a code that
// was shown once is used up.
func (p *Provider) style(methods []string) oauth2.AuthStyle {
	basic := len(methods) == 0 // the default, OpenID Connect Core section 9
	for _, m := range methods {
		basic = basic || m == "client_secret_basic"
	}
	if basic && p.Secret != "" {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// String is the provider in a log line.
func (p *Provider) String() string { return fmt.Sprintf("%s (%s)", p.Name, p.Issuer) }
