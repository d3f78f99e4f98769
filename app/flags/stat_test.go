package flags_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/flags"
)

func TestStatsAndStaleFlags(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	c.made("g", switchOf(""))
	a.Forget()
	count := func(all ...flags.Count) { t.Helper(); a.Must(a.Flags.StoreCounts(t.Context(), all)) }
	count(flags.Count{Key: "f", Variant: "on", N: 3}, flags.Count{Key: "f", Variant: "off", N: 4}, flags.Count{Key: "g", Variant: "off", N: 1})
	a.Expect(apptest.Happened{Rows: map[string]int{"flags_stat": 6, "flags_use": 2}})
	count(flags.Count{Key: "f", Variant: "on", N: 2})
	a.ExpectNothing()
	var list struct {
		Stats []struct {
			At          time.Time
			Variant     string
			Evaluations int64
		}
	}
	c.Get(api + "/f/stats").Want(200).JSON(&list)
	if len(list.Stats) != 2 || list.Stats[0].Variant != "off" || list.Stats[0].Evaluations != 4 || list.Stats[1].Evaluations != 5 || list.Stats[0].At.Minute() != 0 {
		t.Errorf("%+v", list)
	}
	if f := c.flag("f"); f.Evaluated == nil || f.Stale != "" {
		t.Errorf("%+v", f)
	}
	for range 31 {
		a.Clock.Advance(24 * time.Hour)
		count(flags.Count{Key: "f", Variant: "on", N: 1})
	}
	if f := c.flag("f"); f.Stale != "has served only on for 30 days" {
		t.Errorf("%+v", f)
	}
	if f := c.flag("g"); f.Stale != "not evaluated for 30 days" {
		t.Errorf("%+v", f)
	}
	c.Get(api + "/f/stats?grain=day").Want(200).JSON(&list)
	if len(list.Stats) != 33 {
		t.Errorf("%d days", len(list.Stats))
	}
	// The other variant again: it is in use.
	count(flags.Count{Key: "f", Variant: "off", N: 1}, flags.Count{Key: "f", Variant: "on", N: 1})
	if f := c.flag("f"); f.Stale != "" {
		t.Errorf("%+v", f)
	}
	a.RunJobs()
	before := a.Count("flags_stat")
	a.Clock.Advance(24 * time.Hour)
	a.Must(a.Flags.Purge(t.Context()))
	if n := a.Count("flags_stat"); n >= before {
		t.Errorf("%d counts were kept of %d: hours go after two weeks", n, before)
	}
}

// A bulk answer says of a flag for browsers that it is in use, and of one for servers
// nothing; what a client has already is not counted again.
func TestBulkAnswersAreCountedApart(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("page", switchOf(`"x-seaworthy":{"clientVisible":true}`))
	c.made("server", switchOf(""))
	server, page := a.Key("flags:evaluate"), a.Key("flags:client")
	ask(page, "", `{}`).Want(200)
	tag := ask(server, "", `{}`).Want(200).Header.Get("ETag")
	server.Header.Set("If-None-Match", tag)
	ask(server, "", `{}`).Want(304)
	a.Flags.Flush(t.Context())
	type stat struct {
		Variant     string
		Evaluations int64
		Bulk        bool
	}
	stats := func(key string) (out []stat) {
		t.Helper()
		var list struct{ Stats []stat }
		c.Get(api + "/" + key + "/stats").Want(200).JSON(&list)
		return list.Stats
	}
	if got := stats("page"); len(got) != 1 || got[0] != (stat{"off", 2, true}) {
		t.Errorf("%+v", got)
	}
	if got := stats("server"); len(got) != 1 || got[0] != (stat{"off", 1, true}) {
		t.Errorf("%+v", got)
	}
	if f := c.flag("page"); f.Evaluated == nil {
		t.Error("a browser has no other way to ask")
	}
	if f := c.flag("server"); f.Evaluated != nil {
		t.Errorf("it was handed out and not asked for, and was last evaluated %v", f.Evaluated)
	}
	a.Clock.Advance(31 * 24 * time.Hour)
	server.Header.Del("If-None-Match")
	ask(server, "", `{}`).Want(200)
	a.Flags.Flush(t.Context())
	if p, s := c.flag("page"), c.flag("server"); p.Stale != "has served only off for 30 days" || s.Stale != "not evaluated for 30 days" {
		t.Errorf("%q %q", p.Stale, s.Stale)
	}
	ask(server, "server", `{}`).Want(200)
	a.Flags.Flush(t.Context())
	if got := stats("server"); len(got) != 2 || got[0].Bulk == got[1].Bulk {
		t.Errorf("%+v", got)
	}
	if f := c.flag("server"); f.Evaluated == nil || f.Stale != "" {
		t.Errorf("%+v", f)
	}
}

// A plan that is read from what it wrote is the same, and what cannot be said in
// words is not touched.
func TestPlansInWords(t *testing.T) {
	t.Parallel()
	split := []flags.Share{{Variant: "on", Weight: 25}, {Variant: "off", Weight: 75}}
	for name, p := range map[string]flags.Plan{
		"rollout":   {Else: flags.Serve{Split: split}},
		"by org":    {Else: flags.Serve{By: "org", Split: split}},
		"everybody": {Else: flags.Serve{Variant: "on"}},
		"rules": {Rules: []flags.Rule{
			{All: []flags.Condition{{Attribute: "plan", Operator: "is", Values: []string{"team", "pro"}}, {Attribute: "roles", Operator: "contains", Values: []string{"admin"}}}, Serve: flags.Serve{Variant: "on"}},
			{All: []flags.Condition{{Operator: "segment", Values: []string{"beta"}}, {Operator: "not_segment", Values: []string{"old"}}}, Serve: flags.Serve{Split: split}},
			{All: []flags.Condition{{Attribute: "v", Operator: "ver_gte", Values: []string{"1.2.0"}}, {Attribute: "v", Operator: "ver_lt", Values: []string{"2.0.0"}}, {Attribute: "n", Operator: "gte", Values: []string{"3.5"}}}},
			{All: []flags.Condition{{Attribute: "a", Operator: "set"}, {Attribute: "b", Operator: "unset"}, {Attribute: "c", Operator: "not", Values: []string{"x"}},
				{Attribute: "d", Operator: "starts_with", Values: []string{"x"}}, {Attribute: "e", Operator: "lt", Values: []string{"-1"}}}, Serve: flags.Serve{Variant: "off"}},
		}, Else: flags.Serve{Split: split}},
	} {
		text, err := p.Targeting()
		if err != nil {
			t.Fatal(name, err)
		}
		got, ok := flags.ReadPlan(text)
		again, err := got.Targeting()
		if !ok || err != nil || again != text || len(got.Rules) != len(p.Rules) {
			t.Errorf("%s: %s\n%s %v %v", name, text, again, ok, err)
		}
		for i, r := range got.Rules {
			for k, c := range r.All {
				if w := p.Rules[i].All[k]; c.Words() != w.Words() {
					t.Errorf("%s: %s, want %s", name, c.Words(), w.Words())
				}
			}
		}
	}
	for _, text := range []string{`{"if":[{"some":[{"var":"a"},true]},"on"]}`, `{"fractional":[{"var":"x"},["on",1]]}`, `"on"`, `{"if":[{"in":[{"var":"a"},[1,2]]},"on"]}`, `{"if":[true]}`, `{"var":"a"}`, `{"if":[{"==":[{"var":"a"},"x"]},{"var":"b"}]}`} {
		if p, ok := flags.ReadPlan(text); ok {
			t.Errorf("%s: %+v", text, p)
		}
	}
	if _, err := (flags.Plan{Rules: []flags.Rule{{All: []flags.Condition{{Attribute: "n", Operator: "gt", Values: []string{"many"}}}}}}).Targeting(); err == nil || !strings.Contains(err.Error(), "needs a number") {
		t.Error(err)
	}
}

// What grows keeps those it has: of a rollout that is widened nobody falls out.
func TestWideningARolloutLosesNobody(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	in := func(percent string, rest string) map[string]bool {
		c.patch("f", `{"rollout":{"shares":[{"variant":"on","weight":`+percent+`},{"variant":"off","weight":`+rest+`}]}}`).Want(200)
		has := map[string]bool{}
		set := a.Flags.Snapshot()
		for i := range 2000 {
			key := "user-" + strings.Repeat("x", i%7) + time.Duration(i).String()
			if set.Evaluate("f", map[string]any{"targetingKey": key}).Variant == "on" {
				has[key] = true
			}
		}
		return has
	}
	few, more := in("10", "90"), in("20", "80")
	if len(few) < 120 || len(few) > 280 || len(more) < 300 || len(more) > 500 {
		t.Errorf("%d and %d of 2000", len(few), len(more))
	}
	for key := range few {
		if !more[key] {
			t.Fatalf("%s lost the variant", key)
		}
	}
	// Fault 5: without a targeting key nobody is dealt anywhere by chance.
	if e := c.explain("f", `{}`); e.Variant != "off" || e.Reason != "DEFAULT" {
		t.Errorf("%+v", e)
	}
}

func FuzzReadPlan(f *testing.F) {
	for _, seed := range []string{`{"if":[{"in":[{"var":"a"},["x"]]},"on",{"fractional":[["on",1],["off"]]}]}`, `{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"org"}]},["a",1]]}`, `{"if":[true,"x"]}`, `[`, `{"if":{"if":1}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := flags.ReadPlan(text)
		if !ok {
			return
		}
		out, err := p.Targeting()
		if err != nil {
			t.Fatal(err)
		}
		if _, again := flags.ReadPlan(out); !again {
			t.Errorf("%s became %s, which cannot be read", text, out)
		}
	})
}

func FuzzDefinition(f *testing.F) {
	f.Add(switchOf(`"x-seaworthy":{"owner":"a","tags":["b"]}`), switchOf(""))
	f.Add(`{"variants":[]}`, `{"x-seaworthy":[]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		d, err := flags.ReadDefinition(a)
		if err == nil {
			_ = d.Serves()
		}
		if flags.Diff(a, a); len(flags.Diff(a, a)) > 0 {
			t.Errorf("%q differs from itself", a)
		}
		flags.Diff(a, b)
	})
}
