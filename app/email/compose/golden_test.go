package compose

import (
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var acme = Brand{Name: "Acme", URL: "https://app.example.com"}

// sampled is a template of the house with its sample values.
type sampled struct {
	*Template
	vars Vars
	kind string // "" for the sample of the template, ".odd" for one of odd data
}

func samples(t testing.TB) []sampled {
	t.Helper()
	mails := os.DirFS("../../../assets/mail")
	files, err := fs.Glob(mails, "*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	var all []sampled
	for _, file := range files {
		name := strings.TrimSuffix(file, ".txt")
		text, err := fs.ReadFile(mails, file)
		if err != nil {
			t.Fatal(err)
		}
		sample, err := fs.ReadFile(mails, name+".json")
		if err != nil {
			t.Fatalf("%s has no sample: %v", name, err)
		}
		s := sampled{}
		if s.Template, err = Parse(name, string(text)); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(sample, &s.vars); err != nil {
			t.Fatalf("%s.json: %v", name, err)
		}
		odd := s
		odd.vars, odd.kind = oddly(s.vars), ".odd"
		all = append(all, s, odd)
	}
	return all
}

// odd are values that people do have: long words, other scripts, quotes, emoji.
var odd = []string{`שרה "Sally" O'Brien-كريم`, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
	"👩\u200d💻 & <b>Söhne</b> 👨\u200d👩\u200d👧", "", "ไม่มีช่องว่างระหว่างคำในภาษานี้ 漢字仮名交じり文", `C:\temp\"new" 100% {{.Name}} **`}

// oddly is a sample with odd values, but for its addresses, which only get longer.
func oddly(vars Vars) Vars {
	all, i := Vars{}, 0
	next := func(was string) string {
		if i++; safeURL(was) {
			return was + "?a=1&b=%22'" + strings.Repeat("x", 300)
		}
		return odd[i%len(odd)]
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		v := vars[name]
		if !v.List {
			all[name] = Value{Text: next(v.Text)}
			continue
		}
		list := Value{List: true}
		for _, row := range v.Rows {
			other := Row{}
			for _, field := range slices.Sorted(maps.Keys(row)) {
				other[field] = next(row[field])
			}
			list.Rows = append(list.Rows, other)
		}
		all[name] = list
	}
	return all
}

func TestGolden(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, s := range samples(t) {
		if given := slices.Sorted(maps.Keys(s.vars)); !slices.Equal(given, s.Vars) {
			t.Errorf("%s: the sample gives %v, the template uses %v", s.Name, given, s.Vars)
		}
		m, err := s.RenderVars(acme, s.vars)
		if err != nil {
			t.Error(err)
			continue
		}
		for ext, got := range map[string]string{".html": m.HTML, ".text": "Subject: " + m.Subject + "\n\n" + m.Text} {
			file := filepath.Join("testdata", s.Name+s.kind+ext)
			want[file] = true
			compareGolden(t, file, got)
		}
	}
	kept, err := filepath.Glob("testdata/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if ext := filepath.Ext(file); (ext == ".html" || ext == ".text") && !want[file] {
			t.Errorf("%s belongs to no template", file)
		}
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v; -update writes it", err)
		return
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("%s, line %d:\n got %s\nwant %s", file, i+1, a[i], b[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", file, len(a), len(b))
}

func BenchmarkRender(b *testing.B) {
	for _, s := range samples(b) {
		b.Run(s.Name+s.kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.RenderVars(acme, s.vars); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
