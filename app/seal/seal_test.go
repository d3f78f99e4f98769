package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLoadMakesOneKeyAndKeepsIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Load(dir, false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without create: %v", err)
	}
	a, err := Load(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Load(dir, true)
	if err != nil || !bytes.Equal(a.master, b.master) {
		t.Fatalf("the key changed: %v", err)
	}
	info, _ := os.Stat(filepath.Join(dir, "master.key"))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	os.WriteFile(filepath.Join(dir, "master.key"), []byte("short\n"), 0o600)
	if _, err := Load(dir, true); err == nil {
		t.Error("a damaged key is taken")
	}
}

func TestSealIsBoundToKeyPurposeAndRow(t *testing.T) {
	t.Parallel()
	k := New(bytes.Repeat([]byte{1}, 32))
	sealed := k.Seal("mail", "msg_1", []byte("secret"))
	if got, err := k.Open("mail", "msg_1", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"purpose": func() ([]byte, error) { return k.Open("totp", "msg_1", sealed) },
		"row":     func() ([]byte, error) { return k.Open("mail", "msg_2", sealed) },
		"key":     func() ([]byte, error) { return New(bytes.Repeat([]byte{2}, 32)).Open("mail", "msg_1", sealed) },
		"altered": func() ([]byte, error) { return k.Open("mail", "msg_1", altered) },
		"empty":   func() ([]byte, error) { return k.Open("mail", "msg_1", nil) },
	} {
		if _, err := open(); !errors.Is(err, ErrUnsealed) {
			t.Errorf("another %s opens it: %v", name, err)
		}
	}
}

// A service manager hands the key over; a file in the folder that differs is a mistake.
func TestLoadFromACredential(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	made, err := Load(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	got, err := Load(folder, true)
	if err != nil || !bytes.Equal(got.master, made.master) {
		t.Fatalf("another key: %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v was made beside the credential", left)
	}
	same, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(folder, "master.key"), same, 0o600)
	if _, err := Load(folder, false); err != nil {
		t.Errorf("the same key in both places: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	os.Remove(filepath.Join(folder, "master.key"))
	if _, err := Load(folder, true); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if _, err := Load(folder, false); err == nil {
		t.Error("two keys that differ are taken")
	}
}
