package install

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the goldens anew")

// bed is an installation in a root of its own.
type bed struct {
	*Installation
	t   *testing.T
	out bytes.Buffer
}

func newBed(t *testing.T) *bed {
	t.Helper()
	source := filepath.Join(t.TempDir(), "seaworthy")
	if err := os.WriteFile(source, []byte("the binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t}
	b.Installation = &Installation{Root: t.TempDir(), Name: "seaworthy", User: "seaworthy", Binary: "/usr/local/bin/seaworthy", Data: "/var/lib/seaworthy", Source: source,
		Listen: []string{"443", "80"}, Settings: []Setting{{"SEAWORTHY_URL", "https://app.example.com"}, {"SEAWORTHY_BRAND", `Acme "$1" \ Co`}}, Out: &b.out, Start: true,
		Call: func(context.Context, string, ...string) ([]byte, error) {
			return nil, errors.New("nothing of this machine is called for another root")
		}}
	return b
}

func (b *bed) run() string {
	b.t.Helper()
	b.out.Reset()
	if err := b.Run(b.t.Context()); err != nil {
		b.t.Fatalf("%v\n%s", err, b.out.String())
	}
	return b.out.String()
}

// tree is every file below the root, with its mode and content.
func (b *bed) tree() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(b.Root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == b.Root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(content)
		}
		all[strings.TrimPrefix(path, b.Root)] = text
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bed) read(path string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.Root, path))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func TestInstall(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.Keys = "RWone,RWtwo"
	out := b.run()
	for path, mode := range map[string]string{
		"/usr/local/bin/seaworthy": "-rwxr-xr-x", "/var/lib/seaworthy": "drwx------", "/etc/seaworthy": "drwxr-xr-x", "/etc/seaworthy/seaworthy.env": "-rw-------",
		"/etc/seaworthy/master.key": "-rw-------", "/etc/seaworthy/audit.key": "-rw-------", "/etc/seaworthy/upgrade.pub": "-rw-r--r--", "/etc/sysusers.d/seaworthy.conf": "-rw-r--r--",
		"/etc/systemd/system/seaworthy.service": "-rw-r--r--", "/etc/systemd/system/seaworthy.socket": "-rw-r--r--",
		"/etc/systemd/system/sockets.target.wants/seaworthy.socket": "Lrwxrwxrwx", "/etc/systemd/system/multi-user.target.wants/seaworthy.service": "Lrwxrwxrwx",
	} {
		if got := b.tree()[path]; !strings.HasPrefix(got, mode) {
			t.Errorf("%s: %.60q, want %s", path, got, mode)
		}
		if !strings.Contains(out, path) {
			t.Errorf("it does not tell of %s", path)
		}
	}
	for _, kind := range []string{"service", "socket"} {
		golden(t, "seaworthy."+kind, b.read("/etc/systemd/system/seaworthy."+kind))
	}
	golden(t, "seaworthy.env", b.read("/etc/seaworthy/seaworthy.env"))
	golden(t, "install.txt", out)

	// It finds itself again.
	i, ok := Find(b.Root, "seaworthy")
	if !ok || i.Binary != b.Binary || i.Data != b.Data || i.User != b.User || strings.Join(strings.Fields(i.Keys), ",") != b.Keys {
		t.Errorf("%+v", i)
	}
	vars, err := b.Current()
	if err != nil || vars["SEAWORTHY_BRAND"] != `Acme "$1" \ Co` {
		t.Errorf("%q, %v", vars, err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as the golden:\n%s", name, got)
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	before := b.tree()
	out := b.run()
	if strings.Contains(out, "did ") || !strings.Contains(out, "Everything is as it should be.") {
		t.Error(out)
	}
	for path, was := range before {
		if now := b.tree()[path]; now != was {
			t.Errorf("%s was %q, and is %q", path, was, now)
		}
	}
	if len(b.tree()) != len(before) {
		t.Error("something came")
	}
}

func TestChangedSettingChangesItsLineAlone(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	path := filepath.Join(b.Root, b.envFile())
	hand := b.read(b.envFile()) + "# by hand\nSTRIPE_SECRET_KEY=sk_live_x"
	if err := os.WriteFile(path, []byte(hand), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Settings = []Setting{{"SEAWORTHY_URL", "https://other.example.com"}, {"SEAWORTHY_TLS", "auto"}}
	before := b.tree()
	out := b.run()
	if want := strings.Replace(hand, "app.example.com", "other.example.com", 1) + "\nSEAWORTHY_TLS=\"auto\"\n"; b.read(b.envFile()) != want {
		t.Errorf("got %s\nwant %s", b.read(b.envFile()), want)
	}
	for p, was := range b.tree() {
		if p != b.envFile() && before[p] != was {
			t.Errorf("%s changed", p)
		}
	}
	if n := strings.Count(out, "did "); n != 1 {
		t.Errorf("%d acts:\n%s", n, out)
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.DryRun = true
	out := b.run()
	if len(b.tree()) != 0 {
		t.Errorf("%v", b.tree())
	}
	if strings.Contains(out, "did ") || strings.Count(out, "would ") < 10 || !strings.Contains(out, "this was a dry run") {
		t.Error(out)
	}
}

// Keys of an installation that is there are taken over; a new one beside a database would
// hide that the right one is missing.
func TestKeysOfAnInstallationThatIsThere(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	keys := filepath.Join(b.Root, b.Data, "keys")
	if err := errors.Join(os.MkdirAll(keys, 0o700), os.Chmod(filepath.Join(b.Root, b.Data), 0o700), os.WriteFile(filepath.Join(keys, "master.key"), []byte("the old one\n"), 0o600),
		os.WriteFile(filepath.Join(b.Root, b.Data, "seaworthy.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no /var/lib/seaworthy/keys/audit.key") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(keys, "audit.key"), []byte("the old one, too\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run()
	if b.read("/etc/seaworthy/master.key") != "the old one\n" || b.read("/etc/seaworthy/audit.key") != "the old one, too\n" {
		t.Error("another key was installed")
	}
}

func TestAnotherReleaseIsNotReplaced(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	if err := os.WriteFile(b.Source, []byte("another binary"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := b.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "seaworthy upgrade FILE") {
		t.Errorf("got %v", err)
	}
}

func TestInstallRefusesWhatUnitsCannotSay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Installation){
		"a line of its own":       func(i *Installation) { i.Data = "/var/lib/x\nUser=root" },
		"a relative path":         func(i *Installation) { i.Data = "data" },
		"a way up":                func(i *Installation) { i.Binary = "/usr/local/bin/../../x" },
		"the whole disk":          func(i *Installation) { i.Data = "/" },
		"a name with a blank":     func(i *Installation) { i.Name = "sea worthy" },
		"a user with a specifier": func(i *Installation) { i.User = "%u" },
		"a setting of two lines":  func(i *Installation) { i.Settings = []Setting{{"SEAWORTHY_BRAND", "x\nLD_PRELOAD=y"}} },
		"a setting without name":  func(i *Installation) { i.Settings = []Setting{{"x=y", "z"}} },
	} {
		b := newBed(t)
		change(b.Installation)
		if err := b.Run(t.Context()); err == nil {
			t.Errorf("%s is installed:\n%s", name, b.out.String())
		}
		if len(b.tree()) > 0 {
			t.Errorf("%s: %v", name, b.tree())
		}
	}
}

func TestUninstall(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.run()
	kept := b.tree()
	if err := os.WriteFile(filepath.Join(b.Root, b.Binary+".old"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"yes", "Seaworthy"} {
		if err := b.Uninstall(t.Context(), typed); err == nil || !strings.Contains(err.Error(), "type its name") {
			t.Errorf("%s: %v", typed, err)
		}
	}
	b.DryRun = true
	before := len(b.tree())
	if err := b.Uninstall(t.Context(), "seaworthy"); err != nil || len(b.tree()) != before {
		t.Errorf("a dry run: %v, %d files of %d", err, len(b.tree()), before)
	}
	b.DryRun = false
	if err := b.Uninstall(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for path, was := range kept {
		stays := strings.HasPrefix(path, "/var/lib/seaworthy") || strings.HasPrefix(path, "/etc/seaworthy")
		now, there := b.tree()[path]
		if isFolder := strings.HasPrefix(was, "d"); stays != there && !isFolder || stays && now != was {
			t.Errorf("%s: there %v, %q", path, there, now)
		}
	}
	if err := b.Uninstall(t.Context(), "seaworthy"); err != nil {
		t.Fatal(err)
	}
	for path, now := range b.tree() {
		if !strings.HasPrefix(now, "d") || strings.Contains(path, "seaworthy") {
			t.Errorf("%s is left", path)
		}
	}
}
