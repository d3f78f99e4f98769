package auth_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

type madeKey struct{ ID, Secret, State string }

func TestKeysOfAnOrgOverTheAPI(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	var k madeKey
	m.owner.PostJSON(m.api+"/keys", map[string]any{"name": "ci", "permissions": []string{"org.read"}, "expires_at": apptest.Epoch.Add(time.Hour)}).Want(201, `"org:read"`).JSON(&k)
	m.a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	program := m.a.Bearer(k.Secret)
	program.Get(m.api).Want(200)
	if p := m.owner.Get(m.api+"/keys").Want(200, k.ID, `"state":"active"`); strings.Contains(p.Body, k.Secret) {
		t.Error("the list tells the secret")
	}
	m.owner.PostJSON(m.api+"/keys", map[string]any{"name": "ci", "permissions": []string{"console:read"}}).WantProblem(422, "invalid", "permissions")
	m.a.Clock.Advance(16 * time.Minute)
	m.owner.PostJSON(m.api+"/keys", map[string]any{"name": "ci", "permissions": []string{"org:read"}}).WantProblem(401, "confirm_first")
	m.owner.Do("DELETE", m.api+"/keys/"+k.ID, "", "").WantProblem(401, "confirm_first")
	m.owner.PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
	m.a.Forget()
	m.owner.Do("DELETE", m.api+"/keys/"+k.ID, "", "").Want(204)
	m.a.Expect(apptest.Happened{Audit: []string{"key.revoked"}})
	program.Get(m.api).WantProblem(401, "bad_token")
	m.member("bea@example.com", "rol_member").Get(m.api+"/keys").WantProblem(403, "forbidden")
}

func TestAKeyFollowsItsRole(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	var role struct{ ID string }
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Reader", "permissions": []string{"org:audit"}}).Want(201).JSON(&role)
	m.a.Forget()
	var k madeKey
	m.owner.PostJSON(m.api+"/keys", map[string]any{"name": "ci", "permissions": []string{"org:settings"}, "role": role.ID}).Want(201).JSON(&k)
	m.a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1, "auth_role_binding": 1}})
	program := m.a.Bearer(k.Secret)
	program.Get("/-/api/v1/can?permission=org:audit&permission=org:settings").Want(200, `"allowed":true`)
	patch(m.owner, m.api+"/roles/"+role.ID, `{"permissions":["org:members"]}`).Want(200)
	program.Get("/-/api/v1/can?permission=org:audit&permission=org:settings&permission=org:members").Want(200, `"org:audit":false`, `"org:settings":true`, `"org:members":true`)
	program.Get(m.api + "/invitations").Want(200)
	var keeper struct{ ID string }
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Keeper", "permissions": []string{"org:keys"}}).Want(201).JSON(&keeper)
	m.member("bea@example.com", keeper.ID).PostJSON(m.api+"/keys", map[string]any{"name": "x", "role": "rol_owner"}).WantProblem(403, "forbidden")
	m.a.Key("*").PostJSON("/-/api/v1/keys", map[string]any{"name": "x", "role": "rol_owner"}).WantProblem(422, "invalid", "role")
}

func TestKeysOfTheInstanceOverTheAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	var k madeKey
	a.Forget()
	grace.PostJSON("/-/api/v1/keys", map[string]any{"name": "deploy", "permissions": []string{"keys:manage", "audit:read"}}).Want(201).JSON(&k)
	a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	program := a.Bearer(k.Secret)
	program.PostJSON("/-/api/v1/keys", map[string]any{"name": "child", "permissions": []string{"audit:read"}}).Want(201)
	program.PostJSON("/-/api/v1/keys", map[string]any{"name": "rise", "permissions": []string{"console:read"}}).WantProblem(403, "forbidden")
	program.Get("/-/api/v1/keys").Want(200, "deploy", "child")
	var page struct {
		Keys []madeKey `json:"keys"`
		Next string    `json:"next_cursor"`
	}
	program.Get("/-/api/v1/keys?limit=1").Want(200).JSON(&page)
	program.Get("/-/api/v1/keys?limit=1&cursor="+page.Next).Want(200, "deploy").Without("child")
	a.Verified(ownerMail).Get("/-/api/v1/keys").WantProblem(403, "forbidden")
	program.Do("DELETE", "/-/api/v1/keys/"+k.ID, "", "").Want(204)
	program.Get("/-/api/v1/keys").WantProblem(401, "bad_token")

	// Whoever may not be here any more leaves no key of the instance behind; one of an org stays.
	grace.PostJSON("/-/api/v1/keys", map[string]any{"name": "left", "permissions": []string{"*"}}).Want(201).JSON(&k)
	var org madeKey
	grace.PostJSON("/-/api/v1/orgs/"+a.PersonalOrg("grace@example.com")+"/keys", map[string]any{"name": "org", "permissions": []string{"org:read"}}).Want(201).JSON(&org)
	user := a.Query(`SELECT user_id FROM auth_email WHERE email_norm = 'grace@example.com'`)
	a.Must(endInstanceKeys(a, user))
	a.Bearer(k.Secret).Get("/-/api/v1/me").WantProblem(401, "bad_token")
	a.Bearer(org.Secret).Get("/-/api/v1/me").Want(200)
}

func TestKeysOnTheirPages(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	page := "/-/org/" + m.slug + "/keys"
	m.owner.Get(page).Want(200, "No keys yet")
	p := m.owner.Post(page, "name", "deploy", "permissions", "org:read", "permissions", "org:audit", "role", "", "expires", "30").Want(200, "Copy it now", "sw_org_", "deploy")
	secret := p.Body[strings.Index(p.Body, "sw_org_"):][:47]
	m.a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	m.a.Bearer(secret).Get(m.api).Want(200)
	m.owner.Get(page).Want(200, "deploy", "active").Without(secret)
	m.owner.Post(page, "name", "", "expires", "30").Want(422, "Say what the key may do")
	m.owner.Post(page, "name", "x", "permissions", "org:read", "expires", "31").Want(400)
	m.owner.Get("/-/account/tokens").Want(200, "deploy", m.slug)

	// Whoever made it can end it, and nobody else there.
	id := m.a.Query(`SELECT id FROM auth_api_key`)
	bea := m.member("bea@example.com", "rol_admin")
	bea.Post("/-/account/tokens/revoke", "key", id).Want(404)
	bea.Get("/-/account/tokens").Want(200, "No keys").Without("deploy")
	m.a.ExpectNothing()
	m.owner.Post("/-/account/tokens/revoke", "key", id).Want(200, "The key is revoked")
	m.a.Expect(apptest.Happened{Audit: []string{"key.revoked"}})
	m.owner.Post(page+"/revoke", "key", id).Want(200, "revoked")
	m.a.ExpectNothing()
	m.a.Bearer(secret).Get(m.api).WantProblem(401, "bad_token")

	// A key outlives whoever made it.
	m.a.OrgKey(m.id, "org:read")
	write(m.a, `UPDATE auth_api_key SET created_by = 'user:usr_gone' WHERE id <> ?`, id)
	m.owner.Get(page).Want(200, "made by a deleted account", "made by Ada Lovelace")
}

func endInstanceKeys(a *apptest.App, user string) error {
	return a.DB.Write(a.T.Context(), func(tx *store.Tx) error { return a.Auth.EndInstanceKeys(tx, user) })
}
