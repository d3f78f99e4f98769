package flags_test

import (
	"strings"
	"sync"
	"testing"

	"seaworthy/app/apptest"
)

func TestFlagIsMadeChangedAndArchived(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	page := c.put("new-invoice", switchOf(`"x-seaworthy":{"owner":"Billing","tags":["billing"],"expires":"2026-12-31","offVariant":"off"}`), 0).Want(201)
	a.Expect(apptest.Happened{Audit: []string{"flag.created"}, Rows: map[string]int{"flags_flag": 1, "flags_version": 1, "flags_reference": 1}})
	if page.Header.Get("ETag") != `"1"` {
		t.Errorf("ETag %s", page.Header.Get("ETag"))
	}
	f := c.flag("new-invoice")
	if f.Version != 1 || f.State != "on" || f.Type != "boolean" || f.Owner != "Billing" || f.Expires == nil || f.Evaluated != nil {
		t.Errorf("%+v", f)
	}
	c.patch("new-invoice", `{"state":"DISABLED","comment":"it is broken"}`).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.changed"}, Rows: map[string]int{"flags_version": 1}})
	e := last(a)
	if len(e.Changes) != 1 || e.Changes["state"].From != `"ENABLED"` || e.Changes["state"].To != `"DISABLED"` || e.Details["comment"] != "it is broken" ||
		len(e.Details["sha256"].(string)) != 64 || len(e.Details["sha256_before"].(string)) != 64 {
		t.Errorf("%+v", e)
	}
	// What is already so is no change.
	c.patch("new-invoice", `{"state":"DISABLED"}`).Want(200)
	a.ExpectNothing()
	c.Do("DELETE", api+"/new-invoice", "", "").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.archived"}, Rows: map[string]int{"flags_version": 1, "flags_reference": -1}})
	c.patch("new-invoice", `{"state":"ENABLED"}`).WantProblem(409, "archived")
	c.Get(api).Want(200).Without("new-invoice")
	c.Get(api+"?state=archived").Want(200, "new-invoice")
	c.Do("POST", api+"/new-invoice/unarchive", "", "").Want(200)
	c.Do("POST", api+"/new-invoice/unarchive", "", "").WantProblem(409, "not_archived")
	a.Expect(apptest.Happened{Audit: []string{"flag.unarchived"}, Rows: map[string]int{"flags_version": 1, "flags_reference": 1}})
}

// Fault 11: of two editors who began with one version the second is told what the
// first did.
func TestFault11TwoEditorsSaveTheSameVersion(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	c.put("f", switchOf(`"metadata":{"a":"first"}`), 1).Want(200)
	a.Forget()
	problem := c.put("f", switchOf(`"metadata":{"a":"second"}`), 1).WantProblem(409, "version_conflict", "metadata.a")
	if m := problem.Errors[0].Message; !strings.Contains(m, `"first"`) || !strings.Contains(m, `"second"`) {
		t.Error(m)
	}
	c.put("f", switchOf(""), 0).WantProblem(409, "version_conflict", "metadata.a")
	c.put("f", switchOf(""), 9).WantProblem(409, "version_conflict", "metadata.a")
	c.put("nothing", switchOf(""), 3).WantProblem(404, "not_found")
	c.Header.Set("If-Match", `"1"`)
	c.patch("f", `{"state":"DISABLED"}`).WantProblem(409, "version_conflict", "state")
	c.Header.Set("If-Match", `nonsense`)
	c.patch("f", `{"state":"DISABLED"}`).WantProblem(400, "bad_if_match")
	a.ExpectNothing()
	c.Header.Set("If-Match", `*`)
	c.put("f", switchOf(`"metadata":{"a":"third"}`), 1).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.changed"}, Rows: map[string]int{"flags_version": 1}})
}

// Patches name what they change, so that many at once all count, each a version.
func TestManyPatchesAtOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			state := []string{"DISABLED", "ENABLED"}[i%2]
			c.patch("f", `{"state":"`+state+`"}`).Want(200)
		})
	}
	all.Wait()
	f := c.flag("f")
	if n := a.Count("flags_version"); n != f.Version || f.Version < 2 {
		t.Errorf("version %d, %d rows", f.Version, n)
	}
}

// Faults 1, 2, 3, 4, 7 and 13 at the save: refused, naming where, and nothing kept.
func TestWhatCannotBeServedIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("b", switchOf(`"x-seaworthy":{"prerequisites":[]}`))
	c.made("a", switchOf(`"x-seaworthy":{"prerequisites":[{"flag":"b","variants":["on"]}]}`))
	a.Forget()
	deep := strings.Repeat(`{"!":[`, 10_000) + "1" + strings.Repeat(`]}`, 10_000)
	for name, one := range map[string]struct{ definition, field string }{
		"unknown state":          {`{"state":"MAYBE","variants":{"on":true}}`, "state"},
		"no variants":            {`{"state":"ENABLED","variants":{}}`, "variants"},
		"mixed types":            {`{"state":"ENABLED","variants":{"on":true,"off":"no"}}`, "variants"},
		"default is none":        {`{"state":"ENABLED","variants":{"on":true},"defaultVariant":"off"}`, "defaultVariant"},
		"off variant is none":    {switchOf(`"x-seaworthy":{"offVariant":"zero"}`), "x-seaworthy.offVariant"},
		"bad expiry":             {switchOf(`"x-seaworthy":{"expires":"soon"}`), "x-seaworthy.expires"},
		"bad tag":                {switchOf(`"x-seaworthy":{"tags":["Big Tag"]}`), "x-seaworthy.tags"},
		"unknown segment":        {switchOf(`"targeting":{"if":[{"$ref":"nobody"},"on"]}`), "targeting.if.0.$ref"},
		"unknown prerequisite":   {switchOf(`"x-seaworthy":{"prerequisites":[{"flag":"gone","variants":["on"]}]}`), "definition"},
		"prerequisite of itself": {switchOf(`"x-seaworthy":{"prerequisites":[{"flag":"new","variants":["on"]}]}`), "definition"},
		"unknown operator":       {switchOf(`"targeting":{"iff":[true,"on"]}`), "targeting.iff"},
		"not an object":          {`[1]`, "definition"},
		"too deep":               {switchOf(`"targeting":{"if":[` + strings.Repeat(`[`, 80) + strings.Repeat(`]`, 80) + `,"on"]}`), "definition"},
	} {
		t.Run(name, func(t *testing.T) {
			c.put("new", one.definition, 0).WantProblem(422, "invalid", one.field)
		})
	}
	if p := c.put("new", switchOf(`"targeting":`+deep), 0); p.Status != 400 && p.Status != 422 && p.Status != 413 {
		t.Errorf("depth 10,000: %d", p.Status)
	}
	c.Do("PUT", api+"/new", "application/json", `{"definition":{"state":"ENABLED","state":"ENABLED","variants":{"on":true}}}`).WantProblem(400, "bad_field", "definition.state")
	c.Do("PUT", api+"/new", "application/json", `{"definition":"`+strings.Repeat("x", 700<<10)+`"}`).WantProblem(413, "too_large")
	// A → B → A names the way.
	problem := c.put("b", switchOf(`"x-seaworthy":{"prerequisites":[{"flag":"a","variants":["on"]}]}`), 1).WantProblem(422, "invalid", "definition")
	if !strings.Contains(problem.Errors[0].Message, "b → a → b") {
		t.Error(problem.Errors[0].Message)
	}
	for _, key := range []string{"..", "a..b", "kill", "import", "%2e%2e%2fx", "a%2Fb", "%C3%A4", ".hidden", strings.Repeat("k", 129)} {
		if p := c.put(key, switchOf(""), 0); p.Status != 422 && p.Status != 404 && p.Status != 400 {
			t.Errorf("key %s: %d", key, p.Status)
		}
	}
	// What others need cannot go.
	c.Do("DELETE", api+"/b", "", "").WantProblem(409, "needed")
	a.ExpectNothing()
	if f := c.flag("b"); f.Version != 1 {
		t.Errorf("%+v", f)
	}
}

func TestHistoryDiffAndRestore(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	c.patch("f", `{"rollout":{"shares":[{"variant":"on","weight":10},{"variant":"off","weight":90}]},"comment":"begin"}`).Want(200)
	c.patch("f", `{"default_variant":"on"}`).Want(200)
	var page struct {
		Versions []struct {
			Version int
			Act, By string
			Comment string
			Changes []struct{ Path, From, To string }
		}
		Next string `json:"next_cursor"`
	}
	c.Get(api + "/f/versions?limit=2").Want(200).JSON(&page)
	if len(page.Versions) != 2 || page.Versions[0].Version != 3 || page.Versions[0].Changes[0].Path != "defaultVariant" || page.Next != "2" ||
		page.Versions[1].Comment != "begin" || page.Versions[1].Changes[0].Path != "targeting" || !strings.HasPrefix(page.Versions[1].By, "key:") {
		t.Errorf("%+v", page)
	}
	c.Get(api + "/f/versions?cursor=" + page.Next).Want(200).JSON(&page)
	if len(page.Versions) != 1 || page.Versions[0].Act != "created" {
		t.Errorf("%+v", page)
	}
	c.Get(api+"/f/diff?from=1&to=3").Want(200, "targeting", "defaultVariant")
	c.Get(api+"/f/diff?from=1&to=9").WantProblem(404, "not_found")
	c.Get(api+"/f/diff?from=x&to=3").WantProblem(422, "invalid", "from")
	a.Forget()
	c.PostJSON(api+"/f/restore", map[string]any{"restore": 1, "version": 3}).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.restored"}, Rows: map[string]int{"flags_version": 1}})
	if f := c.flag("f"); f.Version != 4 || strings.Contains(string(f.Definition), "fractional") {
		t.Errorf("%+v", f)
	}
	c.PostJSON(api+"/f/restore", map[string]any{"restore": 1, "version": 3}).WantProblem(409, "version_conflict")
	c.PostJSON(api+"/f/restore", map[string]any{"restore": 77}).WantProblem(404, "not_found")
	a.ExpectNothing()
}

// Fault 18: who may only look changes nothing, and who manages does not kill.
func TestFault18ViewersChangeNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	newClient(a).made("f", switchOf(""))
	viewer, manager := newClient(a, "flags:read"), newClient(a, "flags:read", "flags:manage")
	viewer.Get(api).Want(200, "f")
	for _, p := range []apptest.Page{viewer.put("f", switchOf(""), 1), viewer.patch("f", `{"state":"DISABLED"}`), viewer.Do("DELETE", api+"/f", "", ""),
		viewer.PostJSON(api+"/f/restore", map[string]any{"restore": 1}), viewer.PostJSON(api+"/import", map[string]any{}),
		viewer.Do("PUT", api+"/f/overrides/x", "application/json", `{"variant":"on"}`),
		manager.Do("PUT", api+"/kill", "application/json", `{"all":true,"reason":"just because"}`), manager.Do("PUT", api+"/f/kill", "application/json", `{"killed":true,"reason":"just because"}`)} {
		p.WantProblem(403, "forbidden")
	}
	a.Browser().Get(api).WantProblem(401, "signed_out")
	a.ExpectNothing()
}
