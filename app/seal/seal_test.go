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
