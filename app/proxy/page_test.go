package proxy_test

import (
	"testing"

	"seaworthy/app/apptest"
)

// An operator adds, changes, moves, tries, deletes and restores rules in the console.
func TestRulesInTheConsole(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	grace := a.Operator("grace@example.com")
	a.Verified("ada@example.com")
	grace.Get("/-/admin/access").Want(200, "Without rules every request reaches your app", "Everybody")
	a.Forget()
	grace.Post("/-/admin/access/new-rule", "version", "0", "path", "/admin/**", "methods", "get, post", "who", "signed_in", "roles", "owner, captain", "two_factors", "on", "max_age_minutes", "30", "note", "Only us", "at", "1").
		Want(200, "The rule is added", "/admin/**", "GET, POST", "has the role owner or captain", "showed two factors", "Only us")
	a.Expect(apptest.Happened{Audit: []string{"access_rules.changed"}, Rows: map[string]int{"proxy_ruleset": 1}})
	grace.Get("/-/admin/access").Want(200, `<div class="access-who">Whoever is signed in, who has the role owner or captain`) // on a phone the column is not there
	grace.Post("/-/admin/access/new-rule", "version", "1", "path", "/admin/open", "who", "public", "at", "1").Want(200)
	grace.Get("/-/admin/access/rules/2").Want(200, "/admin/**", "GET, POST", "owner, captain")
	grace.Post("/-/admin/access/new-rule", "version", "2", "path", "admin", "who", "public", "permission", "a:b", "at", "9").Want(422, "A path begins with a slash", "What is public asks for nothing")
	grace.Post("/-/admin/access/rules/2", "version", "1", "path", "/x", "who", "public", "at", "2").Want(409, "Somebody changed the rules")

	for query, want := range map[string]string{
		"path=/admin/open":                                          "Allowed",
		"path=/admin/x":                                             "Refused with 401",
		"path=/admin/x&user=ada@example.com":                        "no second factor was shown",
		"path=/admin/x&user=ada@example.com&two_factors=on":         "all that the rule asks for holds",
		"path=/admin/x&user=ada@example.com&method=delete":          "no rule is about it",
		"path=https://app.example.com/admin/x&user=ada@example.com": "Refused with 403",
		"path=/x/../admin":                                          "read in more than one way",
	} {
		grace.Get("/-/admin/access?"+query).Want(200, want)
	}
	grace.Get("/-/admin/access?path=/x&user=nobody@example.com").Want(422, "There is no such user")
	grace.Get("/-/admin/access?path=/-/login").Want(422, "Seaworthy&#39;s own")
	grace.Post("/-/admin/access/rules/1/move", "version", "2", "to", "down").Want(200, "The rule has another place")
	grace.Get("/-/admin/access?path=/admin/open").Want(200, "Refused with 401")
	grace.Post("/-/admin/access/rules/1/delete", "version", "3").Want(200, "The rule is deleted")
	grace.Post("/-/admin/access/rules/9/delete", "version", "4").Want(404)
	grace.Post("/-/admin/access/restore", "version", "4", "earlier", "2").Want(200, "The earlier rules are in use again")
	grace.Get("/-/admin/access?path=/admin/open").Want(200, "Allowed")
}

func TestRulesAPI(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	key := a.Key("access:*")
	put := func(body string) apptest.Page {
		return key.Do("PUT", "/-/api/v1/access/rules", "application/json", body)
	}
	put(`{"version":0,"rules":[{"path":"/a"}]}`).Want(200, `"version":1`, `"who":"signed_in"`)
	put(`{"version":0,"rules":[]}`).WantProblem(409, "stale")
	a.Forget()
	put(`{"version":1,"rules":[{"path":"/a","who":"signed_in"}]}`).Want(200, `"version":1`)
	a.ExpectNothing()
	put(`{"version":1,"rules":[{"path":"/a"},{"path":"/**/b"}]}`).WantProblem(422, "invalid", "rules.1.path")
	put(`{"version":1,"rules":[{"path":"/-/admin"}]}`).WantProblem(422, "invalid", "rules.0.path")
	put(`{"version":1,"rules":[{"path":"/a","rol":"x"}]}`).Want(400)
	put(`{"version":1}`).WantProblem(422, "invalid", "rules") // forgotten is not "none"
	put(`{"version":1,"rules":null}`).WantProblem(422, "invalid", "rules")
	put(`{"version":1,"rules":[]}`).Want(200, `"version":2`)
	key.Get("/-/api/v1/access/rules?version=1").Want(200, `"/a"`)
	key.Get("/-/api/v1/access/rules?version=7").Want(404)
	key.Get("/-/api/v1/access/rules/versions?limit=1").Want(200, `"next_cursor":"2"`)
	key.PostJSON("/-/api/v1/access/test", map[string]any{"path": "/a"}).Want(200, `"allowed":true`)
	reader := a.Key("access:read")
	reader.Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":2,"rules":[]}`).Want(403)
	a.Key("jobs:*").Get("/-/api/v1/access/rules").Want(403)
}
