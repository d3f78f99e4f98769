package merkle

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Key signs checkpoints: Ed25519. It bears no name, because the name of a note's
// key is the origin and one key signs for each of its origins.
type Key struct{ private ed25519.PrivateKey }

// NewKey makes a key from a seed of 32 bytes.
func NewKey(seed []byte) Key { return Key{ed25519.NewKeyFromSeed(seed)} }

// LoadKey reads a key from a file that holds its seed in base64. When create is
// set and there is none, it makes one, durably; the file is the owner's alone.
func LoadKey(path string, create bool) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		return generateKey(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("audit key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("audit key: %s does not hold 32 bytes in base64", path)
	}
	return NewKey(seed), nil
}

func generateKey(path string) (Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, fmt.Errorf("audit key: %w", err)
	}
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Key{}, fmt.Errorf("audit key: %w", err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(seed) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return Key{}, fmt.Errorf("audit key: %w", err)
	}
	// Link and not rename: a key that appeared meanwhile must not be replaced.
	err = os.Link(path+".tmp", path)
	os.Remove(path + ".tmp")
	if err != nil {
		return Key{}, fmt.Errorf("audit key: %w", err)
	}
	return NewKey(seed), nil
}

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
