package install

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretKeys are the keys that the server gets as credentials (systemd.exec(5)): they lie in
// no folder that it can write to. Each is 32 bytes in base64.
var secretKeys = []string{"master.key", "audit.key"}

// credentials makes the keys, or takes those that the data folder has, and returns the lines
// of the unit. Where systemd-creds(1) can, they are encrypted for this machine.
func (w *work) credentials(ctx context.Context) (lines []string) {
	i := w.i
	for _, name := range secretKeys {
		plain, sealed := filepath.Join(i.folder(), name), filepath.Join(i.folder(), name+".cred")
		switch {
		case there(i.at(sealed)):
			w.same(sealed)
			lines = append(lines, "LoadCredentialEncrypted="+name+":"+sealed)
			continue
		case there(i.at(plain)):
			w.same(plain)
			lines = append(lines, "LoadCredential="+name+":"+plain)
			continue
		}
		key, origin, err := i.key(name)
		if err != nil {
			w.fail(err)
			return nil
		}
		line := "LoadCredential=" + name + ":" + plain
		if i.Root == "" && i.encrypts(ctx) {
			line = "LoadCredentialEncrypted=" + name + ":" + sealed
			w.act(fmt.Sprintf("encrypt %s for this machine as %s", origin, sealed), func() error { return i.encrypt(ctx, name, key, sealed) })
		} else {
			w.act(fmt.Sprintf("write %s to %s (0600)", origin, plain), func() error { return replace(i.at(plain), key, 0o600) })
		}
		lines = append(lines, line)
	}
	return lines
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// key is the one of an installation that is there, or a new one. Beside a database a new one
// would hide that the right one is missing.
func (i *Installation) key(name string) (text []byte, origin string, err error) {
	path := filepath.Join(i.Data, "keys", name)
	text, err = os.ReadFile(i.at(path))
	switch {
	case err == nil:
		return text, "the key " + path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, "", err
	case there(i.at(filepath.Join(i.Data, "seaworthy.db"))):
		return nil, "", fmt.Errorf("there is a database in %s, and no %s: put it back, or run 'seaworthy keys import' with your recovery kit", i.Data, path)
	}
	raw := make([]byte, 32)
	rand.Read(raw)
	return []byte(base64.StdEncoding.EncodeToString(raw) + "\n"), "a new " + name, nil
}

// encrypts tries whether systemd-creds works here: it needs systemd 250, and a TPM or a
// folder for its own key.
func (i *Installation) encrypts(ctx context.Context) bool {
	if i.DryRun {
		_, err := i.Call(ctx, "systemd-creds", "--version")
		return err == nil
	}
	folder, err := os.MkdirTemp("", "seaworthy-creds-*")
	if err != nil {
		return false
	}
	defer os.RemoveAll(folder)
	in, out := filepath.Join(folder, "in"), filepath.Join(folder, "out")
	if os.WriteFile(in, []byte("tried"), 0o600) != nil {
		return false
	}
	if _, err := i.Call(ctx, "systemd-creds", "encrypt", "--name=tried", in, out); err != nil {
		return false
	}
	back, err := i.Call(ctx, "systemd-creds", "decrypt", "--name=tried", out, "-")
	return err == nil && string(back) == "tried"
}

func (i *Installation) encrypt(ctx context.Context, name string, key []byte, sealed string) error {
	folder, err := os.MkdirTemp("/run", "seaworthy-creds-*") // in memory
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	plain := filepath.Join(folder, name)
	if err := os.WriteFile(plain, key, 0o600); err != nil {
		return err
	}
	if out, err := i.Call(ctx, "systemd-creds", "encrypt", "--name="+name, plain, i.at(sealed)); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return os.Chmod(i.at(sealed), 0o600)
}
