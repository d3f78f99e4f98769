package billing_test

import (
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
)

// restricted is a shop whose shared org has owed for more than two weeks.
func restricted(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.SignUp("bob@example.com")
	s.org = s.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member"})
	s.stripe.Put("cus_1", object{"metadata": object{"seaworthy_org": s.org}})
	s.behind(nil)
	s.Clock.Advance(15 * oneDay)
	s.RunJobs()
	s.wantAccess(billing.Restricted, billing.AccessRead)
	s.owner = s.Browser()
	s.owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
	return s
}

func TestARestrictedOrgInvitesNobody(t *testing.T) {
	t.Parallel()
	s := restricted(t)
	s.Forget()
	p := s.owner.PostJSON("/-/api/v1/orgs/"+s.org+"/invitations", object{"email": "eve@example.com", "role": "rol_member"}).WantProblem(402, "restricted")
	if !strings.HasSuffix(p.Link, "/-/billing?org=engines") {
		t.Errorf("the way to pay: %q", p.Link)
	}
	s.owner.PostJSON("/-/api/v1/orgs/"+s.org+"/roles", object{"name": "Cook", "permissions": []string{}}).WantProblem(402, "restricted")
	s.owner.Post("/-/org/engines/invitations", "email", "eve@example.com", "role", "rol_member").Want(402, "This is read-only for now", `/-/billing?org=engines">Go to billing`)
	s.owner.Post("/-/org/engines/settings", "name", "Other", "slug", "engines").Want(402)
	s.Expect(apptest.Happened{}) // nothing else happened
	// What is looked at, exported, paid or made less goes on.
	s.owner.Get("/-/org/engines/members").Want(200)
	s.owner.Post("/-/org/engines/audit/exports", "format", "csv").Want(200)
	s.owner.PostJSON(api+"portal?org=engines", object{}).Want(201)
	s.owner.Do("DELETE", "/-/api/v1/orgs/"+s.org+"/members/"+s.UserID("bob@example.com"), "", "").Want(204)
	s.bill("in_2", "paid", nil)
	s.changed()
	s.owner.PostJSON("/-/api/v1/orgs/"+s.org+"/roles", object{"name": "Cook", "permissions": []string{}}).Want(201)
}

// Somebody who was invited before joins only once the org has paid.
func TestNobodyJoinsARestrictedOrg(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.org = s.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner"})
	s.stripe.Put("cus_1", object{"metadata": object{"seaworthy_org": s.org}})
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{{"id": "si_1", "quantity": 5, "price": s.stripe.Objects["price_team"]}}}})
	s.changed()
	s.owner.Post("/-/verify", "token", apptest.Token(s.Link("ada@example.com", "/-/verify")), "act", "confirm").Want(200)
	s.owner.PostJSON("/-/api/v1/orgs/"+s.org+"/invitations", object{"email": "eve@example.com", "role": "rol_member"}).Want(201)
	s.RunJobs()
	link := s.Link("eve@example.com", "/-/invite/")
	s.stripe.Put("sub_1", object{"status": "unpaid"})
	s.changed()
	s.wantAccess(billing.Restricted, billing.AccessRead)
	_, token, _ := strings.Cut(link, "/-/invite/")
	s.Verified("eve@example.com").PostJSON("/-/api/v1/invitations/accept", object{"token": token}).WantProblem(402, "restricted")
}

func TestARestrictedOrgGetsNoJobs(t *testing.T) {
	t.Parallel()
	s := restricted(t)
	k := s.Key("jobs:enqueue", "jobs:endpoints")
	k.PostJSON("/-/api/v1/jobs/endpoints", object{"name": "default", "url": "https://example.com/jobs"}).Want(201)
	s.Forget()
	p := k.PostJSON("/-/api/v1/jobs", object{"kind": "report", "org": s.org}).WantProblem(402, "restricted")
	if !strings.HasSuffix(p.Link, "/-/billing?org=engines") {
		t.Errorf("the way to pay: %q", p.Link)
	}
	k.PostJSON("/-/api/v1/jobs/batch", []object{{"kind": "report"}, {"kind": "report", "org": s.org}}).WantProblem(402, "restricted")
	k.PostJSON("/-/api/v1/jobs", object{"kind": "report", "org": "org_none"}).WantProblem(422, "invalid", "org")
	s.Expect(apptest.Happened{})
	k.PostJSON("/-/api/v1/jobs", object{"kind": "report"}).Want(201)
	s.bill("in_2", "paid", nil)
	s.changed()
	k.PostJSON("/-/api/v1/jobs", object{"kind": "report", "org": s.org}).Want(201)
}
