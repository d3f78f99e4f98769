package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
)

const gateFile = "access:\n  rules:\n    - {path: /admin/**, roles: [captain]}\nplans:\n  items:\n    free: {kind: free, name: Free}\n"

// driveApply does what people do with a file, from the command line.
func driveApply(t *testing.T, place ...string) {
	t.Helper()
	with := func(args ...string) []string { return append(args, place...) }
	file := filepath.Join(t.TempDir(), "seaworthy.yml")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(gateFile)
	wants(t, 0, with("apply", file, "--dry-run"), "+ rule 1: created", "+ plan free: created", "2 changes, none of which was made")
	wants(t, 0, with("apply", file), "+ rule 1: created", "2 changes", "there is no role captain")
	wants(t, 0, with("apply", file), "Nothing to change")
	put(strings.Replace(gateFile, "roles: [captain]", "permission: org:read", 1))
	wants(t, 0, with("apply", file), "~ rule 1: changed roles, permission", "1 change")
	put(gateFile + "colour: red\n")
	wants(t, 1, with("apply", file))
	if out := wants(t, 0, with("export", "--section", "plans"), "plans:", "name: Free"); strings.Contains(out, "access:") {
		t.Error(out)
	}
	wants(t, 1, with("export", "--section", "nothing"))
	wants(t, 1, with("apply", file+".gone"))
}

func TestApplyToAStoppedServer(t *testing.T) {
	data := t.TempDir()
	t.Setenv("SEAWORTHY_LOG_LEVEL", "error")
	t.Setenv("SEAWORTHY_REPLICA", "off")
	wants(t, 0, []string{"migrate", "--data", data})
	driveApply(t, "--data", data)
	if got := strings.Join(actors(t, data, 2), ", "); got != "configuration.applied by system, access_rules.changed by system" {
		t.Error(got)
	}
}

func TestApplyToARunningServer(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	_, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "ci", Permissions: []string{"*"}})
	a.Must(err)
	t.Setenv("SEAWORTHY_API_KEY", secret)
	driveApply(t, "--url", a.URL)
}
