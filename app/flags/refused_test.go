package flags_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// Fault 18: who may only look is refused, and that he tried is in the log; once a
// minute for the same, so that a flood of attempts does not fill it.
func TestFault18RefusalsAreAudited(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	editor := newClient(a)
	editor.made("f", switchOf(""))
	viewer := newClient(a, "flags:read", "flags:client")
	denied := func() {
		t.Helper()
		viewer.put("f", switchOf(`"x-seaworthy":{"owner":"me"}`), 1).WantProblem(403, "forbidden")
	}
	denied()
	a.Expect(apptest.Happened{Audit: []string{"access.refused"}})
	var e struct {
		Actor   struct{ Type, ID string }
		Details map[string]any
		Targets []struct{ Type, ID string }
	}
	a.Must(json.Unmarshal(a.Events(1)[0].Body, &e))
	if e.Actor.Type != "key" || e.Details["request"] != "PUT /-/api/v1/flags/{key}" || e.Details["permission"] != "flags:manage" || e.Details["unrecorded"] != nil || e.Targets[0].ID != "flags:manage" {
		t.Errorf("%+v", e)
	}
	if strings.Contains(string(a.Events(1)[0].Body), "owner") {
		t.Error("what was sent is in the log")
	}
	logged := a.Count("audit_event")
	for range 30 {
		denied()
	}
	if n := a.Count("audit_event"); n != logged {
		t.Errorf("%d events of thirty more attempts within the minute", n-logged)
	}
	// What only asks is in no log: neither a page nor an evaluation.
	nosy := a.Key("audit:read")
	before := a.Count("audit_event")
	nosy.Get(api).Want(403)
	ask(nosy, "f", `{}`).Want(403)
	if n := a.Count("audit_event"); n != before {
		t.Errorf("%d events of who only asks", n-before)
	}
	a.Forget()
	viewer.Do("PUT", api+"/kill", "application/json", `{"all":true,"reason":"because"}`).WantProblem(403, "forbidden")
	a.Expect(apptest.Happened{Audit: []string{"access.refused"}})
	a.Clock.Advance(time.Minute)
	denied()
	a.Expect(apptest.Happened{Audit: []string{"access.refused"}})
	a.Must(json.Unmarshal(a.Events(1)[0].Body, &e))
	if e.Details["unrecorded"] != 30.0 {
		t.Errorf("of thirty that were not recorded: %+v", e.Details)
	}
	if f := editor.flag("f"); f.Version != 1 || f.Owner != "" {
		t.Errorf("%+v", f)
	}
}
