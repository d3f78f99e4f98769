package auth_test

import (
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// declare has an app declare a permission.
func declare(a *apptest.App, name, body string) apptest.Page {
	a.T.Helper()
	return a.Key("permissions:manage").Do("PUT", "/-/api/v1/permissions/"+name, "application/json", body)
}

func TestAppsDeclarePermissionsThatRolesGive(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_member")
	key := m.a.Key("permissions:manage")
	m.a.Forget()
	put := func(name, body string) apptest.Page {
		return key.Do("PUT", "/-/api/v1/permissions/"+name, "application/json", body)
	}
	put("projects.write", `{"title":"Change projects","description":"Add and change projects."}`).Want(204)
	m.a.Expect(apptest.Happened{Audit: []string{"permission.declared"}, Rows: map[string]int{"auth_permission": 1, "auth_permission_area": 1}})
	put("projects:write", `{"title":"Change projects","description":"Add and change projects."}`).Want(204) // the same again
	m.a.ExpectNothing()

	// Without a migration or a deploy owners have it, a role gives it, and it is in the token.
	m.owner.Get("/-/api/v1/can?permission=projects.write&permission=projects:other&org="+m.slug).Want(200, `"allowed":true`)
	var role struct {
		ID          string
		Permissions []string
	}
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Editor", "permissions": []string{"projects.write"}}).Want(201).JSON(&role)
	m.a.Expect(apptest.Happened{Audit: []string{"role.created"}, Rows: map[string]int{"auth_role": 1, "auth_role_permission": 2}})
	if strings.Join(role.Permissions, " ") != "org:read projects:write" {
		t.Errorf("the role gives %v", role.Permissions)
	}
	bea.Get("/-/api/v1/can?permission=projects.write&org="+m.id).Want(200, `"allowed":false`)
	patch(m.owner, m.api+"/members/"+m.user("bea@example.com"), `{"role":"`+role.ID+`"}`).Want(200, "Editor")
	bea.Get("/-/api/v1/can?permission=projects.write&org="+m.id).Want(200, `"allowed":true`, `"projects.write":true`)
	bea.Post("/-/org/" + m.slug + "/switch").Want(200)
	bea.Get("/-/api/v1/me").Want(200, "projects:write")
	tokens := m.a.SignInProgram("bea@example.com")
	m.a.Bearer(tokens.Access).Do("POST", m.api+"/switch", "", "").Want(200)
	m.a.Refresh(tokens.Refresh).Want(200).JSON(&tokens)
	claims, err := offline(m.a, tokens.Access, publicKeys(m.a))
	m.a.Must(err)
	if got := strings.Join(words(claims["permissions"]), " ") + ", " + strings.Join(words(claims["roles"]), " "); got != "org:read projects:write, Editor" {
		t.Errorf("the token says %s", got)
	}

	// The role changes under her, and the permission goes.
	m.a.Forget()
	patch(m.owner, m.api+"/roles/"+role.ID, `{"permissions":["org:audit"]}`).Want(200)
	m.a.Expect(apptest.Happened{Audit: []string{"role.updated"}}) // one in, one out
	bea.Get("/-/api/v1/me").Want(200, "org:audit").Without("projects:write")
	put("projects:write", `{"title":"Change projects","roles":["member","admin"]}`).Want(204)
	m.member("cyd@example.com", "rol_member").Get("/-/api/v1/can?permission=projects:write&org="+m.id).Want(200, `"allowed":true`)
	m.a.Forget()
	key.Do("DELETE", "/-/api/v1/permissions/projects.write", "", "").Want(204)
	m.a.Expect(apptest.Happened{Audit: []string{"permission.removed"}, Rows: map[string]int{"auth_permission": -1, "auth_role_permission": -2}})
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Late", "permissions": []string{"projects:write"}}).WantProblem(422, "invalid", "permissions")
}

func TestWhatCannotBeDeclared(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("permissions:manage")
	put := func(name, body string) apptest.Page {
		return key.Do("PUT", "/-/api/v1/permissions/"+name, "application/json", body)
	}
	put("reports:read", `{"title":"Read reports"}`).Want(204)
	a.Forget()
	for name, c := range map[string]struct{ name, body, field string }{
		"an area of a system":       {"org:secret", `{"title":"x"}`, "name"},
		"the operator's":            {"console:write", `{"title":"x"}`, "name"},
		"one a system will have":    {"flags:write", `{"title":"x"}`, "name"},
		"everything":                {"*", `{"title":"x"}`, "name"},
		"an area whole":             {"reports:*", `{"title":"x"}`, "name"},
		"upper case":                {"Reports:read", `{"title":"x"}`, "name"},
		"no title":                  {"reports:write", `{"title":""}`, "title"},
		"an area that counts in":    {"reports:all", `{"title":"x","scope":"instance"}`, "scope"},
		"an unknown role":           {"reports:all", `{"title":"x","roles":["owner"]}`, "roles"},
		"an instance's, in orgs":    {"fleet:all", `{"title":"x","scope":"instance","roles":["admin"]}`, "roles"},
		"a scope that there is not": {"fleet:all", `{"title":"x","scope":"world"}`, "scope"},
	} {
		p := put(name2path(c.name), c.body)
		if problem := p.WantProblem(422, "invalid", c.field); problem.Detail == "" {
			t.Errorf("%s: no words", name)
		}
	}
	a.ExpectNothing()
	// An area keeps its scope though nothing is left in it.
	key.Do("DELETE", "/-/api/v1/permissions/reports:read", "", "").Want(204)
	put("reports:read", `{"title":"x","scope":"instance"}`).WantProblem(422, "invalid", "scope")
	key.Do("DELETE", "/-/api/v1/permissions/reports:read", "", "").WantProblem(404, "not_found")
	key.Do("DELETE", "/-/api/v1/permissions/org:read", "", "").WantProblem(404, "not_found")
	a.Key("permissions:read").Do("PUT", "/-/api/v1/permissions/x:y", "application/json", `{"title":"x"}`).WantProblem(403, "forbidden")
	a.Verified(ownerMail).Do("PUT", "/-/api/v1/permissions/x:y", "application/json", `{"title":"x"}`).WantProblem(403, "forbidden")
}

func name2path(name string) string { return strings.ReplaceAll(name, "*", "%2A") }

// Nobody makes or changes a role that gives what he lacks, and no role of an org
// reaches beyond it.
func TestRolesCannotBeUsedToRise(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	declare(m.a, "fleet:all", `{"title":"Everything","scope":"instance"}`).Want(204)
	var keeper, big struct{ ID string }
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Keeper", "permissions": []string{"org:roles", "org:members"}}).Want(201).JSON(&keeper)
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Big", "permissions": []string{"org:keys"}}).Want(201).JSON(&big)
	bea := m.member("bea@example.com", keeper.ID)
	make := func(b *apptest.Browser, permissions ...string) apptest.Page {
		return b.PostJSON(m.api+"/roles", map[string]any{"name": "New", "permissions": permissions})
	}
	make(bea, "org:settings").WantProblem(403, "permission_above_you")
	make(bea, "org:*").WantProblem(403, "permission_above_you")
	patch(bea, m.api+"/roles/"+keeper.ID, `{"permissions":["org:roles","org:own"]}`).WantProblem(403, "permission_above_you")
	patch(bea, m.api+"/roles/"+big.ID, `{"permissions":[]}`).WantProblem(403, "permission_above_you") // what she lacks she cannot take either
	bea.Do("DELETE", m.api+"/roles/"+big.ID, "", "").WantProblem(403, "permission_above_you")
	patch(bea, m.api+"/members/"+m.user("bea@example.com"), `{"role":"`+big.ID+`"}`).WantProblem(403, "role_above_you")
	for _, beyond := range []string{"*", "console:read", "keys:manage", "fleet:all", "fleet:*", "projects:write", "org", ""} {
		make(m.owner, beyond).WantProblem(422, "invalid", "permissions")
	}
	for _, builtIn := range []string{"rol_owner", "rol_admin", "rol_member", "rol_operator"} {
		patch(m.owner, m.api+"/roles/"+builtIn, `{"permissions":[]}`).WantProblem(404, "not_found")
		m.owner.Do("DELETE", m.api+"/roles/"+builtIn, "", "").WantProblem(404, "not_found")
	}
	for _, name := range []string{"OWNER", "keeper", "Operator"} {
		m.owner.PostJSON(m.api+"/roles", map[string]any{"name": name, "permissions": []string{}}).WantProblem(422, "invalid", "name")
	}
	// The name stands in a mail to whoever is invited.
	for _, name := range []string{"https://evil.example", "see www.evil.example"} {
		m.owner.PostJSON(m.api+"/roles", map[string]any{"name": name, "permissions": []string{}}).WantProblem(422, "invalid", "name")
		patch(m.owner, m.api+"/roles/"+keeper.ID, `{"name":"`+name+`"}`).WantProblem(422, "invalid", "name")
	}
	m.a.ExpectNothing()
	make(bea, "org:members").Want(201)
}

func TestARoleInUseIsReplaced(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	var role struct{ ID string }
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "Editor", "permissions": []string{"org:audit"}}).Want(201).JSON(&role)
	bea := m.member("bea@example.com", role.ID)
	k, secret, err := m.a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "ci", Org: m.id, Role: role.ID})
	m.a.Must(err)
	link := m.invite("cyd@example.com", role.ID)
	m.a.Forget()
	m.owner.Do("DELETE", m.api+"/roles/"+role.ID, "", "").WantProblem(409, "role_in_use")
	m.owner.Do("DELETE", m.api+"/roles/"+role.ID+"?replacement=rol_nowhere", "", "").WantProblem(422, "invalid", "replacement")
	m.owner.Do("DELETE", m.api+"/roles/"+role.ID+"?replacement="+role.ID, "", "").WantProblem(422, "invalid", "replacement")
	m.a.ExpectNothing()
	m.owner.Post("/-/org/"+m.slug+"/roles/delete", "role", role.ID, "replacement", "rol_admin").Want(200, "The role is deleted")
	m.a.Expect(apptest.Happened{Audit: []string{"role.deleted"}, Rows: map[string]int{"auth_role": -1, "auth_role_permission": -2}})
	bea.Get("/-/api/v1/can?permission=org:members&org="+m.id).Want(200, `"allowed":true`)
	m.a.Bearer(secret).Get("/-/api/v1/can?permission=org:members").Want(200, `"allowed":true`)
	m.a.Browser().Get(link).Want(200, "as admin")
	m.a.Must(m.a.Auth.RevokeKey(t.Context(), m.id, k.ID))
}

func TestRolesOnTheirPage(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	page := "/-/org/" + m.slug + "/roles"
	m.owner.Post(page, "name", "Helper", "permissions", "org:audit", "permissions", "org:keys").Want(200, "The role is made", "Helper")
	id := m.a.Query(`SELECT id FROM auth_role WHERE name = 'Helper'`)
	m.a.Forget()
	m.owner.Post(page+"/save", "role", id, "name", "Helper", "permissions", "org:members").Want(200, "The role is saved")
	m.a.Expect(apptest.Happened{Audit: []string{"role.updated"}, Rows: map[string]int{"auth_role_permission": -1}})
	if e := string(m.a.Events(1)[0].Body); !strings.Contains(e, `"from":"org:audit org:keys org:read","to":"org:members org:read"`) {
		t.Errorf("the diff: %s", e)
	}
	m.owner.Post(page, "name", "Helper", "permissions", "org:keys").Want(422, "There is a role with this name", `name="permissions" value="org:keys" checked`)
	m.member("bea@example.com", "rol_member").Get(page).Want(200, "Helper").Without("Make a role", "Save")
}

func TestRolesOfEveryOrg(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	declare(m.a, "projects:write", `{"title":"Change projects"}`).Want(204)
	app := m.a.Key("permissions:*", "org:*", "projects:*")
	var role struct{ ID string }
	app.PostJSON("/-/api/v1/roles", map[string]any{"name": "Editor", "permissions": []string{"projects:write"}}).Want(201).JSON(&role)
	m.owner.Get(m.api+"/roles").Want(200, role.ID)
	m.owner.Get("/-/org/"+m.slug+"/roles").Want(200, "Editor")
	patch(m.owner, m.api+"/roles/"+role.ID, `{"name":"Mine"}`).WantProblem(404, "not_found")
	m.owner.PostJSON(m.api+"/roles", map[string]any{"name": "editor", "permissions": []string{}}).WantProblem(422, "invalid", "name")
	m.member("bea@example.com", role.ID).Get("/-/api/v1/can?permission=projects:write&org="+m.id).Want(200, `"allowed":true`)
	patch(app, "/-/api/v1/roles/"+role.ID, `{"name":"Author"}`).Want(200, "Author")
	app.Do("DELETE", "/-/api/v1/roles/"+role.ID, "", "").WantProblem(409, "role_in_use")
	app.Do("DELETE", "/-/api/v1/roles/"+role.ID+"?replacement=rol_member", "", "").Want(204)
	m.a.Key("permissions:manage").PostJSON("/-/api/v1/roles", map[string]any{"name": "Boss", "permissions": []string{"org:own"}}).WantProblem(403, "permission_above_you")
}

func TestAskingWhatSomebodyMay(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	bea := m.member("bea@example.com", "rol_admin")
	user := m.user("bea@example.com")
	m.a.Key("permissions:read").Get("/-/api/v1/can?permission=org.members&user="+user+"&org="+m.slug).Want(200, `"allowed":true`, m.id)
	m.a.Key("permissions:read").Get("/-/api/v1/can?permission=org.members&user="+user).Want(200, `"allowed":false`)
	m.a.Key("permissions:read").Get("/-/api/v1/can?permission=org.members&user=usr_nobody&org="+m.id).Want(200, `"allowed":false`)
	m.a.Key("org:*").Get("/-/api/v1/can?permission=org.members&user="+user+"&org="+m.id).WantProblem(403, "forbidden")
	bea.Get("/-/api/v1/can?permission=org.members&user="+m.user(ownerMail)+"&org="+m.id).WantProblem(403, "forbidden")
	bea.Get("/-/api/v1/can").WantProblem(422, "invalid", "permission")
	bea.Get("/-/api/v1/can?permission=org:*").WantProblem(422, "invalid", "permission")
	bea.Get("/-/api/v1/can?permission=org:read&org=nowhere").WantProblem(404, "not_found")
	m.a.Browser().Get("/-/api/v1/can?permission=org:read").WantProblem(401, "signed_out")

	id := web.Identity{User: user, Permissions: []string{"org:read"}, Level: 1}
	if ctx := as(t, id); !auth.Can(ctx, "org.read") || auth.Can(ctx, "org:own") || auth.Can(t.Context(), "org:read") {
		t.Error("Can does not tell by the identity")
	}
	for org, want := range map[string]bool{m.id: true, m.slug: true, m.a.PersonalOrg(ownerMail): false, "nowhere": false} {
		if got, err := m.a.Auth.CanIn(as(t, id), org, "org.members"); err != nil || got != want {
			t.Errorf("in %s: %v, %v", org, got, err)
		}
	}
}

func TestAnEmbeddingProgramDeclaresItsOwn(t *testing.T) {
	t.Parallel()
	m := newTeam(t, func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			return app.Extension{Permissions: []auth.NewPermission{{PermissionKind: web.PermissionKind{Name: "projects:write", Title: "Change projects"}, Roles: []string{"member"}}}}
		}
	})
	m.owner.Get(m.api+"/permissions").Want(200, "projects:write")
	m.member("bea@example.com", "rol_member").Get("/-/api/v1/can?permission=projects:write&org="+m.id).Want(200, `"allowed":true`)
}
