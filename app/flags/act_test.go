package flags_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

type killState struct {
	On, All bool
	Tags    []string
	Since   *time.Time
	Why     string `json:"reason"`
}

func TestKillSwitchOverManyFlags(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	on := func(x string) string {
		return `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","x-seaworthy":{"offVariant":"off"` + x + `}}`
	}
	c.made("plain", on(""))
	c.made("billing", on(`,"tags":["billing"]`))
	c.made("exempt", on(`,"tags":["core"],"killExempt":true`))
	a.Forget()
	kill := func(body string) apptest.Page { return c.Do("PUT", api+"/kill", "application/json", body) }
	kill(`{"all":true,"reason":"x"}`).WantProblem(422, "invalid", "reason")
	kill(`{"tags":["Not A Tag"],"reason":"the site is down"}`).WantProblem(422, "invalid", "tags")
	kill(`{"all":false,"reason":"nothing to do"}`).Want(200)
	a.ExpectNothing()
	var k killState
	kill(`{"all":true,"reason":"the site is down"}`).Want(200).JSON(&k)
	a.Expect(apptest.Happened{Audit: []string{"flags.killed"}})
	if !k.On || !k.All || k.Since == nil || k.Why != "the site is down" || !a.Flags.KillNow().All {
		t.Errorf("%+v", k)
	}
	if e := last(a); e.Details["reason"] != "the site is down" {
		t.Errorf("%+v", e)
	}
	for key, want := range map[string]string{"plain": "off", "billing": "off", "exempt": "on"} {
		if e := c.explain(key, `{}`); e.Variant != want {
			t.Errorf("with all killed, %s: %+v", key, e)
		}
	}
	kill(`{"tags":["billing","risky","billing"],"reason":"only these"}`).Want(200).JSON(&k)
	c.Get(api + "/kill").Want(200).JSON(&k)
	for key, want := range map[string]string{"plain": "on", "billing": "off", "exempt": "on"} {
		if e := c.explain(key, `{}`); e.Variant != want {
			t.Errorf("with tags killed, %s: %+v", key, e)
		}
	}
	if k.All || strings.Join(k.Tags, " ") != "billing risky" {
		t.Errorf("%+v", k)
	}
	kill(`{"all":false,"reason":"all is well"}`).Want(200).JSON(&k)
	a.Expect(apptest.Happened{Audit: []string{"flags.killed", "flags.revived"}})
	if k.On || a.Flags.KillNow().On() || a.Flags.Banner() != nil {
		t.Errorf("%+v", k)
	}
}

func TestKillOfOneFlag(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(`"x-seaworthy":{"offVariant":"off","custom":{"kept":1}}`))
	a.Forget()
	kill := func(body string) apptest.Page { return c.Do("PUT", api+"/f/kill", "application/json", body) }
	kill(`{"killed":true,"reason":""}`).WantProblem(422, "invalid", "reason")
	a.ExpectNothing()
	kill(`{"killed":true,"reason":"it eats money"}`).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.killed"}, Rows: map[string]int{"flags_version": 1}})
	if f := c.flag("f"); f.State != "killed" || !strings.Contains(string(f.Definition), `"custom":{"kept":1}`) {
		t.Errorf("%+v %s", f, f.Definition)
	}
	c.Get(api+"?state=killed").Want(200, `"f"`)
	kill(`{"killed":false,"reason":"it is mended"}`).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag.revived"}, Rows: map[string]int{"flags_version": 1}})
	if f := c.flag("f"); f.State != "on" {
		t.Errorf("%+v", f)
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.Verified("ada@example.com")
	ada := a.UserID("ada@example.com")
	c := newClient(a)
	c.made("f", switchOf(""))
	a.Forget()
	put := func(target, body string) apptest.Page {
		return c.Do("PUT", api+"/f/overrides/"+target, "application/json", body)
	}
	put(ada, `{"variant":"maybe"}`).WantProblem(422, "invalid", "variant")
	put(ada, `{"variant":""}`).WantProblem(422, "invalid", "variant")
	c.Do("PUT", api+"/nothing/overrides/x", "application/json", `{"variant":"on"}`).WantProblem(404, "not_found")
	a.ExpectNothing()
	put(ada, `{"variant":"on"}`).Want(204)
	a.Expect(apptest.Happened{Audit: []string{"flag.override_set"}, Rows: map[string]int{"flags_override": 1}})
	for who, want := range map[string]string{ada: "on", "usr_other": "off"} {
		if e := c.explain("f", `{"targetingKey":"`+who+`"}`); e.Variant != want {
			t.Errorf("%s: %+v", who, e)
		}
	}
	if e := last(a); len(e.Targets) != 2 || e.Targets[1].Type != "user" || e.Targets[1].ID != ada {
		t.Errorf("%+v", e.Targets)
	}
	put(ada, `{"variant":"on"}`).Want(204)
	a.ExpectNothing()
	put(ada, `{"variant":"off"}`).Want(204)
	put("device-7", `{"variant":"on"}`).Want(204)
	var page struct {
		Overrides []struct{ Target, Variant string }
		Next      string `json:"next_cursor"`
	}
	c.Get(api + "/f/overrides?limit=1").Want(200).JSON(&page)
	if len(page.Overrides) != 1 || page.Overrides[0].Target != "device-7" || page.Next != "device-7" {
		t.Errorf("%+v", page)
	}
	c.Do("DELETE", api+"/f/overrides/"+ada, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"flag.override_set", "flag.override_set", "flag.override_removed"}})
	c.Do("DELETE", api+"/f/overrides/"+ada, "", "").Want(204)
	a.ExpectNothing()
}

// A user who is erased leaves no override behind.
func TestErasedUsersHaveNoOverride(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	ada := a.Verified("ada@example.com")
	c := newClient(a)
	c.made("f", switchOf(""))
	c.Do("PUT", api+"/f/overrides/"+a.UserID("ada@example.com"), "application/json", `{"variant":"on"}`).Want(204)
	c.Do("PUT", api+"/f/overrides/other", "application/json", `{"variant":"on"}`).Want(204)
	ada.Do("DELETE", "/-/api/v1/me", "", "").Want(202)
	a.Clock.Advance(40 * 24 * time.Hour)
	a.RunJobs()
	if n := a.Count("flags_override"); n != 1 {
		t.Errorf("%d overrides", n)
	}
}

// Fault 16: a planned change is made once, at its time, though the clock jumps back
// an hour and the job runs twice.
func TestFault16PlannedChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	a.Forget()
	plan := func(in time.Duration, patch string) apptest.Page {
		return c.Do("POST", api+"/f/changes", "application/json", `{"due_at":"`+a.Clock.Now().Add(in).Format(time.RFC3339)+`","patch":`+patch+`,"comment":"launch"}`)
	}
	plan(-time.Minute, `{"state":"DISABLED"}`).WantProblem(422, "invalid", "due_at")
	plan(time.Hour, `{}`).WantProblem(422, "invalid", "patch")
	plan(time.Hour, `{"state":"MAYBE"}`).WantProblem(422, "invalid", "state")
	plan(time.Hour, `{"rollout":{"shares":[{"variant":"gone","weight":1}]}}`).WantProblem(422, "invalid", "rollout")
	a.ExpectNothing()
	var made struct {
		ID  string `json:"id"`
		Job string `json:"job_id"`
	}
	plan(time.Hour, `{"state":"DISABLED"}`).Want(201).JSON(&made)
	a.Expect(apptest.Happened{Audit: []string{"flag.change_scheduled"}, Jobs: []string{"flags.change"}, Rows: map[string]int{"flags_change": 1}})
	a.RunJobs()
	a.Forget()
	a.Clock.Advance(time.Hour + time.Second)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"flag.changed"}, Ran: []string{"flags.change completed"}, Rows: map[string]int{"flags_version": 1}})
	if f := c.flag("f"); f.State != "off" || f.Version != 2 {
		t.Errorf("%+v", f)
	}
	c.patch("f", `{"state":"ENABLED"}`).Want(200)
	a.Clock.Advance(-time.Hour)
	c.a.Must(a.Jobs.RetryJob(t.Context(), made.Job))
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"flags.change completed"}})
	if f := c.flag("f"); f.State != "on" || f.Version != 3 {
		t.Errorf("the change was made again: %+v", f)
	}
	c.Do("DELETE", api+"/f/changes/"+made.ID, "", "").WantProblem(409, "not_scheduled")
}

// So many changes of a flag may wait, and no more, whatever was planned and dropped in between.
func TestWaitingChangesAreBounded(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", switchOf(""))
	due := a.Clock.Now().Add(time.Hour).Format(time.RFC3339)
	plan := func() apptest.Page {
		return c.Do("POST", api+"/f/changes", "application/json", `{"due_at":"`+due+`","patch":{"state":"DISABLED"}}`)
	}
	for range 49 {
		plan().Want(201)
	}
	var made struct{ ID string }
	plan().Want(201).JSON(&made)
	c.Do("DELETE", api+"/f/changes/"+made.ID, "", "").Want(204)
	plan().Want(201)
	plan().WantProblem(422, "invalid", "due_at")
}

func TestPlannedChangeIsDroppedOrFails(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("f", `{"state":"ENABLED","variants":{"on":true,"off":false,"old":false},"defaultVariant":"off"}`)
	due := a.Clock.Now().Add(time.Hour).Format(time.RFC3339)
	plan := func() (id string) {
		var made struct{ ID string }
		c.Do("POST", api+"/f/changes", "application/json", `{"due_at":"`+due+`","patch":{"default_variant":"old"}}`).Want(201).JSON(&made)
		return made.ID
	}
	dropped, failing := plan(), plan()
	a.RunJobs()
	a.Forget()
	c.Do("DELETE", api+"/g/changes/"+dropped, "", "").WantProblem(404, "not_found")
	c.Do("DELETE", api+"/f/changes/"+dropped, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"flag.change_cancelled"}})
	// The variant is gone when the time comes.
	c.put("f", switchOf(""), 1).Want(200)
	a.Forget()
	a.Clock.Advance(2 * time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"flag.change_failed"}, Ran: []string{"flags.change completed"}})
	var page struct {
		Changes []struct{ ID, State, Fault string }
	}
	c.Get(api + "/f/changes").Want(200).JSON(&page)
	if len(page.Changes) != 2 || page.Changes[0].ID != failing || page.Changes[0].State != "failed" || !strings.Contains(page.Changes[0].Fault, "defaultVariant") || page.Changes[1].State != "cancelled" {
		t.Errorf("%+v", page)
	}
}

func TestSegments(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	const seg = "/-/api/v1/flag-segments/"
	put := func(name, rule string, version string) apptest.Page {
		return c.Do("PUT", seg+name, "application/json", `{"rule":`+rule+`,"about":"who tries new things","version":`+version+`}`)
	}
	put("beta", `{"in":["beta",{"var":"roles"}]}`, "0").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag_segment.saved"}, Rows: map[string]int{"flags_evaluator": 1, "flags_evaluator_version": 1}})
	c.made("f", switchOf(`"targeting":{"if":[{"$ref":"beta"},"on"]}`))
	put("testers", `{"or":[{"$ref":"beta"},{"$ref":"gone"}]}`, "0").WantProblem(422, "invalid", "rule")
	if e := c.explain("f", `{"roles":["beta"]}`); e.Variant != "on" {
		t.Errorf("%+v", e)
	}
	put("testers", `{"or":[{"$ref":"beta"},{"!!":[{"var":"tester"}]}]}`, "0").Want(200)
	a.Forget()
	// Fault 2: a circle of segments.
	problem := put("beta", `{"$ref":"testers"}`, "1").WantProblem(422, "invalid", "rule")
	if !strings.Contains(problem.Errors[0].Message, "beta -> testers -> beta") {
		t.Error(problem.Errors[0].Message)
	}
	put("beta", `{"!!":[{"var":"x"}]}`, "7").WantProblem(409, "version_conflict", "rule")
	put("beta", `[1]`, "1").WantProblem(422, "invalid", "rule")
	c.Do("DELETE", seg+"beta", "", "").WantProblem(409, "needed")
	c.Get(seg+"beta").Want(200, `"f"`, "segment testers")
	a.ExpectNothing()
	put("beta", `{"==":[{"var":"plan"},"team"]}`, "1").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"flag_segment.saved"}, Rows: map[string]int{"flags_evaluator_version": 1}})
	// The flags that name it follow at once.
	for context, want := range map[string]string{`{"roles":["beta"]}`: "off", `{"plan":"team"}`: "on"} {
		if e := c.explain("f", context); e.Variant != want {
			t.Errorf("%s: %+v", context, e)
		}
	}
	c.Do("DELETE", seg+"testers", "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"flag_segment.deleted"}, Rows: map[string]int{"flags_evaluator": -1, "flags_evaluator_version": 1, "flags_reference": -1}})
	put("testers", `{"!!":[{"var":"tester"}]}`, "0").Want(200)
	c.Get(seg+"testers/versions").Want(200, `"version":3`, `"deleted"`)
	c.Get("/-/api/v1/flag-segments").Want(200, "beta", "testers")
}

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("alpha", switchOf(`"x-seaworthy":{"owner":"Core","tags":["one"]}`))
	c.made("beta.one", switchOf(`"x-seaworthy":{"owner":"Billing","tags":["one","two"],"expires":"2026-11-01"}`))
	c.made("beta.two", `{"state":"DISABLED","variants":{"a":"x"}}`)
	for query, want := range map[string]string{"": "alpha beta.one beta.two", "?q=beta": "beta.one beta.two", "?state=off": "beta.two", "?owner=Core": "alpha", "?tag=one": "alpha beta.one",
		"?tag=two&owner=Core": "", "?limit=2": "alpha beta.one", "?limit=2&cursor=beta.one": "beta.two", "?stale=true": "beta.one"} {
		var page struct{ Flags []struct{ Key string } }
		c.Get(api + query).Want(200).JSON(&page)
		var got []string
		for _, f := range page.Flags {
			got = append(got, f.Key)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	c.Get(api+"?state=odd").WantProblem(422, "invalid", "state")
	c.Get(api+"?limit=0").WantProblem(422, "invalid", "limit")
	a.Clock.Advance(31 * 24 * time.Hour)
	c.Get(api+"?stale=true").Want(200, "not evaluated for 30 days")
}

func TestImportAndExport(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("old", switchOf(""))
	a.Forget()
	file := `{"$schema":"x","flags":{"old":` + switchOf("") + `,"new":` + switchOf(`"targeting":{"if":[{"$ref":"beta"},"on"]}`) + `,"odd":{"state":"ENABLED","variants":{"a":1},"defaultVariant":"gone"}},
		"$evaluators":{"beta":{"in":["beta",{"var":"roles"}]}}}`
	post := func(path, body string) apptest.Page { return c.Do("POST", api+path, "application/json", body) }
	var out struct {
		Results []struct{ Kind, Name, Act, Fault string }
	}
	post("/import?dry_run=true", file).Want(200).JSON(&out)
	a.ExpectNothing()
	post("/import", file).Want(200).JSON(&out)
	a.Expect(apptest.Happened{Audit: []string{"flags.imported"}, Rows: map[string]int{"flags_flag": 2, "flags_version": 2, "flags_evaluator": 1, "flags_evaluator_version": 1, "flags_reference": 1}})
	got := map[string]string{}
	for _, r := range out.Results {
		got[r.Name] = r.Act
		if (r.Fault != "") != (r.Name == "odd") {
			t.Errorf("%+v", r)
		}
	}
	if got["old"] != "unchanged" || got["new"] != "created" || got["beta"] != "created" || got["odd"] != "created" {
		t.Error(got)
	}
	// Fault 2: the faulty one is there and says so, the others work.
	if f := c.flag("odd"); f.State != "faulty" {
		t.Errorf("%+v", f)
	}
	if e := c.explain("odd", `{}`); e.Reason != "ERROR" || !strings.Contains(e.Fault, "defaultVariant") {
		t.Errorf("%+v", e)
	}
	if e := c.explain("new", `{"roles":["beta"]}`); e.Variant != "on" || len(e.Trace) == 0 {
		t.Errorf("%+v", e)
	}
	post("/import", file).Want(200)
	exported := c.Get(api + "/export").Want(200)
	if !strings.Contains(exported.Header.Get("Content-Disposition"), "flags.json") {
		t.Error(exported.Header)
	}
	b := newApp(t)
	d := newClient(b)
	d.Do("POST", api+"/import", "application/json", exported.Body).Want(200)
	if again := d.Get(api + "/export").Want(200); again.Body != exported.Body {
		t.Errorf("%s\n%s", again.Body, exported.Body)
	}
	for body, field := range map[string]string{`{}`: "file", `[]`: "file", `{"flags":[]}`: "file", `{"flags":{"a":{},"a":{}}}`: "file", `{"flags":{"../x":{}}}`: "file", `{"flags":{"a":{}}`: "file",
		`{"flags":{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}`: "file"} {
		post("/import", body).WantProblem(http.StatusUnprocessableEntity, "invalid", field)
	}
}

// What was imported and cannot be evaluated can be put away all the same, and back it comes only mended.
func TestFaultyFlagsCanBeArchived(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.Do("POST", api+"/import", "application/json", `{"flags":{"odd":{"state":"ENABLED","variants":7,"x-seaworthy":{"tags":["one"]}}}}`).Want(200)
	a.Forget()
	c.Do("DELETE", api+"/odd", "", "").Want(200, `"state":"archived"`)
	a.Expect(apptest.Happened{Audit: []string{"flag.archived"}, Rows: map[string]int{"flags_version": 1}})
	ask(a.Key("flags:evaluate"), "odd", `{}`).Want(404, "FLAG_NOT_FOUND")
	c.Do("POST", api+"/odd/unarchive", "", "").WantProblem(422, "invalid", "definition")
}

// Fault 3: a file in which flags need each other in a circle, also over one that is there, is refused whole.
func TestFault3ImportedCircleIsRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	needs := func(flag string) string {
		return switchOf(`"x-seaworthy":{"prerequisites":[{"flag":"` + flag + `","variants":["on"]}]}`)
	}
	c.made("a", switchOf(""))
	c.made("b", needs("a"))
	a.Forget()
	for _, file := range []string{`{"flags":{"x":` + needs("y") + `,"y":` + needs("x") + `}}`, `{"flags":{"good":` + switchOf("") + `,"a":` + needs("b") + `}}`, `{"flags":{"z":` + needs("z") + `}}`} {
		for _, trial := range []string{"true", "false"} {
			problem := c.Do("POST", api+"/import?dry_run="+trial, "application/json", file).WantProblem(422, "invalid", "file")
			if !strings.Contains(problem.Errors[0].Message, " → ") {
				t.Error(problem.Errors[0].Message)
			}
		}
	}
	a.ExpectNothing()
	c.Do("POST", api+"/import", "application/json", `{"flags":{"a":`+switchOf(`"metadata":{"n":1}`)+`,"x":`+needs("y")+`,"y":`+needs("b")+`}}`).Want(200)
}

// What stands behind the file is no part of it, and a trial that is misspelt is none.
func TestImportIsStrict(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	file := `{"flags":{"f":` + switchOf("") + `}}`
	for _, body := range []string{file + file, file + `x`, file + `null`} {
		c.Do("POST", api+"/import", "application/json", body).WantProblem(422, "invalid", "file")
	}
	for _, odd := range []string{"1", "yes", "True"} {
		c.Do("POST", api+"/import?dry_run="+odd, "application/json", file).WantProblem(422, "invalid", "dry_run")
	}
	a.ExpectNothing()
	c.Do("POST", api+"/import?dry_run=false", "application/json", file).Want(200)
	c.Get(api+"/f/stats?grain=week").WantProblem(422, "invalid", "grain")
}

// A variant's value that is not one JSON value is the author's mistake.
func TestSettingsRefuseWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, value := range []string{"true true", "tru", `{"a":1,"a":2}`, "[1"} {
		_, err := a.Flags.SetSettings(t.Context(), "f", flags.Settings{Variants: []flags.Variant{{Name: "on", Value: value}}}, flags.NoVersion, "")
		if e := web.AsError(err); e.Status != 422 || e.Fields[0].Field != "variants" {
			t.Errorf("%q: %v", value, err)
		}
	}
	a.ExpectNothing()
}

// A start reads all of it, and is stopped by nothing that is faulty.
func TestFaultyFlagsDoNotStopTheStart(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	c.made("good", switchOf(""))
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO flags_flag (key, definition, version, state, owner, created_at, changed_at) VALUES ('bad', '{"state":1,"variants":7}', 1, 'faulty', '', 0, 0)`)
		return err
	}))
	a.Must(a.Flags.Open(t.Context()))
	if e := c.explain("good", `{}`); e.Variant != "off" {
		t.Errorf("%+v", e)
	}
	if e := c.explain("bad", `{}`); e.Reason != "ERROR" {
		t.Errorf("%+v", e)
	}
}
