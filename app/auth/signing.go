package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// keyState is where a signing key is in its life.
type keyState string

const (
	keyNext    keyState = "next"    // published, and signs nothing yet
	keyActive  keyState = "active"  // signs
	keyRetired keyState = "retired" // signs no more; published until what it signed has expired
)

// signingKey signs access tokens with ES256 (RFC 7518 section 3.4).
type signingKey struct {
	kid                      string // RFC 7638 thumbprint
	state                    keyState
	public                   *ecdsa.PublicKey
	private                  *ecdsa.PrivateKey // nil once retired
	created, active, retired time.Time         // zero for not yet
}

func newSigningKey() (signingKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return signingKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	k := signingKey{public: &private.PublicKey, private: private}
	k.kid = k.jwk().thumbprint()
	return k, nil
}

// jwk is a public key as RFC 7517 writes it.
type jwk struct {
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

func (k signingKey) jwk() jwk {
	point, err := k.public.Bytes()
	if err != nil || len(point) != 65 {
		panic("auth: a signing key is not on P-256") // every way to make one sees to that
	}
	b64 := base64.RawURLEncoding
	return jwk{Use: "sig", Alg: "ES256", Kid: k.kid, Kty: "EC", Crv: "P-256", X: b64.EncodeToString(point[1:33]), Y: b64.EncodeToString(point[33:])}
}

// thumbprint names a key by its own value (RFC 7638 section 3): the required
// members in alphabetical order, hashed.
func (j jwk) thumbprint() string {
	sum := sha256.Sum256([]byte(`{"crv":"` + j.Crv + `","kty":"` + j.Kty + `","x":"` + j.X + `","y":"` + j.Y + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sealPurpose is what private keys are sealed for, see seal.Keys.
const sealPurpose = "auth signing key"

// row is a key as the database keeps it, its private half sealed.
func (s *System) row(k signingKey, state keyState) (signingRow, error) {
	public, err := k.public.Bytes()
	if err != nil {
		return signingRow{}, err
	}
	secret, err := k.private.Bytes()
	if err != nil {
		return signingRow{}, err
	}
	return signingRow{kid: k.kid, state: state, public: public, private: s.Master.Seal(sealPurpose, k.kid, secret)}, nil
}

// errKeyLocked says that a private key was sealed with another master key.
var errKeyLocked = errors.New("a signing key cannot be opened with this master key")

func (s *System) openKey(r signingRow) (k signingKey, err error) {
	k = signingKey{kid: r.kid, state: r.state, created: timeOrZero(r.created), active: timeOrZero(r.active), retired: timeOrZero(r.retired)}
	if k.public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), r.public); err != nil {
		return k, fmt.Errorf("signing key %s: %w", r.kid, err)
	}
	if r.state == keyRetired {
		return k, nil
	}
	secret, err := s.Master.Open(sealPurpose, r.kid, r.private)
	if err != nil {
		return k, errKeyLocked
	}
	k.private, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
	return k, err
}
