package proxy_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/store"
)

// A target that is no path could be read as another address by the app than by the rules: it
// reaches no app, with rules or without.
func TestTargetsThatAreNoPath(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	const end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	refused := func(words string) {
		t.Helper()
		for _, target := range []string{"http:http://x/admin", "x:y", "http:admin"} {
			if got := raw(t, a.URL, "GET "+target+end); got != "400 " {
				t.Errorf("%s, %s: %q", words, target, got)
			}
		}
	}
	refused("without rules")
	setRules(a, rule{"path": "/", "who": "public"}, rule{"path": "/**"})
	refused("with rules")
	if b.asked() != 0 {
		t.Errorf("the app was asked for %s", b.last(t).URL)
	}
	if got := raw(t, a.URL, "GET http://x/admin HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\r\n"); got != "401 " {
		t.Errorf("a whole address: %q", got)
	}
	a.Key("access:read").PostJSON("/-/api/v1/access/test", map[string]any{"path": "http:http://x/admin"}).Want(200, `"allowed":false`, `"status":400`)
}

// No tunnel is dug through the app, and it repeats to nobody what it is told of him.
func TestTunnelsAndTraces(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	for _, line := range []string{"CONNECT x:443", "CONNECT /path", "TRACE /", "trace /"} {
		if got := raw(t, a.URL, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != "405 " {
			t.Errorf("%s: %q", line, got)
		}
	}
	if b.asked() != 0 {
		t.Errorf("the app was asked: %v", b.last(t).Method)
	}
}

// A rule about POST is one about post, too: there are servers that make capitals of it.
func TestMethodsInAnyCase(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	setRules(a, rule{"path": "/items", "methods": []string{"POST", "GET"}}, rule{"path": "/probe", "methods": []string{"head"}})
	for _, request := range []string{"post /items", "Post /items", "POST /items", "head /items", "Get /items", "Head /probe"} {
		if got := raw(t, a.URL, request+" HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); got != "401 " {
			t.Errorf("%s: %q", request, got)
		}
	}
	if b.asked() != 0 {
		t.Error("the app was asked")
	}
	a.Browser().Get("/probe").Want(200) // a rule about HEAD alone is none about GET
}

// What stands behind the question mark is the app's alone, however it is written.
func TestQueryAsItCame(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	for _, query := range []string{"b=2&a=1", "a=1;b=2", "q=100%", "x=%zz&y", "a+b=c%20d"} {
		if got := raw(t, a.URL, "GET /?"+query+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != "200 " || b.last(t).URL.RawQuery != query {
			t.Errorf("%s: %q, and the app got %q", query, got, b.last(t).URL.RawQuery)
		}
	}
}

// Whoever may make roles of an org cannot name one so that it passes for two.
func TestRoleNamedLikeTwo(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	var made struct{ ID string }
	a.Key("*").PostJSON("/-/api/v1/roles", map[string]any{"name": "guest, admin", "permissions": []string{}}).Want(201).JSON(&made)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES ('rbd_t', 'user', ?, ?, ?, 0)`,
			a.UserID("ada@example.com"), a.PersonalOrg("ada@example.com"), made.ID)
		return err
	}))
	ada.Get("/").Want(200)
	got := strings.Split(b.last(t).Header.Get("X-Seaworthy-Roles"), ",")
	for _, name := range got {
		if strings.TrimSpace(name) == "admin" {
			t.Errorf("the app is told of the roles %q", got)
		}
	}
	if len(got) != 2 || !strings.Contains(strings.Join(got, ","), "guest%2C admin") {
		t.Errorf("the app is told of the roles %q", got)
	}
}

// What an app says at the path for its health counts more than that it answers something.
func TestAnswersDoNotMakeAnAppWell(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream, c.UpstreamHealth = b.URL, "/healthz" })
	for range 2 {
		a.Must(a.Proxy.Probe(t.Context()))
		a.Browser().Get("/").Want(200)
		if s := a.Proxy.State(); !s.Down || !strings.Contains(s.Err, "503") {
			t.Errorf("%+v", s)
		}
	}
	if n := strings.Count(a.Logs(), "the app behind"); n != 1 {
		t.Errorf("%d lines of the log tell of it", n)
	}
}

// An app that speaks HTTP/2 in the clear alone can be tried.
func TestAppOfHTTP2IsTried(t *testing.T) {
	t.Parallel()
	behind := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	behind.Config.Protocols = new(http.Protocols)
	behind.Config.Protocols.SetUnencryptedHTTP2(true)
	behind.Start()
	t.Cleanup(behind.Close)
	a := apptest.New(t)
	op := a.Key("access:*")
	op.PostJSON("/-/api/v1/access/upstream/try", map[string]string{"address": "h2c" + strings.TrimPrefix(behind.URL, "http")}).Want(202)
	a.RunJobs()
	op.Get("/-/api/v1/access/upstream").Want(200, `"answers"`, "It answered 200 OK")
}

// A connection that nothing goes through is given up before the app does so: what is sent into
// one that is just closing is lost, and a POST cannot be sent again.
func TestIdleConnectionsAreGivenUp(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	behind := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	behind.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	behind.Start()
	t.Cleanup(behind.Close)
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream = behind.URL })
	a.Browser().Get("/").Want(200)
	select {
	case <-closed:
	case <-time.After(time.Minute): // as long as a slow machine may take; it is two seconds
		t.Error("it is kept")
	}
}
