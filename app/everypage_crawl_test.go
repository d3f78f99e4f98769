package app_test

import (
	"context"
	"html"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/command"
	"seaworthy/app/config"
)

// page is an address to look at, and as whom.
type page struct {
	path, pattern string
	who           *walker
}

// walker is somebody with a browser, and where his walk begins.
type walker struct {
	*apptest.Browser
	starts []string
}

// demonstration is the app on the data of `seaworthy demo`.
func demonstration(t *testing.T) *apptest.App {
	t.Helper()
	data, clock := filepath.Join(t.TempDir(), "demo"), &apptest.Clock{}
	if code := command.Run("test", []string{"demo", "--only", "--data", data, "--addr", "127.0.0.1:1"}); code != 0 {
		t.Fatalf("the demonstration was not made: exit code %d", code)
	}
	clock.Advance(time.Duration(time.Now().UnixNano()))
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.Data, c.Brand, c.StripeSim, c.StripeMinimum, o.Clock = data, "Harbourlight", "on", 100, clock.Now
	})
	a.Clock = clock
	a.Must(a.KeepSimulator(t.Context(), func(context.Context) error { a.RunJobs(); return nil }))
	t.Cleanup(func() { a.Must(a.Simulator.Close()) })
	return a
}

// demoPassword is everybody's in the demonstration.
const demoPassword = "a calm sea never made a sailor"

func demoSignIn(a *apptest.App, email string) *apptest.Browser {
	a.T.Helper()
	b := a.Browser()
	if p := b.Post("/-/login", "email", email, "password", demoPassword).Want(200); strings.HasPrefix(p.Path, "/-/login") {
		a.T.Fatalf("%s is not signed in", email)
	}
	return b
}

// walk follows the links that each walker finds, and returns a page of each pattern,
// one without a query and one with.
type walk struct {
	a     *apptest.App
	mux   *http.ServeMux // tells the pattern of an address
	seen  map[string]bool
	pages []page
}

func newWalk(a *apptest.App) *walk {
	w := &walk{a: a, mux: http.NewServeMux(), seen: map[string]bool{}}
	for _, r := range a.Web.Routes() {
		if r.Method == "GET" {
			w.mux.Handle("GET "+r.Pattern, http.NotFoundHandler())
		}
	}
	return w
}

// patterns are those of all routes that people look at.
func (w *walk) patterns() []string {
	var all []string
	for _, r := range w.a.Web.Routes() {
		if r.Method == "GET" && !noPage.MatchString(r.Pattern) {
			all = append(all, r.Pattern)
		}
	}
	return all
}

// noPage are addresses for programs, and what pages are made of.
var noPage = regexp.MustCompile(`^/-/(api|otlp|ofrep|oauth2|\.well-known|audit/log|assets|brand|healthz|readyz|metrics|forward-auth|dev/oidc/(jwks|\.well))|/(events|stream|html|source|proof|json|export|file|sample|live|checks)$|/(parts|exports|export|previews|faults)(/|$)|\.(css|js|svg|png|json|xml|txt)$`)

// links of a page to others of the same site.
var links = regexp.MustCompile(`(?:href|hx-get)="(/[^"#]*)`)

// ofAKind is how many addresses of one pattern are asked for: one may lead where another
// does not.
const ofAKind = 8

func (w *walk) follow(v *walker) {
	w.a.T.Helper()
	asked, with := map[string]bool{}, map[string]int{}
	if i := slices.Index(v.starts, ""); i >= 0 {
		w.a.T.Fatalf("the walk begins nowhere, after %q", v.starts[:i])
	}
	for queue := slices.Clone(v.starts); len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		kind := w.kind(path)
		begins := slices.Contains(v.starts, path)
		if asked[path] || with[kind] >= ofAKind && !begins || noPage.MatchString(strings.TrimSuffix(kind, "?")) || strings.HasPrefix(path, "/-/logout") {
			continue
		}
		asked[path] = true
		with[kind]++
		p := v.Get(path)
		if p.Status >= 500 {
			w.a.T.Errorf("%s answers %d", path, p.Status)
		}
		if !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			continue
		}
		if now := w.kind(p.Path); now == kind || begins {
			w.take(page{p.Path, now, v}, p.Status)
		}
		for _, m := range links.FindAllStringSubmatch(p.Body, -1) {
			queue = append(queue, html.UnescapeString(m[1]))
		}
	}
}

// kind is the pattern of an address, with a question mark if it has a query.
func (w *walk) kind(path string) string {
	r, err := http.NewRequest("GET", w.a.URL+path, nil)
	if err != nil {
		return path
	}
	_, pattern := w.mux.Handler(r)
	pattern = strings.TrimPrefix(pattern, "GET ")
	if strings.Contains(path, "?") {
		pattern += "?"
	}
	return pattern
}

// take keeps the first page of a kind that is one, and each that is missing or refused
// where a walk begins.
func (w *walk) take(p page, status int) {
	if status == http.StatusOK && w.seen[p.pattern] || status != http.StatusOK && !slices.Contains(p.who.starts, p.path) {
		return
	}
	if status == http.StatusOK {
		w.seen[p.pattern], w.seen[strings.TrimSuffix(p.pattern, "?")] = true, true
	} else {
		p.pattern = http.StatusText(status)
	}
	w.pages = append(w.pages, p)
}
