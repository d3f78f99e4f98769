package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallCommand(t *testing.T) {
	root := t.TempDir()
	t.Setenv("SEAWORTHY_SMTP_URL", "smtp://u:p@mail.example.com:587")
	base := []string{"install", "--root", root, "SEAWORTHY_URL=https://app.example.com", "SEAWORTHY_MAIL_FROM=Acme <hello@example.com>"}
	for name, c := range map[string]struct {
		more []string
		want int
	}{
		"an option that is none":     {[]string{"SEAWORTHY_BRAN=x"}, 1},
		"a variable that is not set": {[]string{"SEAWORTHY_SMTP_URL", "STRIPE_SECRET_KEY"}, 1},
		"nobody delivers mail":       {nil, 78},
		"a name to listen on":        {[]string{"SEAWORTHY_SMTP_URL", "SEAWORTHY_ADDR=localhost:80"}, 1},
		"a key that is none":         {[]string{"SEAWORTHY_SMTP_URL", "--upgrade-key", "x"}, 1},
	} {
		if out, code := printed(t, append(base, c.more...)...); code != c.want {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
	if left, _ := os.ReadDir(root); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if out, code := printed(t, append(base, "SEAWORTHY_SMTP_URL", "SEAWORTHY_TLS=auto")...); code != 0 || strings.Contains(out, "u:p@") {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if env := read("etc/seaworthy/seaworthy.env"); !strings.Contains(env, `SEAWORTHY_SMTP_URL="smtp://u:p@mail.example.com:587"`) {
		t.Error(env)
	}
	if socket := read("etc/systemd/system/seaworthy.socket"); !strings.Contains(socket, "\nListenStream=443\nListenStream=80\n") {
		t.Error(socket)
	}
	// What was given before is still there for the check of what is given now.
	if out, code := printed(t, "install", "--root", root, "SEAWORTHY_BRAND=Acme"); code != 0 || strings.Count(out, "did ") != 1 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, code := printed(t, "uninstall", "--root", root); code != 0 || !strings.Contains(out, "/var/lib/seaworthy, which stays") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if _, code := printed(t, "uninstall", "--root", root); code != 1 {
		t.Errorf("twice: exit code %d", code)
	}
	if out, code := printed(t, "uninstall", "--root", root, "--purge", "seaworthy"); code != 0 || strings.Contains(out, "stays") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if _, err := os.Stat(filepath.Join(root, "var/lib/seaworthy")); err == nil {
		t.Error("the data are still there")
	}
}
