package oidc

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/oauth2"
)

const (
	maxToken = 16 << 10 // bytes of an ID token that is looked at
	maxSub   = 255      // OpenID Connect Core section 2
)

// said is a boolean as providers write it: true, "true", 1 or "1".
type said bool

// UnmarshalJSON implements json.Unmarshaler. Anything else is false: a provider
// that says it in no known way has not said it.
func (b *said) UnmarshalJSON(text []byte) error {
	switch strings.Trim(string(text), `"`) {
	case "true", "1":
		*b = true
	default:
		*b = false
	}
	return nil
}

// person are the claims of an ID token or of userinfo that are read.
type person struct {
	Sub       string `json:"sub"`
	AZP       string `json:"azp"`
	Name      string `json:"name"`
	Preferred string `json:"preferred_username"`
	Email     string `json:"email"`
	Verified  said   `json:"email_verified"`
	Owner     said   `json:"xms_edov"` // Entra: the domain's owner was verified
	Hosted    string `json:"hd"`
}

// personOf reads claims strictly: encoding/json would take "Email", which people
// may be free to set, for "email", and the last of two.
func personOf(from interface{ Claims(into any) error }) (of person, err error) {
	var raw jsontext.Value
	if err := from.Claims(&raw); err != nil {
		return of, err
	}
	return of, json.Unmarshal(raw, &of)
}

// verify reads the ID token of an exchange (OpenID Connect Core section 3.1.3.7).
// go-oidc looks at the signature, issuer, audience and expiry.
func (p *Provider) verify(ctx context.Context, t *oauth2.Token, nonce string) (Claims, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return Claims{}, err
	}
	raw, _ := t.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken || strings.Count(raw, ".") != 2 || raw[0] == '{' {
		return Claims{}, refuse("token", "there is no ID token of the expected form, but %d bytes", len(raw))
	}
	id, err := m.verifier.Verify(ctx, raw)
	if err != nil {
		return Claims{}, refuse("token", "%w", err)
	}
	of, err := personOf(id)
	if err != nil {
		return Claims{}, refuse("token", "%w", err)
	}
	if err := p.check(id, of, nonce, t.AccessToken); err != nil {
		return Claims{}, err
	}
	if of.Email == "" && m.provider.UserInfoEndpoint() != "" {
		if of, err = p.userInfo(ctx, m, t, of); err != nil {
			return Claims{}, err
		}
	}
	return p.claims(of), nil
}

// check looks at what go-oidc leaves to its caller.
func (p *Provider) check(id *gooidc.IDToken, of person, nonce, access string) error {
	switch {
	case nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return refuse("token", "the nonce is another sign-in's")
	case of.AZP != "" && of.AZP != p.ClientID, len(id.Audience) > 1 && of.AZP == "":
		return refuse("token", "it was issued to %q", of.AZP)
	case id.IssuedAt.After(p.clock().Add(5 * time.Minute)):
		return refuse("token", "it is from the future: %s", id.IssuedAt)
	case !plain(of.Sub) || of.Sub != id.Subject:
		return refuse("token", "the subject cannot be one")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(access); err != nil {
			return refuse("token", "%w", err)
		}
	}
	return nil
}

// plain reports whether a subject is what the standard allows: ASCII, not too long.
func plain(sub string) bool {
	return sub != "" && len(sub) <= maxSub && !strings.ContainsFunc(sub, func(r rune) bool { return r <= ' ' || r > '~' })
}

// userInfo asks for what the ID token does not say, which must be of the same
// person (OpenID Connect Core section 5.3.2).
func (p *Provider) userInfo(ctx context.Context, m *metadata, t *oauth2.Token, of person) (person, error) {
	if err := p.checkURL(m.provider.UserInfoEndpoint()); err != nil {
		return of, refuse("profile", "%w", err)
	}
	info, err := m.provider.UserInfo(gooidc.ClientContext(ctx, p.client), oauth2.StaticTokenSource(t))
	if err != nil {
		return of, refuse("profile", "%w", err)
	}
	more, err := personOf(info)
	if err != nil {
		return of, refuse("profile", "%w", err)
	}
	if more.Sub != of.Sub {
		return of, refuse("profile", "it is somebody else's")
	}
	return more, nil
}

func (p *Provider) claims(of person) Claims {
	c := Claims{Issuer: p.Issuer, Sub: of.Sub, Name: of.Name, Email: of.Email, Verified: bool(of.Verified), Hosted: of.Hosted}
	if c.Name == "" {
		c.Name = of.Preferred
	}
	if entra(p.Issuer) {
		c.Verified = bool(of.Owner)
	}
	return c
}
