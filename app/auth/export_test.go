package auth

import (
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

// Slug is a slug that somebody may choose.
func Slug(text string) (string, bool) {
	var c web.Check
	slug := checkSlug(&c, text)
	return slug, c.Err() == nil
}

// SlugFrom is the slug that a name makes.
func SlugFrom(name string) string { return slugFrom(name) }
