package auth

import (
	"context"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Forge signs any header and claims with the key that signs access tokens, for
// tests of what is refused in spite of a good signature.
func (s *System) Forge(header map[string]any, claims jwt.MapClaims) string {
	key := s.ring.Load().active
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["kid"] = accessType, key.kid
	for name, v := range header {
		if t.Header[name] = v; v == nil {
			delete(t.Header, name)
		}
	}
	raw, err := t.SignedString(key.private)
	if err != nil {
		panic(err)
	}
	return raw
}

// RefreshToken is a session's refresh token of any generation.
func (s *System) RefreshToken(session string, generation int64) string {
	return s.refreshText(refreshToken{session, generation})
}

// Rotate is the part of a refresh that writes, without the look that comes before.
func (s *System) Rotate(tx *store.Tx, session string, generation int64) (int64, error) {
	next, err := s.rotate(tx, refreshToken{session, generation})
	return next.generation, err
}

// Looked looks a session up by its cookie, as every request with one does.
func (s *System) Looked(ctx context.Context, cookie string) bool {
	_, found, err := sessionStore{s}.FindCtx(ctx, cookie)
	return found && err == nil
}

// ResetFactorsIn is what an operator does for a user who has lost them.
func (s *System) ResetFactorsIn(tx *store.Tx, userID, reason string) error {
	return s.resetFactors(tx, userID, reason)
}

// Welcome ends a sign-in of a user by any proof, and returns the session or that
// the second step is waited for.
func (s *System) Welcome(t *testing.T, userID, method, amr string) (session string, waits bool) {
	t.Helper()
	n := newSession{kind: browserSession, token: newToken(), device: newToken(), pending: newToken()}
	e, err := store.Write(web.WithOrigin(t.Context(), &web.Origin{}), s.DB, func(tx *store.Tx) (entry, error) {
		u, err := userByID(tx, userID)
		if err != nil {
			return entry{}, err
		}
		return s.welcome(tx, n, u, proof{method: method, amr: amr})
	})
	if err != nil {
		t.Fatal(err)
	}
	return e.session, len(e.methods) > 0
}

// SweepExports is what Run does first.
func (s *System) SweepExports(ctx context.Context) error { return s.sweepExports(ctx) }

// Slug is a slug that somebody may choose.
func Slug(text string) (string, bool) {
	var c web.Check
	slug := checkSlug(&c, text)
	return slug, c.Err() == nil
}

// SlugFrom is the slug that a name makes.
func SlugFrom(name string) string { return slugFrom(name) }
