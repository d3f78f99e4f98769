package ops

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"seaworthy/app/seal"
)

// exported is a kit of the keys of a data folder and who can open it. A passphrase would cost
// seconds each time, as it is meant to; the app's own test has one.
func exported(t *testing.T, data string) (kit *bytes.Buffer, who Identity) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	kit = &bytes.Buffer{}
	if _, err := ExportKeys(data, []string{key.Recipient().String()}, time.Now(), kit); err != nil {
		t.Fatal(err)
	}
	return kit, Identity{File: key.String()}
}

// A kit has the keys that a service manager hands over, too: they are in no backup either.
func TestKitHasTheCredentials(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	if _, err := seal.Load(dir, true); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	kit, who := exported(t, data)
	other := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := ImportKeys(other, kit, who); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(other, "keys", "master.key")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another key came back: %v", err)
	}
}

// A key that is there and cannot be read may be another one than that of the kit: nothing is
// written beside it.
func TestImportKeepsWhatCannotBeRead(t *testing.T) {
	data, other := t.TempDir(), t.TempDir()
	if _, err := seal.Load(filepath.Join(data, "keys"), true); err != nil {
		t.Fatal(err)
	}
	kit, who := exported(t, data)
	keys := filepath.Join(other, "keys")
	if err := os.MkdirAll(filepath.Join(keys, "master.key"), 0o700); err != nil { // a folder cannot be read, not even by root
		t.Fatal(err)
	}
	if _, err := ImportKeys(other, kit, who); err == nil || !strings.Contains(err.Error(), "what is there already") {
		t.Errorf("it was imported: %v", err)
	}
	if left, err := os.ReadDir(keys); err != nil || len(left) != 1 {
		t.Errorf("beside it are %v, %v", left, err)
	}
}
