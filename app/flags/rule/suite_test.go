package rule

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"
)

// lines are the JSON values of a file, one a line.
func lines[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", s.Text(), err)
		}
		all = append(all, v)
	}
	return all
}

func load(t testing.TB, file string) *Set {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := d.Compile(Options{})
	return s
}

// TestFlagdSuite holds the evaluator to flagd's own scenarios.
func TestFlagdSuite(t *testing.T) {
	t.Parallel()
	type scenario struct {
		Feature, Scenario, Flag, Type, Reason, Error, Variant string
		Fallback, Value                                       any
		Context                                               Context
		Metadata                                              map[string]any
	}
	set := load(t, "testdata/flagd-flags.json")
	all := lines[scenario](t, "testdata/flagd-cases.jsonl")
	if len(all) != 125 {
		t.Errorf("%d scenarios, want 125", len(all))
	}
	for _, c := range all {
		got := set.Evaluate(c.Flag, c.Context)
		value := any(nil)
		switch c.Type {
		case "Boolean":
			value, got = resolve(got, c.Fallback.(bool))
		case "String":
			value, got = resolve(got, c.Fallback.(string))
		case "Integer":
			var n int64
			n, got = Typed(got, int64(c.Fallback.(float64)))
			value = float64(n)
		case "Float":
			value, got = resolve(got, c.Fallback.(float64))
		case "Object":
			value, got = resolve(got, c.Fallback.(map[string]any))
		}
		if c.Value != nil && !reflect.DeepEqual(value, c.Value) || c.Reason != "" && string(got.Reason) != c.Reason || string(got.ErrorCode) != c.Error && c.Error != "" ||
			c.Metadata != nil && len(got.Metadata) != len(c.Metadata) {
			t.Errorf("%s, %s: %s for %v: %v, %+v; want %v %s %s %v", c.Feature, c.Scenario, c.Flag, c.Context, value, got, c.Value, c.Reason, c.Error, c.Metadata)
		}
		for k, v := range c.Metadata {
			if got.Metadata[k] != v {
				t.Errorf("%s: metadata %s is %v, want %v", c.Flag, k, got.Metadata[k], v)
			}
		}
	}
}

func resolve[T bool | string | float64 | map[string]any](r Result, fallback T) (any, Result) {
	v, r := Typed(r, fallback)
	return v, r
}

// TestJSONLogicSuite holds it to the cases in which JsonLogic's implementations agree.
func TestJSONLogicSuite(t *testing.T) {
	t.Parallel()
	type rule struct {
		Rule   json.RawMessage
		Data   any
		Result any
	}
	all := lines[rule](t, "testdata/jsonlogic.jsonl")
	if len(all) != 278 {
		t.Errorf("%d cases, want 278", len(all))
	}
	for _, c := range all {
		n, err := read(c.Rule)
		if err != nil {
			t.Errorf("%s: %v", c.Rule, err)
			continue
		}
		e, err := (&compiler{}).compile(n)
		if err != nil {
			t.Errorf("%s: %v", c.Rule, err)
			continue
		}
		s := &state{data: c.Data, set: &Set{}, flag: &Flag{}}
		if got := finite(e(s)); !reflect.DeepEqual(got, c.Result) {
			t.Errorf("%s of %v: %v, want %v", c.Rule, c.Data, got, c.Result)
		}
	}
}

// finite is a value as JSON writes it, which knows no NaN.
func finite(v any) any {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return nil
	}
	return v
}
