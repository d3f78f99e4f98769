package billing_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// TestTheAppIsToldWhatThePlanGives reads what the app behind the proxy gets.
func TestTheAppIsToldWhatThePlanGives(t *testing.T) {
	t.Parallel()
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Seaworthy-Plan")+" "+r.Header.Get("X-Seaworthy-Assertion"))
	}))
	t.Cleanup(b.Close)
	s := newShop(t, func(c *config.Config, _ *app.Options) { c.Upstream = b.URL })
	s.wantTold("free", "basics")
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.wantTold("team", "basics", "reports") // at once, although an assertion is used again for a while
	s.subscribe("sub_1", "canceled", nil)
	s.changed()
	s.wantTold("free", "basics")
}

// wantTold fails unless the app is told this plan and these features of the owner's org.
func (s *shop) wantTold(plan string, features ...string) {
	s.T.Helper()
	named, token, _ := strings.Cut(s.owner.Get("/").Want(200).Body, " ")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		s.T.Fatalf("no assertion: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	s.Must(err)
	var claims struct {
		Plan         string
		Entitlements []string
	}
	s.Must(json.Unmarshal(raw, &claims))
	if named != plan || claims.Plan != plan || !slices.Equal(claims.Entitlements, features) {
		s.T.Errorf("the app is told %q and %s, want plan %s with %q", named, raw, plan, features)
	}
}

// TestARestrictedOrgOnlyReadsTheApp: what payment narrows holds in front of the app, too, but
// where a rule excepts it.
func TestARestrictedOrgOnlyReadsTheApp(t *testing.T) {
	t.Parallel()
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "the app: "+r.Method) }))
	t.Cleanup(b.Close)
	s := newShop(t, func(c *config.Config, _ *app.Options) { c.Upstream = b.URL })
	rules := func(version int, list string) {
		t.Helper()
		s.Key("access:manage").Do("PUT", "/-/api/v1/access/rules", "application/json", fmt.Sprintf(`{"version":%d,"rules":%s}`, version, list)).Want(200)
	}
	asks := func(method, path string, status int, parts ...string) {
		t.Helper()
		s.owner.Do(method, path, "text/plain", "x").Want(status, parts...)
	}
	s.subscribe("sub_1", "active", nil)
	s.changed()
	asks("POST", "/things", 200, "the app: POST")
	s.behind(nil)
	s.on(13)
	s.owner = s.Browser()
	s.owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	asks("POST", "/things", 200, "the app: POST")
	s.on(14)
	asks("GET", "/things", 200, "the app: GET")
	s.Key("payments:read").Get("/-/api/v1/billing/overview").Want(200, `"restricted":1`, `"grace":0`)
	asks("POST", "/things", 402, "overdue", "Go to billing")
	asks("DELETE", "/things/1", 402)
	s.owner.Header.Set("Accept", "application/json")
	s.owner.PostJSON("/things", object{}).WantProblem(402, "restricted")
	s.owner.Header.Del("Accept")
	s.Browser().Do("POST", "/webhook", "text/plain", "x").Want(200, "the app: POST") // of nobody's org

	rules(0, `[{"path":"/export","who":"signed_in","while_restricted":true},{"path":"/reports/**","who":"signed_in","features":["reports"]},{"path":"/sso","who":"signed_in","features":["reports","sso"]},{"path":"/premium/**","who":"signed_in","paid":true}]`)
	asks("GET", "/premium/x", 402, "overdue", "Go to billing")
	asks("POST", "/export", 200, "the app: POST")
	asks("POST", "/things", 402)
	asks("GET", "/reports/1", 200, "the app: GET")
	asks("GET", "/sso", 402)
	why := func(method, path string) string {
		var out struct{ Why string }
		s.Key("access:read").PostJSON("/-/api/v1/access/test", object{"method": method, "path": path, "user": "ada@example.com"}).Want(200).JSON(&out)
		return out.Why
	}
	for ask, want := range map[string]string{"POST /things": "only read until it has paid", "POST /export": "all that the rule asks for holds", "GET /sso": "does not give sso", "GET /reports/x": "all that the rule", "GET /premium/x": "asks for one that has"} {
		method, path, _ := strings.Cut(ask, " ")
		if got := why(method, path); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", ask, got, want)
		}
	}

	s.bill("in_2", "paid", nil)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	asks("POST", "/things", 200, "the app: POST")
	asks("GET", "/premium/x", 200, "the app: GET")
}
