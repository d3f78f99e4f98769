package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"seaworthy/app"
	"seaworthy/store"
)

func TestSelfTest(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	out, code := printed(t, "selftest")
	if code != 0 || strings.Count(out, "ok ") != 8 || !strings.Contains(out, " ms  sign a token") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 1 { // that of the output
		t.Errorf("it left %v", left)
	}
}

// A part that fails is named, and what comes after it is not tried.
func TestSelfTestThatFails(t *testing.T) {
	t.Parallel()
	broken := app.Own{Name: "broken", Files: fstest.MapFS{"migrations/0001_broken.sql": {Data: []byte("CREATE TABLE broken_one (id NONSENSE) STRICT")}}}
	var parts []app.Tried
	err := app.SelfTest(t.Context(), app.Options{Version: "test", Own: broken}, func(p app.Tried) { parts = append(parts, p) })
	if err == nil || !strings.Contains(err.Error(), "open a database") || len(parts) != 1 || parts[0].Err == nil {
		t.Errorf("%+v, %v", parts, err)
	}
}

func TestMigrateCheck(t *testing.T) {
	data := t.TempDir()
	if out, code := printed(t, "migrate", "--check", "--data", data); code != 0 || !strings.Contains(out, "nothing to migrate") {
		t.Errorf("without a database: exit code %d\n%s", code, out)
	}
	if _, code := printed(t, "migrate", "--data", data); code != 0 {
		t.Fatal(code)
	}
	// It is the database that matters: what a unit sets is not in this environment.
	if err := os.WriteFile(filepath.Join(data, "seaworthy.env"), []byte("SEAWORTHY_URL=https://app.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, "seaworthy.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out, code := printed(t, "migrate", "--check", "--data", data)
	if code != 0 || !strings.Contains(out, "there is nothing to migrate") {
		t.Errorf("beside a server: exit code %d\n%s", code, out)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.SQL().Exec("PRAGMA user_version = 9999"); return err }); err != nil {
		t.Fatal(err)
	}
	if _, code := printed(t, "migrate", "--check", "--data", data); code != 65 {
		t.Errorf("a newer schema: exit code %d", code)
	}
}

func TestUpgradeCommandLine(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		env  string
		want int
	}{
		"neither":    {nil, "", 1},
		"both":       {[]string{"--rollback", "file"}, "", 1},
		"odd key":    {[]string{"--public-key", "nonsense", "file"}, "", 1},
		"odd key, 2": {[]string{"file"}, "nonsense", 1},
		"no file":    {[]string{filepath.Join(dir, "none")}, "", 1},
	} {
		t.Setenv("SEAWORTHY_UPGRADE_KEY", c.env)
		if out, code := printed(t, append([]string{"upgrade", "--data", dir}, c.args...)...); code != c.want {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
	}
}
