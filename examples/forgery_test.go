package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/auth"
)

// forgeries are assertions that say Ada asks, and that nobody may believe.
func forgeries(s *shop) map[string]string {
	user := s.UserID("ada@example.com")
	good, err := s.Auth.Assert(auth.Assertion{Subject: user})
	s.Must(err)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	token, _, err := jwt.NewParser().ParseUnverified(good, jwt.MapClaims{})
	s.Must(err)
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.Must(err)
	claims := jwt.MapClaims{"sub": user, "iss": s.URL + "/-", "aud": "app", "exp": time.Now().Add(time.Minute).Unix()}
	make := func(method jwt.SigningMethod, kid, typ string, key any) string {
		t := jwt.NewWithClaims(method, claims)
		t.Header["kid"], t.Header["typ"] = kid, typ
		text, err := t.SignedString(key)
		s.Must(err)
		return text
	}
	kid := token.Header["kid"].(string)
	changed := []byte(signature)
	changed[10] ^= 1
	return map[string]string{
		"another's key":      make(jwt.SigningMethodES256, kid, "assertion+jwt", own),
		"a key of its own":   make(jwt.SigningMethodES256, "mine", "assertion+jwt", own),
		"no signature":       make(jwt.SigningMethodNone, kid, "assertion+jwt", jwt.UnsafeAllowNoneSignatureType),
		"a secret":           make(jwt.SigningMethodHS256, kid, "assertion+jwt", []byte(kid)),
		"another signature":  head + "." + body + "." + string(changed),
		"an empty signature": head + "." + body + ".",
		"zeros":              head + "." + body + "." + strings.Repeat("A", 86),
		"nonsense":           "a.b.c",
		"an access token":    s.SignInProgram("ada@example.com").Access,
	}
}
