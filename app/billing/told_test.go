package billing_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"seaworthy/app"
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
