package app_test

import (
	"encoding/json"
	"go/format"
	"html"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seaworthy/assets"
)

// The code of the recipes is at least code.
func TestCodeInDocsCanBeRead(t *testing.T) {
	t.Parallel()
	tools := map[string][]string{"js": {"node", "--check"}, "python": {"python3", "-m", "py_compile"}, "ruby": {"ruby", "-c"}, "sh": {"bash", "-n"}}
	ends := map[string]string{"js": "mjs", "python": "py", "ruby": "rb", "sh": "sh"}
	dir, missing, checked := t.TempDir(), map[string]bool{}, map[string]int{}
	files, err := fs.Glob(assets.FS, "guide/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := fs.ReadFile(assets.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range codeBlock.FindAllStringSubmatch(string(raw), -1) {
			lang, code := m[1], html.UnescapeString(m[2])
			where := file + ", block " + string(rune('1'+i)) + " (" + lang + ")"
			checked[lang]++
			switch lang {
			case "go":
				if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
					t.Errorf("%s: not as gofmt has it: %v", where, err)
				}
				continue
			case "json":
				if !json.Valid([]byte(code)) {
					t.Errorf("%s is no JSON", where)
				}
				continue
			case "sh":
				code = strings.ReplaceAll(strings.ReplaceAll(code, "<", "_"), ">", "_")
			}
			tool := tools[lang]
			if tool == nil {
				continue
			}
			if _, err := exec.LookPath(tool[0]); err != nil {
				missing[tool[0]] = true
				continue
			}
			path := filepath.Join(dir, "block."+ends[lang])
			if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(tool[0], append(tool[1:], path)...).CombinedOutput(); err != nil {
				t.Errorf("%s: %s", where, out)
			}
		}
	}
	for _, lang := range []string{"go", "js", "python", "ruby", "sh", "json"} {
		if checked[lang] == 0 {
			t.Errorf("there is no %s", lang)
		}
	}
	for tool := range missing {
		t.Logf("SKIPPED: there is no %s on this machine, so what is written for it was not read", tool)
	}
}

// Each seaworthy.yml that is shown can be applied as it stands.
func TestFilesInDocsAreApplied(t *testing.T) {
	t.Parallel()
	var found []string
	for _, w := range writings(t) {
		for _, code := range w.code {
			if strings.HasPrefix(code, "version: 1\n") {
				found = append(found, w.name)
			}
		}
	}
	if want := []string{"guide/manifest.html", "README.md"}; !slices.Equal(found, want) {
		t.Fatalf("files are shown in %v, not in %v", found, want)
	}
	guide, err := fs.ReadFile(assets.FS, "guide/manifest.html")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "    version: 1\n")
	shown, _, _ = strings.Cut(shown, "\n\n")
	for _, file := range []string{html.UnescapeString(codeBlock.FindStringSubmatch(string(guide))[2]), strings.ReplaceAll("    version: 1\n"+shown, "\n    ", "\n")[4:]} {
		op := documented(t).Operator("grace@example.com")
		op.Do("POST", "/-/api/v1/apply?dry_run=true", "application/yaml", file).Want(200, `"dry_run":true`, `"section":"plans"`, `"section":"access"`)
	}
}
