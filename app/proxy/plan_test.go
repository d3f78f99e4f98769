package proxy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app/auth"
)

// Rules go by what the org's plan gives, as a feature and as a number; whoever is refused
// is led to the plans.
func TestRulesByEntitlement(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	a.Key("*").Do("PUT", "/-/api/v1/billing/plans", "application/json",
		`{"key":"free","kind":"free","name":"Free","features":["export"],"limits":{"seats":{"value":3},"projects":{"unlimited":true}}}`).Want(200)
	setRules(a,
		rule{"path": "/export", "features": []string{"export"}},
		rule{"path": "/sso", "features": []string{"export", "sso"}},
		rule{"path": "/team", "limits": map[string]int{"seats": 3, "projects": 1000000}},
		rule{"path": "/crowd", "limits": map[string]int{"seats": 4}},
		rule{"path": "/api", "limits": map[string]int{"calls": 1}},
	)
	for path, status := range map[string]int{"/export": 200, "/sso": 402, "/team": 200, "/crowd": 402, "/api": 402} {
		reached := b.asked()
		page := ada.Get(path).Want(status)
		if asked := b.asked() > reached; asked != (status == 200) {
			t.Errorf("%s: the app was asked: %t", path, asked)
		}
		if status == 402 && (!strings.Contains(string(page.Body), "Your plan does not include this") || !strings.Contains(string(page.Body), `href="/-/billing?org=`) || !strings.Contains(string(page.Body), `">See the plans`)) {
			t.Errorf("%s does not lead to the plans: %s", path, page.Body)
		}
		a.Browser().Get(path).Want(200, "Sign in") // led to sign in
	}
	key := a.Key("access:read")
	for path, why := range map[string]string{"/crowd": "gives seats of 3, and 4 are asked for", "/api": "gives calls of 0, and 1", "/team": "all that the rule asks for holds", "/sso": "does not give sso"} {
		key.PostJSON("/-/api/v1/access/test", map[string]any{"path": path, "user": "ada@example.com"}).Want(200, why)
	}
	for _, bad := range []string{`{"path":"/a","limits":{"seats":0}}`, `{"path":"/a","limits":{"Seats":1}}`, `{"path":"/a","who":"public","limits":{"seats":1}}`, `{"path":"/a","who":"public","paid":true}`, `{"path":"/a","paid":true,"while_restricted":true}`} {
		a.Key("access:*").Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":1,"rules":[`+bad+`]}`).Want(422, "rules.0.")
	}
}

// In the console limits are written in words, and what is typed comes back.
func TestLimitsInTheConsole(t *testing.T) {
	t.Parallel()
	a := before(t, newBehind(t, nil))
	grace := a.Operator("grace@example.com")
	grace.Post("/-/admin/access/new-rule", "version", "0", "path", "/team", "who", "signed_in", "limits", "seats 10, projects 3", "paid", "on", "at", "1").
		Want(200, "has a plan with projects of 3 or more, has a plan with seats of 10 or more", "is in an organization that payment does not narrow")
	grace.Get("/-/admin/access/rules/1").Want(200, "projects 3, seats 10")
	grace.Post("/-/admin/access/rules/1", "version", "1", "path", "/team", "who", "signed_in", "limits", "seats many", "at", "1").Want(422, "A limit is asked for as 1 or more")
}

// A program with a key of an org uses what the org pays for, and the app is told of it.
func TestKeysHaveThePlanOfTheirOrg(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	a.Verified("ada@example.com")
	a.Key("*").Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free","features":["export"],"limits":{"seats":{"value":3}}}`).Want(200)
	setRules(a,
		rule{"path": "/export", "features": []string{"export"}, "plans": []string{"free"}, "limits": map[string]int{"seats": 2}},
		rule{"path": "/members", "roles": []string{"member"}},
	)
	org := a.PersonalOrg("ada@example.com")
	k, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "ci", Org: org, Role: "rol_member"})
	a.Must(err)
	key := a.Bearer(secret)
	key.Get("/export").Want(200)
	key.Get("/members").Want(200)
	h := b.last(t).Header
	if h.Get("X-Seaworthy-User") != k.ID || h.Get("X-Seaworthy-Org") != org || h.Get("X-Seaworthy-Plan") != "free" || h.Get("X-Seaworthy-Roles") != "member" {
		t.Errorf("%v", h)
	}
	claims := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(h.Get("X-Seaworthy-Assertion"), claims, published(a), jwt.WithTimeFunc(a.Clock.Now)); err != nil {
		t.Fatal(err)
	}
	gives, _ := claims["entitlements"].([]any)
	if claims["plan"] != "free" || !slices.Equal(gives, []any{"export"}) || claims["org_slug"] == nil {
		t.Errorf("%v", claims)
	}
	a.Key("jobs:*").Get("/export").Want(402) // of no org: nobody pays for it
	tester := a.Key("access:read")
	tester.PostJSON("/-/api/v1/access/test", map[string]any{"path": "/export", "key": k.ID}).Want(200, `"allowed":true`)
	tester.PostJSON("/-/api/v1/access/test", map[string]any{"path": "/export", "key": "key_none"}).WantProblem(422, "invalid", "key")
	tester.PostJSON("/-/api/v1/access/test", map[string]any{"path": "/export", "key": k.ID, "user": "ada@example.com"}).WantProblem(422, "invalid", "key")
}
