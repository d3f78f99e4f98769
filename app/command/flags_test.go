package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
)

const invoiceFlag = `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","x-seaworthy":{"owner":"Billing","tags":["billing"]}}`

// driveFlags does what people do with flags, from the command line.
func driveFlags(t *testing.T, place ...string) {
	t.Helper()
	with := func(args ...string) []string { return append(append([]string{"flags"}, args...), place...) }
	file := filepath.Join(t.TempDir(), "flag.json")
	if err := os.WriteFile(file, []byte(invoiceFlag), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, 0, with("set", "new-invoice", file, "--comment", "begin"), "new-invoice has version 1")
	wants(t, 1, with("set", "new-invoice", file, "--version", "0"))
	wants(t, 0, with("list"), "KEY", "new-invoice", "on", "Billing", "-")
	wants(t, 0, with("set", "new-invoice", "--off"), "new-invoice is off")
	wants(t, 0, with("get", "new-invoice"), `"state": "DISABLED"`, `"owner": "Billing"`)
	wants(t, 0, with("get", "new-invoice", "--json"), `"version": 2`)
	wants(t, 1, with("get", "nothing"))
	wants(t, 0, with("set", "new-invoice", file), "new-invoice has version 3")
	wants(t, 0, with("kill", "new-invoice", "--reason", "it eats money"), "new-invoice is killed")
	if out := wants(t, 0, with("list", "--state", "killed", "--json"), `"state": "killed"`); strings.Contains(out, `"state": "on"`) {
		t.Error(out)
	}
	wants(t, 0, with("kill", "new-invoice", "--lift", "--reason", "it is mended"), "goes by its rules again")
	wants(t, 0, with("kill", "--tag", "billing", "--reason", "the provider is down"), "is thrown")
	wants(t, 0, with("kill", "--lift", "--reason", "the provider is up"), "is lifted")
	out := wants(t, 0, with("export"), `"new-invoice"`)
	all := filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(all, []byte(strings.Replace(out, `"new-invoice"`, `"newer-invoice"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, 0, with("import", all, "--dry-run"), "newer-invoice", "created")
	wants(t, 1, with("get", "newer-invoice"))
	wants(t, 0, with("import", all), "newer-invoice  flag  created")
	wants(t, 0, with("get", "newer-invoice"), "ENABLED")
	for _, args := range [][]string{{"kill", "--reason", "why"}, {"kill", "a", "--all", "--reason", "why"}, {"set", "a"}, {"set", "a", file, "--on"}, {"list", "--state", "odd"}, {"kill", "a"}} {
		if out, code := printed(t, with(args...)...); code != exitUsage {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
	}
}

func TestFlagsOfAStoppedServer(t *testing.T) {
	data := t.TempDir()
	cfg, err := config.Load(func(name string) (string, bool) {
		v, ok := map[string]string{"SEAWORTHY_DATA": data, "SEAWORTHY_LOG_LEVEL": "error", "SEAWORTHY_REPLICA": "off"}[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Hasher: auth.NewCheapHasher()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEAWORTHY_LOG_LEVEL", "error")
	t.Setenv("SEAWORTHY_REPLICA", "off")
	driveFlags(t, "--data", data)
	if got := strings.Join(actors(t, data, 3), ", "); got != "flags.imported by system, flags.revived by system, flags.killed by system" {
		t.Error(got)
	}
}

func TestFlagsOfARunningServer(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	_, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "a script", Permissions: []string{"flags:*"}})
	a.Must(err)
	t.Setenv("SEAWORTHY_API_KEY", secret)
	a.Forget()
	driveFlags(t, "--url", a.URL)
	a.Expect(apptest.Happened{Audit: []string{"flag.created", "flag.changed", "flag.changed", "flag.killed", "flag.revived", "flags.killed", "flags.revived", "flags.imported"},
		Rows: map[string]int{"flags_flag": 2, "flags_version": 6, "flags_reference": 2}})
}
