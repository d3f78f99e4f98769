package auth_test

import (
	"encoding/json"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
)

func TestOperatorInOrgs(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	bob := a.Verified("bob@example.com")
	org := a.SharedOrg("bobs", "Bob's boats", map[string]string{"bob@example.com": "rol_owner", "ada@example.com": "rol_member"})
	personal := a.PersonalOrg("ada@example.com")
	bobID := a.UserID("bob@example.com")
	key := a.OrgKey("bobs", "org:read")
	a.RunJobs()
	a.Forget()
	op.Get("/-/admin/orgs?q=bob%27s").Want(200, "Bob's boats")
	op.Get("/-/admin/orgs?only=shared").Want(200, "Bob's boats").Without(personal)
	page := "/-/admin/orgs/" + org
	op.Get(page).Want(200, "bob@example.com", "ada@example.com", "owner", "a test") // the key's name
	ada.Get("/-/org/bobs/audit").Want(403)

	op.Post(page+"/role", "user", id, "role", "rol_admin").Want(200, "another role")
	a.Expect(apptest.Happened{Audit: []string{"member.role_set_by_operator"}})
	if e := a.Events(1)[0]; e.Org != org || e.Changes["role"] != (audit.Change{From: "member", To: "admin"}) {
		t.Errorf("the event: %+v", e)
	}
	ada.Get("/-/org/bobs/audit").Want(200, "set by an operator")
	for body, want := range map[string]string{`{"role":"rol_operator"}`: "invalid", `{"role":"rol_none"}`: "invalid"} {
		var p apptest.Problem
		op.Do("PUT", "/-/api/v1/admin/orgs/"+org+"/members/"+id, "application/json", body).Want(422).JSON(&p)
		if p.Code != want {
			t.Errorf("%s: %+v", body, p)
		}
	}
	op.Post(page+"/role", "user", bobID, "role", "rol_member").Want(409, "only owner")
	op.Post(page+"/remove", "user", bobID).Want(409, "only owner")
	op.Post(page+"/remove", "user", a.UserID("grace@example.com")).Want(404)
	op.Post("/-/admin/orgs/"+personal+"/remove", "user", id).Want(409, "personal org")
	op.Post("/-/admin/orgs/"+personal+"/close", "confirm", a.Query(`SELECT slug FROM auth_org WHERE id = ?`, personal), "reason", phoned).Want(409, "personal org")
	op.Post(page+"/close", "confirm", "bob", "reason", phoned).Want(422, "Type the slug")
	a.ExpectNothing()

	op.Post(page+"/remove", "user", id).Want(200, "taken out")
	a.Expect(apptest.Happened{Audit: []string{"member.removed_by_operator"}, Rows: map[string]int{"auth_membership": -1, "auth_role_binding": -1}})
	ada.Get("/-/org/bobs/audit").Want(404)

	op.Post(page+"/close", "confirm", "bobs", "reason", phoned).Want(200, "closed")
	a.Expect(apptest.Happened{Audit: []string{"org.closed_by_operator"}})
	bob.Get("/-/org/bobs/audit").Want(404)
	key.Get("/-/api/v1/me").WantProblem(401, "bad_token")
	op.Get("/-/admin/orgs?only=deleted").Want(200, "Bob's boats")
	op.Post(page+"/reopen").Want(200, "open again")
	a.Expect(apptest.Happened{Audit: []string{"org.reopened_by_operator"}})
	bob.Get("/-/org/bobs/audit").Want(200)

	var list struct {
		Orgs []struct {
			ID      string `json:"id"`
			Members int    `json:"members"`
		} `json:"orgs"`
	}
	op.Get("/-/api/v1/admin/orgs?q=bobs").Want(200).JSON(&list)
	if len(list.Orgs) != 1 || list.Orgs[0].ID != org || list.Orgs[0].Members != 1 {
		t.Errorf("%+v", list)
	}
	reader := a.Key("orgs:read")
	reader.Get("/-/api/v1/admin/orgs/"+org).Want(200, bobID)
	reader.PostJSON("/-/api/v1/admin/orgs/"+org+"/close", map[string]string{"confirm": "bobs", "reason": phoned}).WantProblem(403, "forbidden")
	raw, err := json.Marshal(map[string]string{"role": "rol_admin"})
	a.Must(err)
	reader.Do("PUT", "/-/api/v1/admin/orgs/"+org+"/members/"+bobID, "application/json", string(raw)).WantProblem(403, "forbidden")
}

// What operators do in an org is what its owners do, with all that follows.
func TestOperatorsActsHaveTheirConsequences(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	bob := a.Verified("bob@example.com")
	a.Verified("eve@example.com")
	org := a.SharedOrg("bobs", "Bob's boats", map[string]string{"bob@example.com": "rol_owner", "eve@example.com": "rol_owner", "ada@example.com": "rol_admin"})
	for _, b := range []*apptest.Browser{ada, bob} {
		b.Do("POST", "/-/api/v1/orgs/"+org+"/switch", "", "").Want(200)
	}
	ada.PostJSON("/-/api/v1/orgs/"+org+"/invitations", map[string]string{"email": "zoe@example.com", "role": "rol_member"}).Want(201)
	a.RunJobs()
	a.Forget()
	page := "/-/admin/orgs/" + org

	// An owner who cannot sign in is none.
	write(a, `UPDATE auth_user SET status = 'disabled' WHERE id = ?`, a.UserID("eve@example.com"))
	op.Post(page+"/remove", "user", a.UserID("bob@example.com")).Want(409, "only owner")
	op.Post(page+"/role", "user", a.UserID("bob@example.com"), "role", "rol_member").Want(409, "only owner")
	a.ExpectNothing()

	// What a member had invited to ends with his role, and his browser goes home.
	op.Post(page+"/role", "user", id, "role", "rol_member").Want(200, "another role")
	a.Expect(apptest.Happened{Audit: []string{"member.role_set_by_operator", "invitation.revoked"}})
	ada.Get("/-/api/v1/me").Want(200, org)
	op.Post(page+"/remove", "user", id).Want(200, "taken out")
	ada.Get("/-/api/v1/me").Want(200, a.PersonalOrg("ada@example.com")).Without(org)

	op.Post(page+"/close", "confirm", "bobs", "reason", phoned).Want(200, "closed")
	bob.Get("/-/api/v1/me").Want(200, a.PersonalOrg("bob@example.com")).Without(org)
	op.Post(page+"/reopen").Want(200, "open again")
	bob.Do("POST", "/-/api/v1/orgs/"+org+"/switch", "", "").Want(200)
}
