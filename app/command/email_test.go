package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The record stands alone on standard output, and is the same when it is asked for again; the private half is never shown.
func TestDKIMKeyAndItsRecord(t *testing.T) {
	data := t.TempDir()
	first, code := printed(t, "email", "dkim", "--data", data, "--domain", "Acme.example", "--selector", "s2")
	if code != 0 || !strings.HasPrefix(first, `s2._domainkey.acme.example. 3600 IN TXT "v=DKIM1; k=rsa; p=`) || strings.Count(first, "\n") != 1 {
		t.Fatalf("%q, exit code %d", first, code)
	}
	path := filepath.Join(data, "keys", "dkim-acme.example-s2.pem")
	before, err := os.ReadFile(path)
	if err != nil || strings.Contains(first, strings.Split(string(before), "\n")[3]) {
		t.Fatalf("%v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, code := printed(t, "email", "dkim", "--data", data, "--mail-from", "Acme <hello@acme.example>", "--selector", "s2")
	if after, _ := os.ReadFile(path); again != first || code != 0 || string(after) != string(before) {
		t.Errorf("again: %q, exit code %d", again, code)
	}
	if ed, code := printed(t, "email", "dkim", "--data", data, "--domain", "acme.example", "--selector", "ed1", "--type", "ed25519"); code != 0 || !strings.Contains(ed, "k=ed25519; p=") {
		t.Errorf("%q, exit code %d", ed, code)
	}
	for name, args := range map[string][]string{"no domain": {}, "an odd domain": {"--domain", "a b"}, "an odd selector": {"--domain", "acme.example", "--selector", "../s1"}} {
		if out, code := printed(t, append([]string{"email", "dkim", "--data", data}, args...)...); code != 1 || out != "" {
			t.Errorf("%s: %q, exit code %d", name, out, code)
		}
	}
	if files, _ := os.ReadDir(filepath.Join(data, "keys")); len(files) != 2 {
		t.Errorf("%v", files)
	}
}
