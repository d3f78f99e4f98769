package manifest

import (
	"strings"
	"testing"
)

var parts = []Part{{Name: "plans", Noun: "plan"}, {Name: "access", Noun: "rule", Shape: Listed, List: "rules"}, {Name: "brand", Noun: "brand", Shape: Single}}

// Whatever is read is written so that it is read as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"brand:", "plans: {items: {a: {b: [1, 0x1f, 1.5e3, true, ~, 2026-11-29, \"x\\u0085\"]}}}", "access: {prune: true, rules: [{path: /a}, 3]}", "brand: {name: 'it''s', a: |\n  x\n  y\n}",
		"a: &b 1\nc: *b", "<<: {a: 1}", "? [x]\n: 1", "plans:\n\titems: 1", "--- 1\n--- 2", "brand: !!binary aGk=", "plans: {items: {\"\\0\": {}}}", "brand: {n: -.inf, o: 0o17, p: 1_000}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse([]byte(text), parts)
		if err != nil {
			return
		}
		var sections []Written
		for _, p := range parts {
			s := file.Section(p.Name)
			if s == nil {
				continue
			}
			w := Written{Part: p}
			for _, it := range s.Items {
				w.Entries = append(w.Entries, Entry{it.Name, it.JSON})
			}
			sections = append(sections, w)
		}
		out, err := Write(sections)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out, parts)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, out)
		}
		for _, w := range sections {
			s := again.Section(w.Part.Name)
			if len(s.Items) != len(w.Entries) {
				t.Fatalf("%d of %d items come back\n%s", len(s.Items), len(w.Entries), out)
			}
			for i, it := range s.Items {
				if it.Name != w.Entries[i].Name || !Same(string(it.JSON), string(w.Entries[i].JSON)) {
					t.Fatalf("%q %s comes back as %q %s\n%s", w.Entries[i].Name, w.Entries[i].JSON, it.Name, it.JSON, out)
				}
			}
		}
	})
}

func TestDiffOfLists(t *testing.T) {
	t.Parallel()
	list := func(all ...string) (entries []Entry) {
		for _, one := range all {
			entries = append(entries, Entry{JSON: []byte(one)})
		}
		return entries
	}
	a, b, c, b2 := `{"path":"/a"}`, `{"path":"/b","who":"x"}`, `{"path":"/c"}`, `{"path":"/b","who":"y","permission":"p:q"}`
	for name, w := range map[string]struct {
		before, after []Entry
		want          string
	}{
		"nothing":  {list(a, b), list(a, b), ""},
		"changed":  {list(a, c, b), list(a, c, b2), "rule 3: changed who, permission"},
		"in front": {list(a, b), list(c, a, b), "rule 1: created"},
		"gone":     {list(a, b, c), list(a, c), "rule 2: removed"},
		"moved":    {list(a, b, c), list(b, c, a), "rule 1: removed; rule 3: created"},
	} {
		var got []string
		for _, c := range Diff(parts[1], w.before, w.after) {
			got = append(got, c.String())
		}
		if strings.Join(got, "; ") != w.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
