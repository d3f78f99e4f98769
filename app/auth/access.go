package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/web"
	"seaworthy/store"
)

// An access token lives for five minutes. Whoever verifies one without asking us
// learns of a revocation after that time at the latest.
const (
	accessLife = 5 * time.Minute
	maxAccess  = 8 << 10 // bytes of a token that is looked at
	accessType = "at+jwt"
	// firstParty is the client of our own sign-in.
	firstParty = "seaworthy"
)

// accessClaims are what an access token says (RFC 9068 section 2.2), and which
// session it hangs off. Roles and permissions are for those who verify it on
// their own; here the session's row decides.
type accessClaims struct {
	jwt.RegisteredClaims
	Client      string   `json:"client_id"`
	Session     string   `json:"sid"`
	Epoch       int64    `json:"epoch"`
	Org         string   `json:"org,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Scope       string   `json:"scope,omitempty"`
	Plan        string   `json:"plan,omitempty"`         // that the org is on
	Features    []string `json:"entitlements,omitempty"` // features that it gives
	AMR         []string `json:"amr"`
	AuthTime    int64    `json:"auth_time"` // seconds, as all times of a JWT
	ACR         string   `json:"acr"`       // aal1: one factor, aal2: two
	Act         *actor   `json:"act,omitempty"`

	kid string // of the key that signed it
}

// actor is who acts in the user's place (RFC 8693 section 4.1).
type actor struct {
	Sub string `json:"sub"`
}

// issuer is who we are in tokens, and where what we publish is found.
func (s *System) issuer() string { return s.URL + "/-" }

// mint signs an access token for a session.
func (s *System) mint(g *grant) (string, error) {
	now, se := s.DB.Now(), g.session
	c := accessClaims{RegisteredClaims: jwt.RegisteredClaims{Issuer: s.issuer(), Subject: se.user.id, Audience: jwt.ClaimStrings{s.URL},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(accessLife)), ID: s.DB.NewID("jwt")},
		Client: se.client, Session: se.id, Epoch: se.epoch, Org: se.org, Roles: g.roles, Permissions: se.permissions, Scope: se.scopes, Plan: g.plan, Features: g.entitlements,
		AMR: strings.Fields(se.amr), AuthTime: se.authTime.Unix(), ACR: "aal1"}
	if se.aal > 1 {
		c.ACR = "aal2"
	}
	if se.impersonator != "" {
		c.Act = &actor{se.impersonator}
	}
	raw, err := s.sign(c)
	if len(raw) > maxAccess { // better without them than refused everywhere
		c.Roles, c.Permissions, c.Features = nil, nil, nil
		raw, err = s.sign(c)
	}
	return raw, err
}

func (s *System) sign(c accessClaims) (string, error) {
	key := s.ring.Load().active
	t := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	t.Header["typ"], t.Header["kid"] = accessType, key.kid
	return t.SignedString(key.private)
}

var errAccess = errors.New("this is no access token of ours that works")

// verify reads an access token of ours strictly (RFC 9068 section 4): the
// algorithm, the type, a key that is published, the issuer, the audience and the
// end of its life. The signature of one that was seen is not computed again.
func (s *System) verify(raw string) (*accessClaims, error) {
	if len(raw) > maxAccess || strings.Count(raw, ".") != 2 {
		return nil, errAccess
	}
	now := s.DB.Now()
	if c := s.proven.get(raw); c != nil {
		if !now.Before(c.ExpiresAt.Time) || s.ring.Load().verifier(c.kid, now) == nil {
			return nil, errAccess
		}
		return c, nil
	}
	c := &accessClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(s.issuer()), jwt.WithAudience(s.URL),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.DB.Now))
	_, err := parser.ParseWithClaims(raw, c, func(t *jwt.Token) (any, error) {
		typ, _ := t.Header["typ"].(string)
		_, critical := t.Header["crit"] // an extension that must be understood, and none is
		c.kid, _ = t.Header["kid"].(string)
		key := s.ring.Load().verifier(c.kid, now)
		if !strings.EqualFold(typ, accessType) && !strings.EqualFold(typ, "application/"+accessType) || critical || key == nil {
			return nil, errAccess
		}
		return key, nil
	})
	if err != nil || c.Session == "" || c.Subject == "" {
		return nil, errAccess
	}
	s.proven.put(raw, c)
	return c, nil
}

// identifyAccess finds who shows an access token. The signature says that it was
// ours; the session's row says whether it still counts, so that a revocation is
// felt by the next request. One that does not count is nobody's: programs show
// an expired token also where they ask for a new one.
func (s *System) identifyAccess(ctx context.Context, raw string) (web.Identity, error) {
	c, err := s.verify(raw)
	if err != nil {
		return web.Identity{}, nil
	}
	se, err := s.lookUp(ctx, func(tx *store.Tx) (*session, error) { return sessionOf(tx, c) })
	if isNotFound(err) {
		return web.Identity{}, nil
	}
	if err != nil {
		return web.Identity{}, err
	}
	web.OriginOf(ctx).Found = se
	return s.inUse(ctx, se), nil
}
