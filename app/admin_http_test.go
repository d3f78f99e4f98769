package app_test

import (
	"strconv"

	"seaworthy/app/apptest"
)

// adminDrives drive what operators do to users and orgs, each to success.
func adminDrives(a *apptest.App) map[string]func() {
	const why = "asked for it on the phone"
	some := func(verified bool) string {
		email := "someone" + strconv.Itoa(a.Count("auth_user")) + "@example.com"
		if verified {
			a.Verified(email)
		} else {
			a.SignUp(email)
		}
		return a.UserID(email)
	}
	address := func(id string) string { return a.Query(`SELECT email FROM auth_email WHERE user_id = ?`, id) }
	session := func(id string) string {
		return a.Query(`SELECT max(id) FROM auth_session WHERE user_id = ? AND revoked_at IS NULL`, id)
	}
	reason := map[string]string{"reason": why}
	api := func(act string) string { return "/-/api/v1/users/" + act }
	json := func(b *apptest.Browser, method, path, body string) {
		b.Do(method, path, "application/json", body).Want(204)
	}
	return map[string]func(){
		"POST /-/api/v1/users/{id}/verify":         func() { operator(a).PostJSON(api(some(false))+"/verify", reason).Want(204) },
		"POST /-/api/v1/users/{id}/reset-password": func() { operator(a).PostJSON(api(some(false))+"/reset-password", reason).Want(202) },
		"DELETE /-/api/v1/users/{id}/sessions":     func() { operator(a).Do("DELETE", api(some(false))+"/sessions", "", "").Want(200) },
		"DELETE /-/api/v1/users/{id}/sessions/{session}": func() {
			id := some(false)
			operator(a).Do("DELETE", api(id)+"/sessions/"+session(id), "", "").Want(200)
		},
		"POST /-/api/v1/users/{id}/suspend": func() { operator(a).PostJSON(api(some(false))+"/suspend", reason).Want(204) },
		"POST /-/api/v1/users/{id}/reactivate": func() {
			id := some(false)
			operator(a).PostJSON(api(id)+"/suspend", reason).Want(204)
			operator(a).PostJSON(api(id)+"/reactivate", reason).Want(204)
		},
		"POST /-/api/v1/users/{id}/reset-mfa": func() { operator(a).PostJSON(api(some(false))+"/reset-mfa", reason).Want(204) },
		"POST /-/api/v1/users/{id}/operator": func() {
			id := some(true)
			json(operator(a), "POST", api(id)+"/operator", `{"email":"`+address(id)+`"}`)
		},
		"DELETE /-/api/v1/users/{id}/operator": func() {
			id := some(true)
			json(operator(a), "POST", api(id)+"/operator", `{"email":"`+address(id)+`"}`)
			json(operator(a), "DELETE", api(id)+"/operator", `{"email":"`+address(id)+`"}`)
		},
		"POST /-/api/v1/users/{id}/impersonate": func() { operator(a).PostJSON(api(some(false))+"/impersonate", reason).Want(200) },

		"POST /-/admin/users/{id}/verify":         func() { operator(a).Post("/-/admin/users/" + some(false) + "/verify").Want(200) },
		"POST /-/admin/users/{id}/reset-password": func() { operator(a).Post("/-/admin/users/" + some(false) + "/reset-password").Want(200) },
		"POST /-/admin/users/{id}/sessions":       func() { operator(a).Post("/-/admin/users/" + some(false) + "/sessions").Want(200) },
		"POST /-/admin/users/{id}/suspend":        func() { operator(a).Post("/-/admin/users/"+some(false)+"/suspend", "reason", why).Want(200) },
		"POST /-/admin/users/{id}/reactivate": func() {
			id := some(false)
			operator(a).Post("/-/admin/users/"+id+"/suspend", "reason", why).Want(200)
			operator(a).Post("/-/admin/users/"+id+"/reactivate", "reason", why).Want(200)
		},
		"POST /-/admin/users/{id}/reset-mfa": func() { operator(a).Post("/-/admin/users/"+some(false)+"/reset-mfa", "reason", why).Want(200) },
		"POST /-/admin/users/{id}/operator": func() {
			id := some(true)
			operator(a).Post("/-/admin/users/"+id+"/operator", "to", "operator", "email", address(id)).Want(200)
		},
		"POST /-/admin/users/{id}/impersonate": func() { operator(a).Post("/-/admin/users/"+some(false)+"/impersonate", "reason", why).Want(200) },
		"POST /-/impersonation/stop": func() {
			b := operator(a)
			b.Post("/-/admin/users/"+some(false)+"/impersonate", "reason", why).Want(200)
			b.Post("/-/impersonation/stop").Want(200)
		},

		"PUT /-/api/v1/admin/orgs/{id}/members/{user}": func() {
			org, _, member := sharedOrg(a)
			json(operator(a), "PUT", "/-/api/v1/admin/orgs/"+org+"/members/"+member, `{"role":"rol_admin"}`)
		},
		"DELETE /-/api/v1/admin/orgs/{id}/members/{user}": func() {
			org, _, member := sharedOrg(a)
			operator(a).Do("DELETE", "/-/api/v1/admin/orgs/"+org+"/members/"+member, "", "").Want(204)
		},
		"POST /-/api/v1/admin/orgs/{id}/close": func() {
			org, slug, _ := sharedOrg(a)
			json(operator(a), "POST", "/-/api/v1/admin/orgs/"+org+"/close", `{"confirm":"`+slug+`","reason":"`+why+`"}`)
		},
		"POST /-/api/v1/admin/orgs/{id}/reopen": func() {
			org, slug, _ := sharedOrg(a)
			operator(a).Post("/-/admin/orgs/"+org+"/close", "confirm", slug, "reason", why).Want(200)
			json(operator(a), "POST", "/-/api/v1/admin/orgs/"+org+"/reopen", `{}`)
		},
		"POST /-/admin/orgs/{id}/role": func() {
			org, _, member := sharedOrg(a)
			operator(a).Post("/-/admin/orgs/"+org+"/role", "user", member, "role", "rol_admin").Want(200)
		},
		"POST /-/admin/orgs/{id}/remove": func() {
			org, _, member := sharedOrg(a)
			operator(a).Post("/-/admin/orgs/"+org+"/remove", "user", member).Want(200)
		},
		"POST /-/admin/orgs/{id}/close": func() {
			org, slug, _ := sharedOrg(a)
			operator(a).Post("/-/admin/orgs/"+org+"/close", "confirm", slug, "reason", why).Want(200)
		},
		"POST /-/admin/orgs/{id}/reopen": func() {
			org, slug, _ := sharedOrg(a)
			operator(a).Post("/-/admin/orgs/"+org+"/close", "confirm", slug, "reason", why).Want(200)
			operator(a).Post("/-/admin/orgs/" + org + "/reopen").Want(200)
		},
	}
}

// sharedOrg makes an org with an owner and a member.
func sharedOrg(a *apptest.App) (org, slug, member string) {
	a.T.Helper()
	n := strconv.Itoa(a.Count("auth_org"))
	for _, who := range []string{"owner", "member"} {
		a.SignUp(who + n + "@example.com")
	}
	slug = "shared-" + n
	org = a.SharedOrg(slug, "Shared "+n, map[string]string{"owner" + n + "@example.com": "rol_owner", "member" + n + "@example.com": "rol_member"})
	return org, slug, a.UserID("member" + n + "@example.com")
}
