package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBearer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, header, token string
		given               bool
	}{
		{"/-/api/v1/me", "", "", false},
		{"/-/api/v1/me", "Basic dTpw", "", false},
		{"/-/api/v1/me", "Bearerx sw_a", "", false},
		{"/-/api/v1/me", "sw_a", "", false},
		{"/-/api/v1/me", "Bearer sw_a", "sw_a", true},
		{"/-/api/v1/me", "bEARER  sw_a ", "sw_a", true},
		{"/-/api/v1/me", "Bearer", "", true},
		{"/-/api/v1/me", "Bearer sw_a sw_b", "sw_a sw_b", true}, // no token, and so none that works
		{"/-/api/v1/me", "Bearer other", "other", true},
		{"/", "Bearer other", "other", false}, // the app's own
		{"/", "Bearer sw_a", "sw_a", true},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Header.Set("Authorization", c.header)
		token, given := Bearer(r)
		if given != c.given || given && token != c.token {
			t.Errorf("%s with %q: %q, %v", c.path, c.header, token, given)
		}
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer sw_op_abc")
	f.Add("bearer")
	f.Add(" Bearer\tx ")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/-/", nil)
		r.Header["Authorization"] = []string{header}
		token, given := Bearer(r)
		if given && (!strings.HasSuffix(strings.TrimSpace(header), token) || token != strings.TrimSpace(token)) {
			t.Errorf("%q gives %q", header, token)
		}
	})
}

func TestRoutesInAnOrgNameIt(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{"/-/org/{slug}": true, "/-/org/{slug}/audit": true, "/-/api/v1/orgs/{org}/audit": true,
		"/-/org/{id}": false, "/-/org": false, "/-/org/{slug...}": false} {
		route := Route{Method: http.MethodGet, Pattern: pattern, Access: InOrg("org:audit")}
		if err := route.Access.check(route); (err == nil) != want {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, access := range []Access{Public, SignedIn, Person, Permission("org:audit")} {
		if err := access.check(Route{Pattern: "/"}); err != nil {
			t.Error(err)
		}
	}
	if err := InOrg("").check(Route{Pattern: "/-/org/{slug}"}); err == nil {
		t.Error("a route in an org that needs no permission")
	}
}
