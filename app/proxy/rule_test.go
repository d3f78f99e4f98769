package proxy_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestRules(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	ada, bob, stranger := a.Verified("ada@example.com"), a.SignUp("bob@example.com"), a.Browser()
	a.RunJobs()
	a.Grant("ada@example.com", "reports:read")
	setRules(a,
		rule{"path": "/admin/public", "who": "public"},
		rule{"path": "/admin/**", "who": "signed_in", "permission": "reports:read"},
		rule{"path": "/api/*/items", "methods": []string{"post"}, "who": "verified"},
		rule{"path": "/owners", "who": "signed_in", "roles": []string{"owner"}},
		rule{"path": "/captains", "who": "signed_in", "roles": []string{"captain"}},
		rule{"path": "/paid/**", "who": "signed_in", "plans": []string{"team"}},
		rule{"path": "/safe", "who": "signed_in", "two_factors": true},
		rule{"path": "/fresh", "who": "signed_in", "max_age_minutes": 5},
		rule{"path": "/beta", "who": "public", "flag": "beta"},
	)
	for _, c := range []struct {
		who    *apptest.Browser
		path   string
		status int
	}{
		{stranger, "/", 200}, {stranger, "/admin/public", 200}, {ada, "/admin", 200}, {ada, "/admin/x/y", 200}, {bob, "/admin/x", 403}, {bob, "/ADMIN/x", 403}, {bob, "/admin/", 403}, {bob, "/administrator", 200},
		{ada, "/owners", 200}, {ada, "/captains", 403}, {ada, "/paid/x", 402}, {ada, "/safe", 403}, {ada, "/fresh", 200}, {stranger, "/beta", 404}, {ada, "/beta/", 404}, {bob, "/api/v1/items", 200},
	} {
		before := b.asked()
		c.who.Get(c.path).Want(c.status)
		if reached := b.asked() > before; reached != (c.status == 200) {
			t.Errorf("%s: %d, and the app was asked: %t", c.path, c.status, reached)
		}
	}
	// A browser is led to sign in and comes back; a program is told.
	if page := stranger.Get("/admin/x?y=1"); !strings.HasPrefix(page.Path, "/-/login?next=%2Fadmin%2Fx%3Fy%3D1") {
		t.Errorf("led to %s", page.Path)
	}
	a.Key("jobs:*").Get("/admin/x").Want(403)
	bob.Post("/api/v1/items").Want(403, "Verify your email address first")
	ada.Post("/api/v1/items").Want(200)
	a.Clock.Advance(10 * time.Minute)
	if page := ada.Get("/fresh"); !strings.HasPrefix(page.Path, "/-/confirm") {
		t.Errorf("led to %s", page.Path)
	}
}

// What can be read in two ways is refused, so that no rule is passed by spelling.
func TestAmbiguousPaths(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	get := func(target string) int {
		conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
		a.Must(err)
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/json\r\n\r\n", target)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		a.Must(err)
		return res.StatusCode
	}
	if got := get("/a//b"); got != 200 {
		t.Errorf("without rules: %d", got)
	}
	setRules(a, rule{"path": "/admin/**"})
	for _, target := range []string{"/x/../admin", "/x/%2e%2e/admin", "//admin", "/x//admin", "/%2fadmin", "/x/..%2fadmin", "/x\\..\\admin", "/x/%5c../admin", "/./admin", "/x/..;/admin", "/x/%252e%252e/admin", "/admin%00", "/admin%0a", "/admin%0D", "/%09admin", "/admin%7f", "/;x/admin", "/x/;/../admin", "/admin/;", "/%2561dmin", "/%253badmin"} {
		if got := get(target); got != 400 {
			t.Errorf("%s: %d", target, got)
		}
	}
	for _, target := range []string{"/admin", "/admin;x=1", "/Admin/", "/%61dmin", "/admin/%41"} {
		if got := get(target); got != 401 {
			t.Errorf("%s: %d", target, got)
		}
	}
	for _, target := range []string{"/", "/100%25", "/a%20b", "/file.tar.gz", "/..hidden", "/x?next=//evil/../"} {
		if got := get(target); got != 200 {
			t.Errorf("%s: %d", target, got)
		}
	}
}

// Another site's page reaches the app as a stranger's, and nothing that asks for
// somebody.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	b := newBehind(t, nil)
	a := before(t, b)
	ada := a.Verified("ada@example.com")
	setRules(a, rule{"path": "/account/**"})
	ada.Header.Set("Sec-Fetch-Site", "cross-site")
	ada.Header.Set("Origin", "https://evil.example")
	ada.Post("/callback").Want(200)
	if r := b.last(t); r.Header.Get("X-Seaworthy-User") != "" {
		t.Error("somebody is known by a cookie that another site's page sent along")
	}
	ada.Post("/account/delete").Want(403, "another site")
	ada.Get("/account").Want(200)
}
