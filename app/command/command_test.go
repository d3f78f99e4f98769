package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// printed is what a command prints to standard output, and its exit code. Tests that
// use it run one after the other.
func printed(t *testing.T, args ...string) (string, int) {
	t.Helper()
	old := os.Stdout
	defer func() { os.Stdout = old }()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stdout = f
	code := Run("1.2.3", args)
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

func TestVersion(t *testing.T) {
	if out, code := printed(t, "version"); out != "seaworthy 1.2.3\n" || code != 0 {
		t.Errorf("%q, exit code %d", out, code)
	}
	if v := (release{}).String(); v == "" || strings.Contains(v, " ") {
		t.Errorf("a build that is no release is called %q", v)
	}
}

func TestExitCodesOfErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"anything":        {errors.New("no"), 1},
		"a wrong field":   {web.Invalid(web.Field{Field: "email", Message: "This is no address."}), 1},
		"a newer schema":  {fmt.Errorf("open: %w", &store.NewerSchemaError{}), 65},
		"in use":          {fmt.Errorf("open: %w", &store.InUseError{}), 75},
		"a configuration": {fmt.Errorf("start: %w", &config.FaultError{Faults: []string{"set this"}}), 78},
	} {
		if got := fail(c.err); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}

func TestExitCodesOfCommandLines(t *testing.T) {
	data := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"no such command":         {[]string{"sail"}, 2},
		"no such option":          {[]string{"serve", "--sail"}, 2},
		"an argument too few":     {[]string{"user", "promote", "--data", data}, 2},
		"what is not there":       {[]string{"token", "revoke", "key_none", "--data", data}, 1},
		"a bad configuration":     {[]string{"migrate", "--data", data, "--url", "https://app.example.com"}, 78},
		"migrate":                 {[]string{"migrate", "--data", data}, 0},
		"a log that is not there": {[]string{"audit", "verify", "--data", filepath.Join(data, "none")}, 1},
		"list of nobody":          {[]string{"user", "list", "--data", data}, 0},
		"no list of users":        {[]string{"user", "list", "--data", data, "--limit", "0"}, 2},
		"less than none":          {[]string{"user", "list", "--data", data, "--limit=-5"}, 2},
		"no list of keys":         {[]string{"token", "list", "--data", data, "--limit", "0"}, 2},
		"a key of the machine":    {[]string{"token", "create", "ci", "--data", data}, 0},
	} {
		if _, got := printed(t, c.args...); got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}

// A database that a running process has is left to it.
func TestExitCodeOfADatabaseInUse(t *testing.T) {
	data := t.TempDir()
	if _, code := printed(t, "migrate", "--data", data); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	db, err := store.Open(filepath.Join(data, "seaworthy.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, code := printed(t, "user", "list", "--data", data); code != 75 {
		t.Errorf("exit code %d", code)
	}
}

// What a script reads stands alone on standard output.
func TestSecretOfAKeyIsPrintedAlone(t *testing.T) {
	data := t.TempDir()
	out, code := printed(t, "token", "create", "ci", "--data", data, "--permission", "audit:read")
	if code != 0 || !strings.HasPrefix(out, "sw_op_") || strings.Count(out, "\n") != 1 {
		t.Errorf("%q, exit code %d", out, code)
	}
	list, _ := printed(t, "token", "list", "--data", data)
	if !strings.Contains(list, "ci  (audit:read)") || bytes.Contains([]byte(list), []byte(strings.TrimSpace(out))) {
		t.Errorf("the list: %q", list)
	}
}
