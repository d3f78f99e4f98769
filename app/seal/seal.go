// Package seal keeps secrets that must be read back (mail variables, TOTP seeds,
// provider keys) unreadable in the database and its backups: AES-256-GCM under
// keys derived from one master key, which lives in a file beside the database
// and never in it (DESIGN section 6).
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Keys seals and opens with keys derived from the master key.
type Keys struct {
	master []byte
	aeads  sync.Map // by purpose: deriving one costs more than sealing
}

// ErrUnsealed says that a secret was sealed with another key, for another
// purpose, or was changed.
var ErrUnsealed = errors.New("seal: cannot open: wrong key or altered data")

// Load reads the master key from <folder>/master.key, making it on first use
// when create is set. The file is base64 of 32 random bytes, readable by the
// owner only.
func Load(folder string, create bool) (*Keys, error) {
	path := filepath.Join(folder, "master.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		return generate(folder, path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("master key: %s does not hold 32 bytes in base64", path)
	}
	return &Keys{master: key}, nil
}

// New uses a given master key of 32 bytes, for tests.
func New(master []byte) *Keys { return &Keys{master: master} }

// generate writes the key durably before anything can be sealed with it.
func generate(folder, path string) (*Keys, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	// Link and not rename: a key that appeared meanwhile must not be replaced.
	err = os.Link(path+".tmp", path)
	os.Remove(path + ".tmp")
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &Keys{master: key}, nil
}

// Derive is a 32-byte key for one purpose (HKDF-SHA-256, RFC 5869).
func (k *Keys) Derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.master, nil, "seaworthy/"+purpose, 32)
	if err != nil {
		panic(err) // only for lengths that are out of range
	}
	return key
}

func (k *Keys) aead(purpose string) cipher.AEAD {
	if made, ok := k.aeads.Load(purpose); ok {
		return made.(cipher.AEAD)
	}
	block, err := aes.NewCipher(k.Derive(purpose))
	if err != nil {
		panic(err) // only for a key of the wrong length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	k.aeads.Store(purpose, aead)
	return aead
}

// Seal encrypts secret for a purpose and binds it to the id of its row.
func (k *Keys) Seal(purpose, id string, secret []byte) []byte {
	return k.aead(purpose).Seal(nil, nil, secret, []byte(id))
}

// Open decrypts what Seal made for the same purpose and id, or returns ErrUnsealed.
func (k *Keys) Open(purpose, id string, sealed []byte) ([]byte, error) {
	secret, err := k.aead(purpose).Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, ErrUnsealed
	}
	return secret, nil
}
