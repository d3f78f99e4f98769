// Package seal keeps secrets that must be read back (mail variables, TOTP seeds,
// provider keys) unreadable in the database and its backups: AES-256-GCM under
// keys derived from one master key, which lives in a file beside the database
// and never in it (DESIGN section 6).
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// Path is where a key lies: among the credentials that a service manager hands over
// (systemd.exec(5), $CREDENTIALS_DIRECTORY), or else in the folder. Credentials that cannot be
// looked at are not taken for none: a new key would be made in place of the right one.
func Path(folder, name string) string {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(dir) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	return filepath.Join(folder, name)
}

// Load reads the master key, master.key at its Path, making it in the folder on first use
// when create is set. The file is base64 of 32 random bytes, readable by the owner only. A
// credential that differs from a file in the folder is refused: one of them is wrong.
func Load(folder string, create bool) (*Keys, error) {
	keys, err := load(folder, create)
	if own := filepath.Join(folder, "master.key"); err == nil && Path(folder, "master.key") != own {
		other, err := KeyFile(own, false)
		if err == nil && !bytes.Equal(other, keys.master) {
			return nil, fmt.Errorf("master key: the credential of the service and %s differ: find out which one has sealed what the database holds, and move the other away", own)
		}
	}
	return keys, err
}

func load(folder string, create bool) (*Keys, error) {
	key, err := KeyFile(Path(folder, "master.key"), create)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &Keys{master: key}, nil
}

// New uses a given master key of 32 bytes, for tests.
func New(master []byte) *Keys { return &Keys{master: master} }

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
