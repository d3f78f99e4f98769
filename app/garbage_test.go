package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// Whatever comes in at whatever route, from an operator or from nobody: the answer is not
// that we failed, it comes, and it says nothing of what is inside.
func TestGarbageIsTheClientsFault(t *testing.T) {
	t.Parallel()
	copies := t.TempDir()
	a := apptest.New(t, apptest.WithoutLimits, apptest.NewMailProviders(t).Configure, func(c *config.Config, _ *app.Options) {
		c.StripeSim, c.StripeMinimum, c.Copies, c.CopiesDays = "on", 100, copies, 30
	})
	g := &vandal{t: t, a: a, internals: regexp.MustCompile(`(?i)goroutine \d|runtime error|panic|constraint failed|no such (?:table|column)|strconv\.|jsontext:|invalid character|context (?:deadline|canceled)|reflect\.`),
		places: regexp.MustCompile(`\.go:\d|(?i)sqlite|` + regexp.QuoteMeta(a.Config.Data))}
	g.begin()
	for _, route := range a.Web.Routes() {
		g.route(route)
	}
	for _, f := range g.forms {
		g.form(f)
	}
	if log := a.Logs(); strings.Contains(log, "level=ERROR") {
		t.Errorf("what clients did wrong is logged as ours:\n%.4000s", log)
	}
	a.Browser().Get("/-/readyz").Want(200)
	t.Logf("%d requests", g.sent)
}

// vandal sends what nobody should.
type vandal struct {
	t         *testing.T
	a         *apptest.App
	op        *apptest.Browser
	known     map[string]string // what there is, by the part of a path that stands before it
	forms     []form            // of the pages there are
	internals *regexp.Regexp    // what no answer says
	places    *regexp.Regexp    // what only an operator's pages say, of the set-up and of where queries come from
	sent      int
	turn      int // of the routes, so that each gets another part of what all could get
}

// attempt is one request.
type attempt struct {
	method, target, kind, encoding string
	body                           io.Reader
	nobody                         bool
}

// route tries everything at one route.
func (g *vandal) route(r web.Route) {
	g.turn++
	public := fmt.Sprint(r.Access) == "public"
	real := g.fill(r.Pattern, "")
	for i, bad := range hostileParts {
		if i > 0 && !strings.Contains(r.Pattern, "{") {
			break
		}
		if i > 0 && (i+g.turn)%2 > 0 {
			continue
		}
		target := g.fill(r.Pattern, bad)
		g.try(attempt{method: r.Method, target: target, kind: "application/json", body: strings.NewReader("{}")})
		if i%4 == 0 {
			g.try(attempt{method: r.Method, target: target, nobody: true})
		}
	}
	for i, query := range hostileQueries(r, g.turn) {
		g.try(attempt{method: r.Method, target: real + "?" + query})
		if public && i%4 == 0 {
			g.try(attempt{method: r.Method, target: real + "?" + query, nobody: true})
		}
	}
	if r.Method == http.MethodGet {
		return
	}
	for i, b := range hostileBodies(r, g.turn) {
		g.try(attempt{method: r.Method, target: real, kind: b.kind, encoding: b.encoding, body: b.reader()})
		if public && i%2 == 0 {
			g.try(attempt{method: r.Method, target: real, kind: b.kind, encoding: b.encoding, body: b.reader(), nobody: true})
		}
	}
	g.signIn()
}

// form sends a form as no browser does: all of its fields at once, and each alone.
func (g *vandal) form(f form) {
	const kind = "application/x-www-form-urlencoded"
	for i, bad := range hostileTexts {
		if (i+g.turn)%2 > 0 {
			continue
		}
		all := url.Values{}
		for name := range f.fields {
			all.Set(name, bad)
		}
		g.try(attempt{method: "POST", target: f.action, kind: kind, body: strings.NewReader(all.Encode())})
	}
	for name := range f.fields {
		g.turn++
		for _, bad := range []string{hostileTexts[g.turn%len(hostileTexts)], hostileTexts[1]} {
			one := url.Values{}
			for k, v := range f.fields {
				one[k] = v
			}
			one[name] = []string{bad}
			g.try(attempt{method: "POST", target: f.action, kind: kind, body: strings.NewReader(one.Encode())})
		}
	}
	g.signIn()
}

var parameter = regexp.MustCompile(`\{[a-z]+(?:\.\.\.)?\}`)

// fill puts something in the place of what a pattern leaves open: what there is, for "".
func (g *vandal) fill(pattern, with string) string {
	parts := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/")
	for i, part := range parts {
		if !parameter.MatchString(part) {
			continue
		}
		value := with
		if value == "" {
			if value = g.known[parts[i-1]+"/"+part]; value == "" {
				value = g.known[parts[i-1]]
			}
			if value = url.PathEscape(value); value == "" {
				value = "none"
			}
		}
		parts[i] = parameter.ReplaceAllLiteralString(part, value)
	}
	return strings.Join(parts, "/")
}

// patience is how long an answer may take on a machine that has much else to do.
const patience = 10 * time.Second

// try makes a request, without a network between.
func (g *vandal) try(is attempt) {
	g.t.Helper()
	u, err := url.ParseRequestURI(is.target)
	if err != nil {
		return // the standard library refuses it before us
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	body := is.body
	if body == nil {
		body = http.NoBody
	}
	r, err := http.NewRequestWithContext(ctx, is.method, g.a.URL+"/", body)
	g.a.Must(err)
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.RequestURI, r.RemoteAddr = u.Path, u.RawPath, u.RawQuery, is.target, "127.0.0.1:4000"
	r.Header.Set("Accept", []string{"text/html", "application/json"}[g.sent%2])
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if is.kind != "" {
		r.Header.Set("Content-Type", is.kind)
	}
	if is.encoding != "" {
		r.Header.Set("Content-Encoding", is.encoding)
	}
	if !is.nobody {
		for _, c := range g.op.Cookies() {
			r.AddCookie(c)
		}
	}
	g.sent++
	w := &unstreamed{ResponseRecorder: httptest.NewRecorder(), stop: cancel}
	done := make(chan struct{})
	go func() { defer close(done); g.a.Web.ServeHTTP(w, r) }()
	select {
	case <-done:
	case <-time.After(2 * patience):
		g.t.Fatalf("%s %.200s (%s): no answer", is.method, is.target, is.kind)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		g.t.Errorf("%s %.200s (%s) takes longer than %s", is.method, is.target, is.kind, patience)
	}
	if w.Code >= 500 {
		g.t.Errorf("%s %.200s (%s, nobody %t): %d\n%.600s", is.method, is.target, is.kind, is.nobody, w.Code, w.Body.String())
	}
	if w.Code >= 400 {
		text := anyTag.ReplaceAllString(w.Body.String(), " ")
		told := g.internals.FindString(text)
		if page := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"); told == "" && (is.nobody || !page) {
			told = g.places.FindString(text)
		}
		if told != "" {
			g.t.Errorf("%s %.200s (%s): the answer %d says %q\n%.1000s", is.method, is.target, is.kind, w.Code, told, w.Body.String())
		}
	}
}

// unstreamed ends a stream as soon as it begins.
type unstreamed struct {
	*httptest.ResponseRecorder
	stop func()
}

func (u *unstreamed) Write(p []byte) (int, error) {
	u.end()
	return u.ResponseRecorder.Write(p)
}

func (u *unstreamed) WriteHeader(status int) {
	u.end()
	u.ResponseRecorder.WriteHeader(status)
}

func (u *unstreamed) Flush() {
	u.end()
	u.ResponseRecorder.Flush()
}

func (u *unstreamed) end() {
	if strings.HasPrefix(u.Header().Get("Content-Type"), "text/event-stream") {
		u.stop()
	}
}
