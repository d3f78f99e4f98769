package standin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// kid names the one key.
const kid = "simulated"

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
		"scopes_supported": []string{"openid", "email", "profile"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"code_challenge_methods_supported": []string{"S256"},
	}
	if p.Twist.Discovery != nil {
		p.Twist.Discovery(doc)
	}
	answer(w, http.StatusOK, doc)
}

// PublicKey is the key as it is published, a SEC 1 point, which an attacker may
// try as the secret of an HMAC.
func (p *Provider) PublicKey() []byte {
	point, err := p.key.PublicKey.Bytes()
	if err != nil {
		panic(err) // only for a curve that has no such form
	}
	return point
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.KeyFetches.Add(1)
	point, b64 := p.PublicKey(), base64.RawURLEncoding
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
		"x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:])}}})
}

// token trades a code, once, for an ID token (RFC 6749 section 4.1.3, RFC 7636
// section 4.6).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	id, secret, _ := r.BasicAuth()
	if id != ClientID || subtle.ConstantTimeCompare([]byte(secret), []byte(Secret)) != 1 {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, known := p.codes[code]
	delete(p.codes, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !known || p.Clock().Sub(g.made) > codeLife || r.PostFormValue("redirect_uri") != p.Redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	token, err := p.sign(g)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "simulated", "token_type": "Bearer", "expires_in": 300, "id_token": token})
}

func (p *Provider) sign(g grant) (string, error) {
	now := p.Clock()
	claims := map[string]any{"iss": p.Issuer, "aud": ClientID, "sub": g.person.Sub, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"name": g.person.Name, "email": g.person.Email, "email_verified": g.person.Verified}
	if g.person.Hosted != "" {
		claims["hd"] = g.person.Hosted
	}
	if p.Twist.Claims != nil {
		p.Twist.Claims(claims)
	}
	header := map[string]any{"alg": "ES256", "typ": "JWT", "kid": kid}
	if p.Twist.Sign != nil {
		return p.Twist.Sign(header, claims), nil
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(claims))
	t.Header = header
	return t.SignedString(p.key)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // whoever is gone does not read it
}
