package merkle

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key signs checkpoints: Ed25519. It bears no name, because the name of a note's
// key is the origin and one key signs for each of its origins.
type Key struct{ private ed25519.PrivateKey }

// NewKey makes a key from a seed of 32 bytes.
func NewKey(seed []byte) Key { return Key{ed25519.NewKeyFromSeed(seed)} }

// Public is the public key in base64, as the database remembers it.
func (k Key) Public() string {
	return base64.StdEncoding.EncodeToString(k.private.Public().(ed25519.PublicKey))
}

// Signer signs notes in the name of an origin.
func (k Key) Signer(origin string) (note.Signer, error) {
	verifier, err := VerifierKey(origin, k.Public())
	if err != nil {
		return nil, err
	}
	// note's own text form of a private key: name, hash of the public one, and
	// the algorithm's byte before the seed.
	_, rest, _ := strings.Cut(verifier, "+")
	hash, _, _ := strings.Cut(rest, "+")
	const ed25519Algorithm = 1
	seed := append([]byte{ed25519Algorithm}, k.private.Seed()...)
	return note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(seed))
}

// VerifierKey is what a person checks an origin's checkpoints with, in note's
// text form "name+hash+base64". public is what Key.Public returns.
func VerifierKey(origin, public string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(public)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return "", fmt.Errorf("%q is no Ed25519 public key", public)
	}
	key, err := note.NewEd25519VerifierKey(origin, raw)
	if err != nil {
		return "", fmt.Errorf("verifier key of %s: %w", origin, err)
	}
	return key, nil
}

// SameKey reports whether a verifier key holds this public key.
func SameKey(verifier, public string) bool {
	parts := strings.SplitN(verifier, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(public)
	if len(parts) != 3 || err != nil {
		return false
	}
	given, err := base64.StdEncoding.DecodeString(parts[2])
	return err == nil && len(given) == 1+ed25519.PublicKeySize && string(given[1:]) == string(raw)
}
