package apptest

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// UserAgent is what browsers say they are unless told otherwise.
const UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// Browser is one person's browser: it keeps cookies, follows redirects and says
// where its requests come from, as real ones do.
type Browser struct {
	T         testing.TB
	UserAgent string
	Header    http.Header // sent with every request

	app    *App
	client *http.Client
}

// Browser opens a new one without cookies.
func (a *App) Browser() *Browser {
	jar, _ := cookiejar.New(nil)
	return &Browser{T: a.T, UserAgent: UserAgent, Header: http.Header{}, app: a, client: &http.Client{Jar: jar}}
}

// Page is what came back.
type Page struct {
	t      testing.TB
	Status int
	Body   string
	Header http.Header
	Path   string // where redirects led, with its query
}

// Get opens a page.
func (b *Browser) Get(path string) Page {
	b.T.Helper()
	return b.Do("GET", path, "", "")
}

// Post submits a form of name, value pairs.
func (b *Browser) Post(path string, pairs ...string) Page {
	b.T.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.Do("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

// PostJSON calls the API with v as the body.
func (b *Browser) PostJSON(path string, v any) Page {
	b.T.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		b.T.Fatal(err)
	}
	return b.Do("POST", path, "application/json", string(body))
}

// Do makes any request.
func (b *Browser) Do(method, path, contentType, body string) Page {
	b.T.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.app.URL + path
	}
	r, err := http.NewRequestWithContext(b.T.Context(), method, path, strings.NewReader(body))
	if err != nil {
		b.T.Fatal(err)
	}
	r.Header.Set("User-Agent", b.UserAgent)
	r.Header.Set("Accept", "text/html")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for k, v := range b.Header {
		r.Header[k] = v
	}
	before := b.app.lastAudit()
	res, err := b.client.Do(r)
	if err != nil {
		b.T.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.T.Fatal(err)
	}
	if res.StatusCode < 400 {
		b.app.checkAudited(r, before)
	}
	return Page{t: b.T, Status: res.StatusCode, Body: string(text), Header: res.Header, Path: res.Request.URL.RequestURI()}
}

// Cookie is the value of one of the browser's cookies, "" without one.
func (b *Browser) Cookie(name string) string {
	u, _ := url.Parse(b.app.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Cookies are all that the browser would send to the app's front page.
func (b *Browser) Cookies() []*http.Cookie {
	u, _ := url.Parse(b.app.URL)
	return b.client.Jar.Cookies(u)
}

// SetCookie plants a cookie, as an attacker or another tab might.
func (b *Browser) SetCookie(name, value string) {
	u, _ := url.Parse(b.app.URL)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func (a *App) lastAudit() (seq int64) {
	a.T.Helper()
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM audit_event`).Scan(&seq)
	}))
	return seq
}

// checkAudited holds a successful mutating request to what its route declares:
// of the events it wrote, one at least is declared.
func (a *App) checkAudited(r *http.Request, before int64) {
	a.T.Helper()
	route, ok := a.route(r)
	if !ok || !route.Mutates() {
		return
	}
	events, err := store.Read(a.T.Context(), a.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{After: before, Rising: true, Limit: 100})
	})
	a.Must(err)
	if len(events) == 0 || route.Exempt != "" {
		return
	}
	for _, e := range events {
		for _, declared := range route.Audit {
			if string(e.Action) == declared || declared == "*" {
				return
			}
		}
	}
	a.T.Errorf("%s %s wrote %s, none of which it declares", route.Method, route.Pattern, events[0].Action)
}

// route finds the route a request goes to, by the rules of the app's own mux.
func (a *App) route(r *http.Request) (web.Route, bool) {
	a.routing.Do(func() {
		a.mux, a.routes = http.NewServeMux(), map[string]web.Route{}
		for _, route := range a.Web.Routes() {
			a.mux.Handle(route.Method+" "+route.Pattern, http.NotFoundHandler())
			a.routes[route.Method+" "+route.Pattern] = route
		}
	})
	_, pattern := a.mux.Handler(r)
	route, ok := a.routes[pattern]
	return route, ok
}

// Want fails the test unless the page has this status and all these words.
func (p Page) Want(status int, words ...string) Page {
	p.t.Helper()
	if p.Status != status {
		p.t.Fatalf("%s: status %d, want %d\n%s", p.Path, p.Status, status, p.Text())
	}
	for _, w := range words {
		if !strings.Contains(p.Text(), w) && !strings.Contains(p.Body, w) {
			p.t.Fatalf("%s: no %q on the page\n%s", p.Path, w, p.Text())
		}
	}
	return p
}

// Without fails the test if any of these words is on the page.
func (p Page) Without(words ...string) Page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.Text(), w) || strings.Contains(p.Body, w) {
			p.t.Fatalf("%s: %q is on the page", p.Path, w)
		}
	}
	return p
}

var (
	tags   = regexp.MustCompile(`(?s)<(script|style|svg)\b.*?</(script|style|svg)>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// Text is the page's words without its markup.
func (p Page) Text() string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(p.Body, " ")), " "))
}

// JSON reads the body into v.
func (p Page) JSON(v any) Page {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.Body), v); err != nil {
		p.t.Fatalf("%s: %v\n%s", p.Path, err, p.Body)
	}
	return p
}

// Problem is the body of an error that a program reads.
type Problem struct {
	Status    int         `json:"status"`
	Code      string      `json:"code"`
	Detail    string      `json:"detail"`
	RequestID string      `json:"request_id"`
	Errors    []web.Field `json:"errors"`
	Link      string      `json:"link"`
}

// WantProblem fails the test unless the answer is problem+json with this status,
// code and faulty fields.
func (p Page) WantProblem(status int, code string, fields ...string) Problem {
	p.t.Helper()
	p.Want(status)
	if got := p.Header.Get("Content-Type"); got != "application/problem+json" {
		p.t.Fatalf("%s: content type %q", p.Path, got)
	}
	var problem Problem
	p.JSON(&problem)
	var named []string
	for _, f := range problem.Errors {
		named = append(named, f.Field)
	}
	if problem.Code != code || problem.Status != status || problem.RequestID == "" || strings.Join(named, ",") != strings.Join(fields, ",") {
		p.t.Fatalf("%s: got %+v, want %s %v", p.Path, problem, code, fields)
	}
	return problem
}
