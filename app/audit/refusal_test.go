package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
)

// What a member of an org tries there is in the org's log too; to whoever has no
// business there the org does not exist, and its log says nothing of him.
func TestRefusalsInAnOrg(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada, eve := a.Verified("ada@example.com"), a.Verified("eve@example.com")
	a.Verified("bob@example.com")
	org := a.SharedOrg("boats", "Boats", map[string]string{"bob@example.com": "rol_owner", "ada@example.com": "rol_member"})
	path := "/-/api/v1/orgs/" + org + "/invitations"
	a.Forget()
	for _, b := range []*apptest.Browser{ada, ada} {
		b.PostJSON(path, map[string]string{"email": "new@example.com", "role": "rol_member"}).WantProblem(403, "forbidden")
	}
	eve.PostJSON(path, map[string]string{"email": "new@example.com", "role": "rol_member"}).Want(404)
	a.Expect(apptest.Happened{Audit: []string{"access.refused"}})
	e := a.Events(1)[0]
	if e.Org != org || e.Actor.ID != a.UserID("ada@example.com") || !strings.Contains(string(e.Body), path[:len("/-/api/v1/orgs/")]+"{org}/invitations") {
		t.Errorf("%+v %s", e, e.Body)
	}
}

// A flood of attempts, by however many, leaves few events.
func TestRefusalsAreFew(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	route := web.Route{Method: "PUT", Pattern: "/-/api/v1/x"}
	try := func(user int) {
		ctx := web.WithOrigin(context.Background(), &web.Origin{RequestID: "req_1", Identity: web.Identity{User: fmt.Sprint("usr_", user)}})
		a.Audit.Refused(ctx, route, web.Forbidden("x:y"))
	}
	before := a.Count("audit_event")
	for user := range 1100 {
		try(user)
		try(user)
	}
	if n := a.Count("audit_event") - before; n != 1000 {
		t.Errorf("%d events of 1100 people in a minute, want 1000", n)
	}
	a.Clock.Advance(time.Minute)
	try(1099)
	if n := a.Count("audit_event") - before; n != 1001 {
		t.Errorf("%d events, want one more a minute later", n)
	}
	a.Audit.Refused(context.Background(), route, web.Forbidden("x:y"))
	if n := a.Count("audit_event") - before; n != 1001 {
		t.Error("a refusal of nobody is recorded")
	}
}
