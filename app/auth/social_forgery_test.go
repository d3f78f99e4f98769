package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/auth/standin"
)

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
