package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keySize is how many bytes a key has.
const keySize = 32

// KeyFile reads a key of 32 bytes from a file that holds it in base64. When create is set and
// there is none, it makes one: fs.ErrNotExist otherwise. The file is the owner's alone, and
// durable before anything can be sealed or signed with what is in it.
func KeyFile(path string, create bool) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		return makeKeyFile(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s does not hold %d bytes in base64", path, keySize)
	}
	return key, nil
}

func makeKeyFile(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	// Link and not rename: a key that appeared meanwhile must not be replaced.
	err = os.Link(path+".tmp", path)
	os.Remove(path + ".tmp")
	if err != nil {
		return nil, err
	}
	// The database is durable with its first commit; its key must not be lost beside it.
	return key, errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)))
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
