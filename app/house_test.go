package app_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ranks is the import table of DESIGN section 3: a package may import those of a
// lower rank only, never one of its own.
var ranks = map[string]int{
	"store/trail": -1, "store": 0, "store/advisor": 0, "store/replica/bucket": 0, "store/replica": 1, "queue/cron": 0, "queue": 1, "assets": 0,
	"app/accent": 0, "app/config": 2, "app/launch": 2, "app/glance": 2, "app/find": 2, "app/web": 2, "app/seal": 2, "app/email/compose": 2, "app/email/compat": 2, "app/email/plain": 2, "app/email/eml": 2,
	"app/flags/rule": 2, "app/flags/openfeature": 10, "app/email/post": 3, "app/email/feedback": 3, "app/observe/sentry": 3, "app/observe/source": 2, "app/observe/source/pack": 3, "app/dial": 2, "app/redact": 2, "app/handover": 2, "app/manifest": 3, "app/webhook": 2,
	"app/audit/merkle": 1, "app/audit/verify": 2, "app/audit": 3,
	"app/auth/argon": 4, "app/auth/guess": 4, "app/auth/oidc": 4, "app/auth/standin": 4,
	"app/email": 4, "app/outbox": 4, "app/sms": 4, "app/flags": 4, "app/observe": 4,
	"app/auth":              5,
	"app/billing/stripesim": 5, "app/billing": 6, "app/hooks": 6, "app/jobs": 6,
	"app/apply": 7, "app/console": 7, "app/docs": 7, "app/proxy": 7, "app/ops": 7, "app/welcome": 7, "app/ops/minisign": 2, "app/ops/install": 2, "app/ops/upgrade": 3,
	"app": 8, "app/bench": 9, "app/command": 10, "": 11, "app/apptest": 9, "app/apptest/faults": 10, "app/apptest/faults/poison": 10,
	"examples": 10, "examples/embed": 11,
}

// root is the top folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "seaworthy"), "/")
		rank, known := ranks[name]
		if !known {
			t.Errorf("%q has no rank: add it to the table", name)
		}
		for _, imported := range p.Imports {
			ours, ok := strings.CutPrefix(imported, "seaworthy/")
			if ok && ranks[ours] >= rank {
				t.Errorf("%s imports %s, which does not stand below it", name, ours)
			}
			if strings.HasPrefix(imported, "modernc.org/") && !strings.HasPrefix(name, "store") {
				t.Errorf("%s imports %s: only store knows a driver", name, imported)
			}
		}
	}
}

// sources are the module's Go files.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root(t), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "data" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFilesStaySmall(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > 500 {
			t.Errorf("%s has %d lines: one noun a file, near 150 lines", file, n)
		}
	}
}

func TestNoRoomIsCalledUtil(t *testing.T) {
	t.Parallel()
	for _, file := range sources(t) {
		room := filepath.Base(filepath.Dir(file))
		if slices.Contains([]string{"util", "utils", "common", "models", "helpers", "misc", "lib"}, room) {
			t.Errorf("%s: a folder is named for what it owns", file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nfunc init() {")) {
			t.Errorf("%s has an init: systems are built in app.go, in one visible order", file)
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	t.Parallel()
	allowed := []string{"main.go", "app", "store", "queue", "assets", "litestream.yml", "go.mod", "go.sum", "README.md", "LICENSE",
		"ARCHITECTURE.md", "examples", ".ci", ".git", ".gitignore", ".golangci.yml"}
	out, err := exec.Command("git", "-C", root(t), "ls-files").Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: not a git checkout, so the top level was not looked at")
	}
	for file := range strings.Lines(string(out)) {
		top, _, _ := strings.Cut(strings.TrimSpace(file), "/")
		if !slices.Contains(allowed, top) {
			t.Errorf("%s does not belong at the top level", top)
		}
	}
}
