package app_test

import (
	"strconv"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
)

// driveOrgs drives the routes of orgs, roles, permissions and keys to success.
func driveOrgs(a *apptest.App) map[string]func() {
	n := 0
	// fresh is somebody who owns a new org, with its id, and the paths of its API and pages.
	fresh := func() (b *apptest.Browser, id, api, page string) {
		n++
		b = a.Verified("org" + strconv.Itoa(n) + "@example.com")
		b.PostJSON("/-/api/v1/orgs", map[string]string{"name": "Org", "slug": "org-" + strconv.Itoa(n)}).Want(201)
		id = a.Query(`SELECT id FROM auth_org WHERE slug = ?`, "org-"+strconv.Itoa(n))
		return b, id, "/-/api/v1/orgs/" + id, "/-/org/org-" + strconv.Itoa(n)
	}
	invite := func(b *apptest.Browser, api string) (link string) {
		email := "guest" + strconv.Itoa(n) + "@example.com"
		b.PostJSON(api+"/invitations", map[string]string{"email": email, "role": "rol_member"}).Want(201)
		a.RunJobs()
		return a.Link(email, "/-/invite/")
	}
	invitation := func() string { return a.Query(`SELECT max(id) FROM auth_invitation`) }
	guest := func(b *apptest.Browser, api string) (who *apptest.Browser, user string) {
		who = a.Browser()
		who.Post(invite(b, api), "name", "Guest", "password", apptest.Password).Want(200)
		return who, a.Query(`SELECT max(id) FROM auth_user`)
	}
	role := func(b *apptest.Browser, api string) string {
		b.PostJSON(api+"/roles", map[string]any{"name": "Editor", "permissions": []string{"org:audit"}}).Want(201)
		return a.Query(`SELECT max(id) FROM auth_role WHERE name = 'Editor'`)
	}
	key := func(b *apptest.Browser, api string) string {
		b.PostJSON(api+"/keys", map[string]any{"name": "ci", "permissions": []string{"org:read"}}).Want(201)
		return a.Query(`SELECT max(id) FROM auth_api_key`)
	}
	send := func(b *apptest.Browser, method, path, body string, status int) {
		kind := "application/json"
		if body == "" {
			kind = ""
		}
		b.Do(method, path, kind, body).Want(status)
	}
	global := func() string {
		n++
		name := "Global " + strconv.Itoa(n)
		a.Key("*").PostJSON("/-/api/v1/roles", map[string]any{"name": name, "permissions": []string{}}).Want(201)
		return a.Query(`SELECT id FROM auth_role WHERE name = ?`, name)
	}
	return map[string]func(){
		"POST /-/account/orgs/new": func() {
			b, _, _, _ := fresh()
			b.Post("/-/account/orgs/new", "name", "Another").Want(200)
		},
		"POST /-/api/v1/orgs": func() {
			fresh()
		},
		"POST /-/org/{slug}/switch": func() {
			b, _, _, page := fresh()
			b.Post(page + "/switch").Want(200)
		},
		"POST /-/api/v1/orgs/{org}/switch": func() {
			b, _, api, _ := fresh()
			send(b, "POST", api+"/switch", "", 200)
		},
		"POST /-/org/{slug}/settings": func() {
			b, _, _, page := fresh()
			b.Post(page+"/settings", "name", "Other", "slug", "other-"+strconv.Itoa(n)).Want(200)
		},
		"PATCH /-/api/v1/orgs/{org}": func() {
			b, _, api, _ := fresh()
			send(b, "PATCH", api, `{"name":"Other"}`, 200)
		},
		"POST /-/org/{slug}/delete": func() {
			b, _, _, page := fresh()
			b.Post(page+"/delete", "confirm", "Org").Want(200)
		},
		"DELETE /-/api/v1/orgs/{org}": func() {
			b, _, api, _ := fresh()
			send(b, "DELETE", api, `{"confirm":"Org"}`, 204)
		},
		"POST /-/org/{slug}/members/role": func() {
			b, _, api, page := fresh()
			_, user := guest(b, api)
			b.Post(page+"/members/role", "user", user, "role", "rol_admin").Want(200)
		},
		"POST /-/org/{slug}/members/remove": func() {
			b, _, api, page := fresh()
			_, user := guest(b, api)
			b.Post(page+"/members/remove", "user", user).Want(200)
		},
		"PATCH /-/api/v1/orgs/{org}/members/{user}": func() {
			b, _, api, _ := fresh()
			_, user := guest(b, api)
			send(b, "PATCH", api+"/members/"+user, `{"role":"rol_admin"}`, 200)
		},
		"DELETE /-/api/v1/orgs/{org}/members/{user}": func() {
			b, _, api, _ := fresh()
			_, user := guest(b, api)
			send(b, "DELETE", api+"/members/"+user, "", 204)
		},
		"POST /-/org/{slug}/leave": func() {
			b, _, api, page := fresh()
			who, _ := guest(b, api)
			who.Post(page + "/leave").Want(200)
		},
		"POST /-/api/v1/orgs/{org}/leave": func() {
			b, _, api, _ := fresh()
			who, _ := guest(b, api)
			send(who, "POST", api+"/leave", "", 204)
		},
		"POST /-/org/{slug}/transfer": func() {
			b, _, api, page := fresh()
			_, user := guest(b, api)
			b.Post(page+"/transfer", "user", user).Want(200)
		},
		"POST /-/api/v1/orgs/{org}/transfer": func() {
			b, _, api, _ := fresh()
			_, user := guest(b, api)
			b.PostJSON(api+"/transfer", map[string]string{"user": user}).Want(204)
		},
		"POST /-/invite/{token}": func() {
			b, _, api, _ := fresh()
			guest(b, api)
		},
		"POST /-/api/v1/invitations/accept": func() {
			b, _, api, _ := fresh()
			who := a.Verified("guest" + strconv.Itoa(n) + "@example.com")
			who.PostJSON("/-/api/v1/invitations/accept", map[string]string{"token": strings.TrimPrefix(invite(b, api), "/-/invite/")}).Want(200)
		},
		"POST /-/org/{slug}/invitations": func() {
			b, _, _, page := fresh()
			b.Post(page+"/invitations", "email", "x@example.com", "role", "rol_member").Want(200)
		},
		"POST /-/org/{slug}/invitations/resend": func() {
			b, _, api, page := fresh()
			invite(b, api)
			b.Post(page+"/invitations/resend", "invitation", invitation()).Want(200)
		},
		"POST /-/org/{slug}/invitations/revoke": func() {
			b, _, api, page := fresh()
			invite(b, api)
			b.Post(page+"/invitations/revoke", "invitation", invitation()).Want(200)
		},
		"POST /-/api/v1/orgs/{org}/invitations": func() {
			b, _, api, _ := fresh()
			invite(b, api)
		},
		"POST /-/api/v1/orgs/{org}/invitations/{id}/resend": func() {
			b, _, api, _ := fresh()
			invite(b, api)
			send(b, "POST", api+"/invitations/"+invitation()+"/resend", "", 204)
		},
		"DELETE /-/api/v1/orgs/{org}/invitations/{id}": func() {
			b, _, api, _ := fresh()
			invite(b, api)
			send(b, "DELETE", api+"/invitations/"+invitation(), "", 204)
		},
		"POST /-/org/{slug}/roles": func() {
			b, _, _, page := fresh()
			b.Post(page+"/roles", "name", "Helper", "permissions", "org:audit").Want(200)
		},
		"POST /-/org/{slug}/roles/save": func() {
			b, _, api, page := fresh()
			b.Post(page+"/roles/save", "role", role(b, api), "name", "Other").Want(200)
		},
		"POST /-/org/{slug}/roles/delete": func() {
			b, _, api, page := fresh()
			b.Post(page+"/roles/delete", "role", role(b, api)).Want(200)
		},
		"POST /-/api/v1/orgs/{org}/roles": func() {
			b, _, api, _ := fresh()
			role(b, api)
		},
		"PATCH /-/api/v1/orgs/{org}/roles/{role}": func() {
			b, _, api, _ := fresh()
			send(b, "PATCH", api+"/roles/"+role(b, api), `{"name":"Other"}`, 200)
		},
		"DELETE /-/api/v1/orgs/{org}/roles/{role}": func() {
			b, _, api, _ := fresh()
			send(b, "DELETE", api+"/roles/"+role(b, api), "", 204)
		},
		"PUT /-/api/v1/permissions/{name}": func() {
			send(a.Key("permissions:manage"), "PUT", "/-/api/v1/permissions/projects:write", `{"title":"Change projects"}`, 204)
		},
		"DELETE /-/api/v1/permissions/{name}": func() {
			send(a.Key("permissions:manage"), "PUT", "/-/api/v1/permissions/projects:gone", `{"title":"Change projects"}`, 204)
			send(a.Key("permissions:manage"), "DELETE", "/-/api/v1/permissions/projects:gone", "", 204)
		},
		"POST /-/api/v1/roles": func() {
			a.Key("*").PostJSON("/-/api/v1/roles", map[string]any{"name": "Everywhere", "permissions": []string{}}).Want(201)
		},
		"PATCH /-/api/v1/roles/{role}": func() {
			send(a.Key("*"), "PATCH", "/-/api/v1/roles/"+global(), `{"permissions":["org:audit"]}`, 200)
		},
		"DELETE /-/api/v1/roles/{role}": func() {
			send(a.Key("*"), "DELETE", "/-/api/v1/roles/"+global(), "", 204)
		},
		"POST /-/org/{slug}/keys": func() {
			b, _, _, page := fresh()
			b.Post(page+"/keys", "name", "ci", "permissions", "org:read", "expires", "7").Want(200)
		},
		"POST /-/org/{slug}/keys/revoke": func() {
			b, _, api, page := fresh()
			b.Post(page+"/keys/revoke", "key", key(b, api)).Want(200)
		},
		"POST /-/account/tokens/revoke": func() {
			b, _, api, _ := fresh()
			b.Post("/-/account/tokens/revoke", "key", key(b, api)).Want(200)
		},
		"POST /-/api/v1/keys": func() {
			a.Key("*").PostJSON("/-/api/v1/keys", map[string]any{"name": "ci", "permissions": []string{"audit:read"}}).Want(201)
		},
		"DELETE /-/api/v1/keys/{id}": func() {
			by := a.Key("*")
			send(by, "DELETE", "/-/api/v1/keys/"+a.Query(`SELECT max(id) FROM auth_api_key`), "", 204)
		},
		"POST /-/api/v1/orgs/{org}/keys": func() {
			b, _, api, _ := fresh()
			key(b, api)
		},
		"DELETE /-/api/v1/orgs/{org}/keys/{id}": func() {
			b, _, api, _ := fresh()
			send(b, "DELETE", api+"/keys/"+key(b, api), "", 204)
		},
	}
}

// Every permission that a route asks for has words in the catalogue, and owners
// have each that counts in orgs.
func TestEveryPermissionOfARouteIsDeclared(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	var all struct {
		Permissions []web.PermissionKind `json:"permissions"`
	}
	a.Key("permissions:read").Get("/-/api/v1/permissions").Want(200).JSON(&all)
	known := map[string]web.PermissionKind{}
	owner := web.Identity{Permissions: strings.Fields(a.Query(`SELECT group_concat(permission, ' ') FROM auth_role_permission WHERE role_id = 'rol_owner'`))}
	for _, k := range all.Permissions {
		known[k.Name] = k
		if owner.Can(k.Name) != (k.Scope == web.ScopeOrg) {
			t.Errorf("%s counts in the %s; does an owner have it: %v", k.Name, k.Scope, owner.Can(k.Name))
		}
	}
	for _, r := range a.Web.Routes() {
		if p := r.Access.RequiredPermission(); p != "" && (known[p].Title == "" || known[p].Title == p) {
			t.Errorf("%s %s asks for %s, which no system declares", r.Method, r.Pattern, p)
		} else if p != "" && r.Access.Scope() != known[p].Scope {
			t.Errorf("%s %s asks for %s, which counts in the %s", r.Method, r.Pattern, p, known[p].Scope)
		}
	}
}
