package flags_test

import (
	"fmt"
	"testing"

	"seaworthy/app/apptest"
)

// A segment goes back to an earlier version as a flag does, and the flags that name it
// follow; what they cannot follow is refused, and so is what somebody overtook.
func TestSegmentsAreRestored(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	const seg = "/-/api/v1/flag-segments/"
	put := func(name, rule, version string) {
		t.Helper()
		c.Do("PUT", seg+name, "application/json", `{"rule":`+rule+`,"about":"who tries new things","version":`+version+`}`).Want(200)
	}
	restore := func(name, body string) apptest.Page {
		t.Helper()
		return c.Do("POST", seg+name+"/restore", "application/json", body)
	}
	put("old", `{"!!":[{"var":"old"}]}`, "0")
	put("beta", `{"or":[{"in":["beta",{"var":"roles"}]},{"$ref":"old"}]}`, "0")
	c.made("f", switchOf(`"targeting":{"if":[{"$ref":"beta"},"on"]}`))
	put("beta", `{"==":[{"var":"plan"},"team"]}`, "1")
	a.Forget()
	restore("beta", `{"restore":1,"version":1}`).WantProblem(409, "version_conflict", "rule")
	restore("beta", `{"restore":9}`).Want(404)
	restore("nobody", `{"restore":1}`).Want(404)
	a.ExpectNothing()
	var now struct {
		Version int
		About   string
	}
	restore("beta", `{"restore":1,"version":2,"comment":"plans were wrong"}`).Want(200, `"roles"`).JSON(&now)
	if now.Version != 3 || now.About != "who tries new things" {
		t.Errorf("%+v", now)
	}
	a.Expect(apptest.Happened{Audit: []string{"flag_segment.restored"}, Rows: map[string]int{"flags_evaluator_version": 1, "flags_reference": 1}})
	if e := last(a); e.Details["restored_version"] != 1.0 || e.Details["version"] != 3.0 || e.Targets[0].ID != "beta" || e.Changes["rule"].From == nil {
		t.Errorf("%+v", e)
	}
	for context, want := range map[string]string{`{"roles":["beta"]}`: "on", `{"old":1}`: "on", `{"plan":"team"}`: "off"} {
		if e := c.explain("f", context); e.Variant != want {
			t.Errorf("%s: %+v", context, e)
		}
	}
	c.Get(seg+"beta/versions").Want(200, `"act":"restored"`, `"comment":"plans were wrong"`)
	// What the old version names is gone: it is refused, and nothing changes.
	put("beta", `{"==":[{"var":"plan"},"team"]}`, "3")
	c.Do("DELETE", seg+"old", "", "").Want(204)
	a.Forget()
	restore("beta", `{"restore":3}`).WantProblem(422, "invalid", "rule")
	a.ExpectNothing()
	// A deleted one comes back.
	restore("old", `{"restore":1}`).Want(200, `"version":3`)
	a.Expect(apptest.Happened{Audit: []string{"flag_segment.restored"}, Rows: map[string]int{"flags_evaluator": 1, "flags_evaluator_version": 1}})
	restore("beta", `{"restore":3}`).Want(200)
	// Whoever may only look may not.
	newClient(a, "flags:read").Do("POST", seg+"beta/restore", "application/json", `{"restore":1}`).WantProblem(403, "forbidden")
}

// The console shows what each version of a segment changed, and goes back to one.
func TestSegmentHistoryInTheConsole(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	c := newClient(a)
	for version, rule := range []string{`{"!!":[{"var":"one"}]}`, `{"!!":[{"var":"two"}]}`} {
		c.Do("PUT", "/-/api/v1/flag-segments/beta", "application/json", fmt.Sprintf(`{"rule":%s,"comment":"step","version":%d}`, rule, version)).Want(200)
	}
	grace := a.Operator("grace@example.com")
	const page = "/-/admin/flags/-/segments/beta"
	grace.Get(page+"/history").Want(200, "Version 2: changed", "Version 1: created", "step", "Restore version 1").Without("Restore version 2")
	grace.Post(page+"/restore", "restore", "1", "version", "1").Want(409, "Somebody changed this segment meanwhile")
	grace.Post(page+"/restore", "restore", "1", "version", "2").Want(200, "The segment is what it was in that version")
	c.Get("/-/api/v1/flag-segments/beta").Want(200, `"one"`, `"version":3`)
	grace.Get("/-/admin/flags/-/segments/nobody/history").Want(404)
}
