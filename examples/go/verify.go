package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// person is who asks, as the assertion says.
type person struct {
	Issuer       string   `json:"iss"`
	Audience     audience `json:"aud"`
	Expires      int64    `json:"exp"`
	Subject      string   `json:"sub"`
	Email        string   `json:"email"`
	Org          string   `json:"org"`
	Plan         string   `json:"plan"`
	Entitlements []string `json:"entitlements"`
}

// audience is one text or a list of them (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, (*[]string)(a))
	}
	*a = audience{""}
	return json.Unmarshal(raw, &(*a)[0])
}

// verifier checks assertions with the published keys.
type verifier struct {
	issuer string
	mu     sync.Mutex
	keys   map[string]*ecdsa.PublicKey
}

// whoAsks is the person that a request is from, by the signed assertion (ES256, RFC
// 7515): nobody who reaches this port can make one up. It is nil for a stranger.
func (v *verifier) whoAsks(r *http.Request) *person {
	parts := strings.Split(r.Header.Get("X-Seaworthy-Assertion"), ".")
	var head struct{ Alg, Kid, Typ string }
	if len(parts) != 3 || decode(parts[0], &head) != nil || head.Alg != "ES256" || head.Typ != "assertion+jwt" {
		return nil
	}
	key := v.key(head.Kid)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if key == nil || err != nil || len(signature) != 64 ||
		!ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil
	}
	var p person
	if decode(parts[1], &p) != nil || p.Issuer != v.issuer || !slices.Contains(p.Audience, "app") || p.Expires <= time.Now().Unix() {
		return nil
	}
	return &p
}

// key finds a published key. One that is not known may be new: they rotate.
func (v *verifier) key(kid string) *ecdsa.PublicKey {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys[kid] != nil {
		return v.keys[kid]
	}
	res, err := client.Get(v.issuer + "/.well-known/jwks.json")
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	var set struct{ Keys []struct{ Kid, X, Y string } }
	if json.NewDecoder(res.Body).Decode(&set) != nil {
		return nil
	}
	v.keys = map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		x, _ := base64.RawURLEncoding.DecodeString(k.X)
		y, _ := base64.RawURLEncoding.DecodeString(k.Y)
		if key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)); err == nil {
			v.keys[k.Kid] = key
		}
	}
	return v.keys[kid]
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// signedByUs verifies a job as Standard Webhooks 1.0.0 says (standardwebhooks.com).
func signedByUs(secret string, h http.Header, body []byte) bool {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	key, badKey := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || badKey != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	return slices.ContainsFunc(strings.Fields(h.Get("Webhook-Signature")), func(s string) bool {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "v1,"))
		return strings.HasPrefix(s, "v1,") && err == nil && hmac.Equal(given, want)
	})
}
