package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func compiled(t testing.TB, doc string) *Set {
	t.Helper()
	d, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	s, faults := d.Compile(Options{Clock: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	for _, f := range faults {
		t.Errorf("%s: %s: %s", f.Flag, f.Path, f.Message)
	}
	return s
}

// boolean is a flag with on and off, the parts in more added.
func boolean(more string) string {
	return `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"` + more + `}`
}

// Fault case 1 and 2 of spec/flags.md: what cannot be right is refused with its place.
func TestFault1To4DefinitionsAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"!":`, 100) + `1` + strings.Repeat(`}`, 100)
	for name, c := range map[string]struct{ definition, path, words string }{
		"no JSON":             {`{`, "", "unexpected EOF"},
		"something after it":  {boolean("") + "1", "", "after"},
		"a name twice":        {`{"state":"ENABLED","state":"ENABLED"}`, "", "duplicate"},
		"an operator twice":   {boolean(`,"targeting":{"if":[1],"if":[2]}`), "", "duplicate"},
		"an unknown operator": {boolean(`,"targeting":{"if":[{"regex":["a","b"]},"on"]}`), "targeting/if/0/regex", "no operator"},
		"no such shared rule": {boolean(`,"targeting":{"if":[{"$ref":"x"},"on"]}`), "targeting/if/0/$ref", `"x"`},
		"no state":            {`{"variants":{"a":1}}`, "state", "ENABLED"},
		"an odd state":        {`{"state":"ON","variants":{"a":1}}`, "state", "ENABLED"},
		"no variants":         {`{"state":"ENABLED","variants":{}}`, "variants", "one at least"},
		"variants of types":   {`{"state":"ENABLED","variants":{"a":1,"b":"x"}}`, "variants/b", "one type"},
		"a null variant":      {`{"state":"ENABLED","variants":{"a":null}}`, "variants/a", "one type"},
		"an unknown default":  {`{"state":"ENABLED","variants":{"a":1},"defaultVariant":"b"}`, "defaultVariant", `"b"`},
		"an unknown off":      {boolean(`,"x-seaworthy":{"offVariant":"x"}`), "x-seaworthy/offVariant", `"x"`},
		"odd metadata":        {boolean(`,"metadata":{"a":{}}`), "metadata/a", "texts"},
		"another algorithm":   {boolean(`,"x-seaworthy":{"bucketing":"other"}`), "x-seaworthy/bucketing", "algorithm"},
		"half a prerequisite": {boolean(`,"x-seaworthy":{"prerequisites":[{"flag":"x"}]}`), "x-seaworthy/prerequisites", "names a flag"},
		"too deep":            {boolean(`,"targeting":` + deep), "", "deeper"},
		"too many parts":      {boolean(`,"targeting":{"and":[` + strings.Repeat("1,", maxNodes) + `1,{"var":"x"}]}`), "targeting/and", "parts"},
	} {
		f, err := CompileFlag("f", []byte(c.definition), nil)
		fault, ok := err.(*Fault)
		if !ok || !strings.HasPrefix(fault.Path, c.path) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := compiled(t, `{"flags":{}}`).With(f)
		if r := s.Evaluate("f", nil); r.ErrorCode != ParseError || r.Reason != ReasonError {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Fault 2: a circle of shared rules is refused; other flags of the file work.
func TestFault2CircleOfSharedRules(t *testing.T) {
	t.Parallel()
	d, err := Parse([]byte(`{"flags":{"good":` + boolean("") + `,"bad":` + boolean(`,"targeting":{"$ref":"a"}`) + `},"$evaluators":{"a":{"!":{"$ref":"b"}},"b":{"!":{"$ref":"a"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, faults := d.Compile(Options{})
	if len(faults) != 1 || faults[0].Flag != "bad" || !strings.Contains(faults[0].Message, "a -> b -> a") {
		t.Errorf("%+v", faults)
	}
	if r := s.Evaluate("good", nil); r.Value != false || r.Reason != ReasonStatic {
		t.Errorf("%+v", r)
	}
	// Rules that double at each step are bounded, not a circle.
	var doubling strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doubling, `"e%d":{"and":[{"$ref":"e%d"},{"$ref":"e%[2]d"}]},`, i, i+1)
	}
	d, err = Parse([]byte(`{"flags":{"f":` + boolean(`,"targeting":{"$ref":"e0"}`) + `},"$evaluators":{` + doubling.String() + `"e40":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := d.Compile(Options{}); len(faults) != 1 || !strings.Contains(faults[0].Message, "parts") {
		t.Errorf("%+v", faults)
	}
}

// Fault 3: prerequisites in a circle are refused by name.
func TestFault3CircleOfPrerequisites(t *testing.T) {
	t.Parallel()
	needs := func(flag string) string {
		return boolean(`,"x-seaworthy":{"prerequisites":[{"flag":"` + flag + `","variants":["on"]}]}`)
	}
	d, _ := Parse([]byte(`{"flags":{"a":` + needs("b") + `,"b":` + needs("a") + `,"c":` + needs("a") + `}}`))
	s, faults := d.Compile(Options{})
	if len(faults) == 0 || !strings.Contains(faults[0].Message, "a -> b -> a") {
		t.Errorf("%+v", faults)
	}
	if r := s.Evaluate("c", nil); r.Value != false {
		t.Errorf("%+v", r)
	}
	// One that came about in two saves ends all the same.
	a, _ := CompileFlag("a", []byte(needs("b")), nil)
	b, _ := CompileFlag("b", []byte(needs("a")), nil)
	s = compiled(t, `{"flags":{}}`).With(a).With(b)
	if r := s.Evaluate("a", nil); r.Value != false || len(s.Circle("a")) != 3 {
		t.Errorf("%+v, %v", r, s.Circle("a"))
	}
}

// Fault 4: a small rule over a large context is bounded.
func TestFault4WorkIsBounded(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"if":[{"some":[{"var":"x"},{"all":[{"var":"y"},{"none":[{"var":"z"},{"var":""}]}]}]},"on"]}`)+`}}`)
	big := make([]any, 2000)
	for i := range big {
		big[i] = map[string]any{"y": []any{map[string]any{"z": make([]any, 200)}}}
	}
	if r := s.Evaluate("f", Context{"x": big}); r.ErrorCode != "" {
		t.Errorf("%+v", r) // the first one does
	}
	for i := range big {
		big[i].(map[string]any)["y"] = []any{map[string]any{"z": append(make([]any, 200), true)}}
	}
	if r := s.Evaluate("f", Context{"x": big}); r.ErrorCode != General || !strings.Contains(r.ErrorDetails, "more than") {
		t.Errorf("%+v", r)
	}
}

// Fault 4: what doubles with each element of a context is bounded, as text, as a list and as lists in lists; so is
// what is made of each element. What people write is not.
func TestFault4WhatGrowsIsBounded(t *testing.T) {
	t.Parallel()
	twice := `{"var":"accumulator"},{"var":"accumulator"}`
	list := make([]any, 1000)
	for name, c := range map[string]struct {
		rule string
		fits bool
	}{
		"text":          {`{"reduce":[{"var":"x"},{"cat":[` + twice + `]},"y"]}`, false},
		"list":          {`{"reduce":[{"var":"x"},{"merge":[` + twice + `]},[1]]}`, false},
		"lists":         {`{"cat":[{"reduce":[{"var":"x"},[` + twice + `],1]}]}`, false},
		"each":          {`{"map":[{"var":"x"},{"cat":["` + strings.Repeat("y", 100<<10) + `",{"var":""}]}]}`, false},
		"sum":           {`{"reduce":[{"var":"x"},{"+":[{"var":"accumulator"},1]},0]}`, true},
		"joined":        {`{"reduce":[{"var":"x"},{"cat":[{"var":"accumulator"},"y,"]},""]}`, true},
		"put together":  {`{"reduce":[{"var":"x"},{"merge":[{"var":"accumulator"},1]},[]]}`, true},
		"made of lists": {`{"map":[{"var":"x"},[{"var":""},[1,{"var":""}]]]}`, true},
	} {
		s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"if":[`+c.rule+`,"on"]}`)+`}}`)
		if r := s.Evaluate("f", Context{"x": list}); (r.ErrorCode == General) == c.fits || c.fits && r.Variant != "on" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Fault 4: flags that each need others many times over are bounded too.
func TestFault4PrerequisitesAreBounded(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	for i := range maxNeeds {
		need := fmt.Sprintf(`{"flag":"f%d","variants":["on"]}`, i+1)
		fmt.Fprintf(&doc, `"f%d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","x-seaworthy":{"prerequisites":[%s]}},`, i, strings.TrimSuffix(strings.Repeat(need+",", 20), ","))
	}
	s := compiled(t, `{"flags":{`+doc.String()+fmt.Sprintf(`"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}}}`, maxNeeds))
	if r := s.Evaluate("f0", nil); r.ErrorCode != General || r.Key != "f0" {
		t.Errorf("%+v", r)
	}
	if r := s.Evaluate(fmt.Sprintf("f%d", maxNeeds-2), nil); r.Variant != "on" || r.ErrorCode != "" { // 420 steps
		t.Errorf("%+v", r)
	}
}

// Fault 5: without a targeting key a rollout gives the default, never chance.
func TestFault5NoTargetingKey(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"fractional":[["on",1],["off",1]]}`)+`}}`)
	for _, c := range []Context{nil, {}, {"targetingKey": ""}, {"targetingKey": 7.0}} {
		if r := s.Evaluate("f", c); r.Reason != ReasonDefault || r.Variant != "off" {
			t.Errorf("%v: %+v", c, r)
		}
	}
}

// Fault 6, as far as the evaluator goes: no context stands in for flagd's attributes.
func TestFault6OwnAttributesWin(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"if":[{"and":[{"==":[{"var":"$flagd.flagKey"},"f"]},{"==":[{"var":"$flagd.timestamp"},1700000000]}]},"on"]}`)+`}}`)
	if r := s.Evaluate("f", Context{"$flagd": map[string]any{"flagKey": "x", "timestamp": 1.0}}); r.Variant != "on" {
		t.Errorf("%+v", r)
	}
}

// Fault 7: weights that are none give the default, those below nothing count as nothing.
func TestFault7Weights(t *testing.T) {
	t.Parallel()
	for weights, want := range map[string]string{
		`["on",0],["off",0]`: "DEFAULT", `["on",-5],["off",1]`: "off", `["on",1.5],["off",1]`: "DEFAULT",
		`["on",2147483647],["off",1]`: "DEFAULT", `["on",2147483648]`: "DEFAULT", `["on"]`: "on", `["on",null]`: "on", `["on","x"]`: "DEFAULT",
		`[]`: "DEFAULT", `"x","on"`: "DEFAULT", `["on",2147483646],["off",1]`: "on", `[["on"],1]`: "DEFAULT",
	} {
		s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"fractional":[`+weights+`]}`)+`}}`)
		r := s.Evaluate("f", Context{"targetingKey": "user-1"})
		if got := r.Variant; want != "DEFAULT" && got != want || want == "DEFAULT" && r.Reason != ReasonDefault {
			t.Errorf("%s: %+v, want %s", weights, r, want)
		}
	}
}

// A killed flag answers with its off variant, or leaves the value to the caller.
func TestKill(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{
		"off":`+boolean(`,"targeting":{"if":[true,"on"]},"x-seaworthy":{"offVariant":"off","tags":["ui","beta"]}`)+`,
		"bare":`+boolean(`,"targeting":{"if":[true,"on"]}`)+`,
		"exempt":`+boolean(`,"targeting":{"if":[true,"on"]},"x-seaworthy":{"killExempt":true,"tags":["ui"]}`)+`,
		"own":`+boolean(`,"x-seaworthy":{"killed":true,"offVariant":"on"}`)+`}}`)
	check := func(s *Set, key, variant string, reason Reason, killed bool) {
		t.Helper()
		r := s.Evaluate(key, nil)
		if r.Variant != variant || r.Reason != reason || (r.Metadata["killed"] == true) != killed || (r.Value == nil) != (variant == "") {
			t.Errorf("%s: %+v", key, r)
		}
	}
	check(s, "off", "on", ReasonTargeting, false)
	check(s, "own", "on", ReasonStatic, true)
	all := s.WithKill(Kill{All: true})
	check(all, "off", "off", ReasonStatic, true)
	check(all, "bare", "", ReasonDisabled, true)
	check(all, "exempt", "on", ReasonTargeting, false)
	tagged := s.WithKill(Kill{Tags: []string{"zzz", "beta"}})
	check(tagged, "off", "off", ReasonStatic, true)
	check(tagged, "bare", "on", ReasonTargeting, false)
	check(s.WithKill(Kill{Tags: []string{"ui"}}), "exempt", "", ReasonDisabled, true)
	check(all.WithKill(Kill{}), "bare", "on", ReasonTargeting, false)
}

func TestPrerequisites(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{
		"base":`+boolean(`,"targeting":{"if":[{"==":[{"var":"plan"},"pro"]},"on"]},"x-seaworthy":{"offVariant":"off"}`)+`,
		"top":`+boolean(`,"targeting":{"if":[true,"on"]},"x-seaworthy":{"prerequisites":[{"flag":"base","variants":["on"]}]}`)+`,
		"plain":{"state":"ENABLED","variants":{"a":"A","b":"B"},"defaultVariant":"a","x-seaworthy":{"offVariant":"b","prerequisites":[{"flag":"nobody","variants":["on"]}]}}}}`)
	for plan, want := range map[string]string{"pro": "on", "free": "off"} {
		if r := s.Evaluate("top", Context{"plan": plan}); r.Variant != want {
			t.Errorf("%s: %+v", plan, r)
		}
	}
	if r := s.Evaluate("plain", nil); r.Variant != "b" || r.Reason != ReasonDefault {
		t.Errorf("%+v", r)
	}
	if r := s.WithKill(Kill{All: true}).Evaluate("top", Context{"plan": "pro"}); r.Variant != "" {
		t.Errorf("%+v", r)
	}
	r, why := s.Explain("top", Context{"plan": "free"})
	if r.Variant != "off" || len(why.Steps) != 2 || !strings.Contains(strings.Join(why.Words(), " "), "needs base, which serves off: not met") {
		t.Errorf("%+v, %v", r, why.Words())
	}
}

func TestSetsDoNotChange(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{"b":`+boolean("")+`}}`)
	f, err := CompileFlag("a", []byte(boolean(`,"metadata":{"n":1}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	more := s.With(f)
	less := more.Without("b").Without("nobody")
	if fmt.Sprint(s.Keys(), more.Keys(), less.Keys()) != "[b] [a b] [a]" {
		t.Error(s.Keys(), more.Keys(), less.Keys())
	}
	if all := slices.Collect(more.EvaluateAll(nil, func(f *Flag) bool { return f.Key != "b" })); len(all) != 1 || all[0].Key != "a" || all[0].Metadata["n"] != 1.0 {
		t.Errorf("%+v", all)
	}
	if r := s.Evaluate("a", nil); r.ErrorCode != FlagNotFound {
		t.Errorf("%+v", r)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"flags":{"f":`+boolean(`,"targeting":{"if":[{"==":[{"var":"plan"},"pro"]},"on",{"fractional":[["on",25],["off",75]]}]}`)+`}}`)
	r, why := s.Explain("f", Context{"plan": "free", "targetingKey": "user-7"})
	words := strings.Join(why.Words(), "\n")
	if r.Variant != s.Evaluate("f", Context{"plan": "free", "targetingKey": "user-7"}).Variant || !strings.Contains(words, `{"==":[{"var":"plan"},"pro"]}: false.`) || !strings.Contains(words, " of 100, which is ") || !strings.HasSuffix(words, "So it is "+r.Variant+".") {
		t.Errorf("%+v\n%s", r, words)
	}
}
