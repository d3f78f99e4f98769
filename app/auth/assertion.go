package auth

import (
	"context"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/web"
	"seaworthy/store"
)

// The app behind learns who asks from an assertion: a JWT that lives for a minute, is
// meant for it alone and is signed with the keys of jwks.json.
const (
	AssertionLife     = time.Minute
	AssertionAudience = "app"
	assertionType     = "assertion+jwt" // so that none is taken for an access token
)

// Assertion is what the app behind is told of whoever makes a request.
type Assertion struct {
	Subject      string         // usr_… of a person, key_… of a program
	Email        string         // "" for a program
	Verified     bool           // the address
	Name         string         //
	Session      string         // "" for a program
	Org          string         // that he works in; "" for none
	OrgSlug      string         //
	Roles        []string       // in the org and in the whole installation
	Plan         string         // of the org; "" for none
	Permissions  []string       // in the org
	Entitlements []string       // features that the org's plan gives, as in access tokens; nil for none
	Flags        map[string]any // what each flag says; nil for none
	Level        int            // of assurance: 2 with a second factor
	AuthTime     time.Time      // when he last showed who he is; zero for a program
	Impersonator string         // who acts in his place; "" for himself
}

type assertionClaims struct {
	jwt.RegisteredClaims
	Email        string         `json:"email,omitempty"`
	Verified     bool           `json:"email_verified,omitempty"`
	Name         string         `json:"name,omitempty"`
	Session      string         `json:"sid,omitempty"`
	Org          string         `json:"org,omitempty"`
	OrgSlug      string         `json:"org_slug,omitempty"`
	Roles        []string       `json:"roles"`
	Plan         string         `json:"plan,omitempty"`
	Permissions  []string       `json:"permissions"`
	Entitlements []string       `json:"entitlements,omitempty"`
	Flags        map[string]any `json:"flags,omitempty"`
	ACR          string         `json:"acr,omitempty"`
	AuthTime     int64          `json:"auth_time,omitempty"`
	Act          *actor         `json:"act,omitempty"`
}

// Assert signs an assertion.
func (s *System) Assert(a Assertion) (string, error) {
	now := s.DB.Now()
	c := assertionClaims{RegisteredClaims: jwt.RegisteredClaims{Issuer: s.issuer(), Subject: a.Subject, Audience: jwt.ClaimStrings{AssertionAudience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AssertionLife))},
		Email: a.Email, Verified: a.Verified, Name: a.Name, Session: a.Session, Org: a.Org, OrgSlug: a.OrgSlug, Roles: a.Roles, Plan: a.Plan,
		Permissions: a.Permissions, Entitlements: a.Entitlements, Flags: a.Flags}
	if a.Session != "" {
		c.ACR, c.AuthTime = "aal1", a.AuthTime.Unix()
		if a.Level > 1 {
			c.ACR = "aal2"
		}
	}
	if a.Impersonator != "" {
		c.Act = &actor{a.Impersonator}
	}
	key := s.ring.Load().active
	t := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	t.Header["typ"], t.Header["kid"] = assertionType, key.kid
	return t.SignedString(key.private)
}

// Access implements web.Guard: it says whose access token of ours this is.
func (s *System) Access(ctx context.Context, token string) (web.Identity, bool) {
	id, err := s.identifyAccess(ctx, token)
	return id, err == nil && id.Known()
}

// PermissionsOf is what a user may do in an org, "" for the whole installation.
func PermissionsOf(tx *store.Tx, user, org string) ([]string, error) {
	has, _, err := held(tx, web.Identity{User: user}, org)
	return has, err
}
