package rule

import (
	"encoding/json"
	"os"
	"testing"
)

// FuzzFlag reads and evaluates whatever anybody sends: nothing panics, and what is
// evaluated is bounded.
func FuzzFlag(f *testing.F) {
	raw, err := os.ReadFile("testdata/flagd-flags.json")
	if err != nil {
		f.Fatal(err)
	}
	var doc struct{ Flags map[string]json.RawMessage }
	if err := json.Unmarshal(raw, &doc); err != nil {
		f.Fatal(err)
	}
	for _, flag := range doc.Flags {
		f.Add(string(flag), `{"targetingKey":"a","x":[1,"2",{"y":null}]}`)
	}
	f.Fuzz(func(t *testing.T, definition, attributes string) {
		var c Context
		if json.Unmarshal([]byte(attributes), &c) != nil {
			return
		}
		flag, err := CompileFlag("f", []byte(definition), map[string][]byte{"e": []byte(`{"var":"x"}`)})
		if flag == nil {
			t.Fatal("no flag")
		}
		d, _ := Parse([]byte(`{"flags":{}}`))
		s, _ := d.Compile(Options{})
		s = s.With(flag)
		r := s.Evaluate("f", c)
		if (err != nil) != (r.ErrorCode == ParseError) {
			t.Errorf("%v, and %+v", err, r)
		}
		if again, _ := s.Explain("f", c); again.Variant != r.Variant {
			t.Errorf("explained as %q, evaluated as %q", again.Variant, r.Variant)
		}
	})
}
