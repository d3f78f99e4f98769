package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// behind is the customer's app: it remembers what it was asked and answers by it.
type behind struct {
	*httptest.Server
	mu  sync.Mutex
	got []*http.Request
}

func newBehind(t testing.TB, answer http.HandlerFunc) *behind {
	t.Helper()
	b := &behind{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.got = append(b.got, r.Clone(r.Context()))
		b.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		io.WriteString(w, "app says hello")
	}))
	t.Cleanup(b.Close)
	return b
}

// last is the newest request that the app got.
func (b *behind) last(t *testing.T) *http.Request {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.got) == 0 {
		t.Fatal("the app was asked nothing")
	}
	return b.got[len(b.got)-1]
}

// since are the requests that the app got after the first n.
func (b *behind) since(n int) []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got[n:])
}

func (b *behind) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

func before(t testing.TB, b *behind) *apptest.App {
	t.Helper()
	return apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.Upstream = b.URL })
}

// setRules puts rules in use.
func setRules(a *apptest.App, rules ...map[string]any) {
	a.T.Helper()
	key := a.Key("access:*")
	var now struct{ Version int64 }
	key.Get("/-/api/v1/access/rules").Want(200).JSON(&now)
	raw, err := json.Marshal(map[string]any{"version": now.Version, "rules": rules})
	a.Must(err)
	key.Do("PUT", "/-/api/v1/access/rules", "application/json", string(raw)).Want(200)
}

type rule = map[string]any

// The app is told who asks, by header and signed, in a way that any JWT library reads
// with the published keys.
func TestAppLearnsWhoAsks(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	page := ada.Get("/dash?x=1").Want(200, "app says hello")
	if got := page.Header.Get("Content-Security-Policy"); got != "" {
		t.Errorf("the app's answer got a policy of ours: %s", got)
	}
	r := b.last(t)
	user := a.UserID("ada@example.com")
	if r.URL.RequestURI() != "/dash?x=1" || r.Header.Get("X-Seaworthy-User") != user || r.Header.Get("X-Seaworthy-Email") != "ada@example.com" || r.Header.Get("X-Seaworthy-Org") != a.PersonalOrg("ada@example.com") ||
		!strings.Contains(r.Header.Get("X-Seaworthy-Roles"), "wner") || r.Header.Get("X-Seaworthy-Request-Id") == "" || r.Header.Get("X-Request-Id") != r.Header.Get("X-Seaworthy-Request-Id") {
		t.Errorf("%v", r.Header)
	}
	if r.Header.Get("Cookie") != "" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Host != strings.TrimPrefix(a.URL, "http://") || r.Header.Get("X-Forwarded-Proto") != "http" {
		t.Errorf("%s %v", r.Host, r.Header)
	}
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(r.Header.Get("X-Seaworthy-Assertion"), claims, published(a), jwt.WithAudience("app"), jwt.WithIssuer(a.URL+"/-"), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(a.Clock.Now), jwt.WithValidMethods([]string{"ES256"}))
	if err != nil || claims["sub"] != user || claims["email"] != "ada@example.com" || claims["email_verified"] != true || len(claims["permissions"].([]any)) == 0 || parsed.Header["typ"] != "assertion+jwt" {
		t.Errorf("%v: %v", err, claims)
	}
	// It is no access token.
	a.Bearer(r.Header.Get("X-Seaworthy-Assertion")).Get("/-/api/v1/me").Want(401)

	a.Browser().Get("/").Want(200)
	for name := range b.last(t).Header {
		if strings.HasPrefix(name, "X-Seaworthy-") && name != "X-Seaworthy-Request-Id" {
			t.Errorf("a stranger is told as %s", name)
		}
	}
}

// published is the key of jwks.json that signed a token.
func published(a *apptest.App) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		var set struct{ Keys []struct{ Kid, X, Y string } }
		a.Browser().Get("/-/.well-known/jwks.json").Want(200).JSON(&set)
		for _, k := range set.Keys {
			if k.Kid == t.Header["kid"] {
				x, _ := base64.RawURLEncoding.DecodeString(k.X)
				y, _ := base64.RawURLEncoding.DecodeString(k.Y)
				return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
			}
		}
		return nil, fmt.Errorf("no key %v", t.Header["kid"])
	}
}

// Nothing that a client writes looks to the app like something we said.
func TestSpoofedHeaders(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	for _, name := range []string{"X-Seaworthy-User", "x-seaworthy-user", "X_Seaworthy_User", "X-Seaworthy_User", "x_seaworthy-Assertion", "X-Seaworthy-Anything", "X.Seaworthy.User", "X~Seaworthy~User"} {
		r, _ := http.NewRequest("GET", a.URL+"/", nil)
		r.Header[name] = []string{"usr_evil"}
		r.Header.Set("Connection", "X-Seaworthy-Request-Id, X-Forwarded-For")
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		r.Header.Set("Forwarded", "for=6.6.6.6")
		r.Header.Set("X-Http-Method-Override", "DELETE")
		r.Header.Set("X-Original-Url", "/admin")
		res, err := http.DefaultClient.Do(r)
		a.Must(err)
		res.Body.Close()
		for got, values := range b.last(t).Header {
			if slices.Contains(values, "usr_evil") || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "6.6.6.6") }) || got == "X-Http-Method-Override" || got == "X-Original-Url" {
				t.Errorf("%s reached the app as %s: %v", name, got, values)
			}
		}
		if b.last(t).Header.Get("X-Seaworthy-Request-Id") == "" || b.last(t).Header.Get("X-Forwarded-For") != "127.0.0.1" {
			t.Errorf("the client took out what we say: %v", b.last(t).Header)
		}
	}
}

// Neither our cookies nor our tokens reach the app, and it sets none of ours.
func TestSecretsStayHere(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "seaworthy_session=evil")
		w.Header().Add("Set-Cookie", "__Host-seaworthy=evil")
		w.Header().Add("Set-Cookie", "mine=1")
		w.Header().Set("X-Seaworthy-User", "usr_evil")
		w.Header().Set("X-Request-Id", "evil")
	})
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	ada.SetCookie("cart", "42")
	page := ada.Get("/").Want(200)
	if got := b.last(t).Header.Get("Cookie"); got != "cart=42" {
		t.Errorf("the app got the cookies %q", got)
	}
	if got := page.Header["Set-Cookie"]; !slices.Equal(got, []string{"mine=1"}) || page.Header.Get("X-Seaworthy-User") != "" || page.Header.Get("X-Request-Id") == "evil" {
		t.Errorf("%v", page.Header)
	}
	a.Key("jobs:*").Get("/").Want(200)
	if r := b.last(t); r.Header.Get("Authorization") != "" || !strings.HasPrefix(r.Header.Get("X-Seaworthy-User"), "key_") {
		t.Errorf("%v", r.Header)
	}
	a.Bearer("the-apps-own-token").Get("/").Want(200)
	if r := b.last(t); r.Header.Get("Authorization") != "Bearer the-apps-own-token" || r.Header.Get("X-Seaworthy-User") != "" {
		t.Errorf("%v", r.Header)
	}
	a.Bearer("sw_op_nothing").Get("/").Want(401)
	// An access token of ours says who asks, and is the app's to read.
	a.Bearer(a.SignInProgram("ada@example.com").Access).Get("/").Want(200)
	if r := b.last(t); r.Header.Get("X-Seaworthy-User") != a.UserID("ada@example.com") {
		t.Errorf("%v", r.Header)
	}
}
