package flags_test

import (
	"fmt"
	"strings"
	"testing"

	"seaworthy/app/flags"
)

// Whoever looks for killed flags finds those that the switch over many kills, and a
// page of them ends where it should.
func TestKilledFlagsAreThoseOfTheSwitchToo(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("a-own", switchOf(`"x-seaworthy":{"killed":true}`))
	c.made("b-billing", switchOf(`"x-seaworthy":{"tags":["billing"],"owner":"team-b"}`))
	c.made("c-exempt", switchOf(`"x-seaworthy":{"tags":["billing"],"killExempt":true}`))
	c.made("d-core", switchOf(`"x-seaworthy":{"tags":["core"],"killExempt":true}`))
	c.made("e-plain", switchOf(""))
	c.made("f-gone", switchOf(""))
	c.Do("DELETE", api+"/f-gone", "", "").Want(200)
	found := func(query string) string {
		t.Helper()
		var out []string
		for cursor := ""; ; {
			var page flags.FlagPage
			c.Get(api + "?state=killed&limit=1&cursor=" + cursor + query).Want(200).JSON(&page)
			for _, f := range page.Flags {
				out = append(out, f.Key)
			}
			if cursor = page.Next; cursor == "" {
				return strings.Join(out, " ")
			}
		}
	}
	kill := func(body string) {
		t.Helper()
		c.Do("PUT", api+"/kill", "application/json", body).Want(200)
	}
	for _, step := range []struct{ kill, query, want string }{
		{"", "", "a-own"},
		{`{"all":true,"reason":"because"}`, "", "a-own b-billing e-plain"},
		{`{"all":false,"tags":["billing"],"reason":"because"}`, "", "a-own b-billing c-exempt"},
		{"", "&owner=team-b", "b-billing"},
		{"", "&q=c-", "c-exempt"},
		{"", "&tag=core", ""},
		{`{"all":false,"tags":[],"reason":"because"}`, "", "a-own"},
	} {
		if step.kill != "" {
			kill(step.kill)
		}
		if got := found(step.query); got != step.want {
			t.Errorf("%s %s: %s, want %s", step.kill, step.query, got, step.want)
		}
	}
	// The evaluator and the pages agree on whom a tag kills.
	kill(`{"all":true,"tags":["billing"],"reason":"because"}`)
	for f, off := range map[string]bool{"b-billing": true, "c-exempt": true, "d-core": false, "e-plain": true} {
		d, err := flags.ReadDefinition(string(c.flag(f).Definition))
		a.Must(err)
		if killed := a.Flags.Snapshot().Evaluate(f, nil).Metadata["killed"] == true; killed != off || a.Flags.KilledNow(d) != off {
			t.Errorf("%s: killed %v, and the page says %v; want %v", f, killed, a.Flags.KilledNow(d), off)
		}
	}
}

// More flags than are looked at in one batch.
func TestKilledFlagsAreFoundBeyondABatch(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	var all []string
	for i := range 520 {
		all = append(all, fmt.Sprintf(`"f-%04d":`, i)+switchOf(fmt.Sprintf(`"x-seaworthy":{"tags":["%s"]}`, map[bool]string{true: "last", false: "other"}[i >= 515])))
	}
	c.Do("POST", api+"/import", "application/json", `{"flags":{`+strings.Join(all, ",")+`}}`).Want(200)
	c.Do("PUT", api+"/kill", "application/json", `{"all":false,"tags":["last"],"reason":"because"}`).Want(200)
	var page flags.FlagPage
	if c.Get(api + "?state=killed").Want(200).JSON(&page); len(page.Flags) != 5 || page.Flags[0].Key != "f-0515" {
		t.Errorf("%d flags", len(page.Flags))
	}
}
