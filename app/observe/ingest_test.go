package observe_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

// sender is a project of an app, as an SDK sees it.
type sender struct {
	a   *apptest.App
	p   observe.Project
	key string
}

func project(t *testing.T, c observe.ProjectChange, opts ...apptest.Option) sender {
	t.Helper()
	a := apptest.New(t, append(opts, apptest.WithoutLimits)...)
	if c.Name == "" {
		c.Name = "web"
	}
	p, err := a.Observe.MakeProject(t.Context(), c)
	a.Must(err)
	a.RunJobs()
	a.Forget()
	return sender{a: a, p: p, key: p.Keys[0].Public}
}

// post sends a body with headers given in pairs.
func (s sender) post(path string, body []byte, headers ...string) (status int, header http.Header, text string) {
	s.a.T.Helper()
	r, err := http.NewRequestWithContext(s.a.T.Context(), "POST", s.a.URL+path, bytes.NewReader(body))
	s.a.Must(err)
	for i := 0; i < len(headers); i += 2 {
		r.Header[http.CanonicalHeaderKey(headers[i])] = []string{headers[i+1]}
	}
	res, err := http.DefaultClient.Do(r)
	s.a.Must(err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	s.a.Must(err)
	return res.StatusCode, res.Header, string(all)
}

func (s sender) path(what string) string {
	return fmt.Sprintf("/-/api/%d/%s/?sentry_key=%s", s.p.ID, what, s.key)
}

// want sends an envelope and demands a status.
func (s sender) want(status int, body string) string {
	s.a.T.Helper()
	got, _, text := s.post(s.path("envelope"), []byte(body))
	if got != status {
		s.a.T.Fatalf("%d and not %d: %s", got, status, text)
	}
	return text
}

const anID = "9ec79c33ec9942ab8353589fcb2e04dc"

func envelope(items ...string) string {
	return `{"event_id":"` + anID + `"}` + "\n" + strings.Join(items, "\n")
}

func event(body string) string { return `{"type":"event"}` + "\n" + body }

const boom = `{"timestamp":"2026-11-29T05:00:00Z","platform":"python","level":"error","release":"web@1.2","environment":"production","transaction":"/pay",
"exception":{"values":[{"type":"KeyError","value":"'id'","stacktrace":{"frames":[{"function":"get","module":"shop.db","lineno":3,"in_app":true}]}},
{"type":"PayError","value":"cannot pay","stacktrace":{"frames":[{"function":"run","filename":"/usr/lib/x.py","in_app":false},
{"function":"pay","module":"shop.pay","filename":"shop/pay.py","lineno":12,"in_app":true,"pre_context":["def pay():"],"context_line":"  raise PayError('x')","post_context":["","# end"]}]}}]},
"breadcrumbs":{"values":[{"timestamp":1764392400,"category":"query","message":"SELECT 1","level":"info"}]},
"request":{"url":"https://shop.example/pay?token=canary-url-1&a=1","method":"POST","headers":[["Authorization","canary-header-1"],["Accept","x/y"]]},
"user":{"id":7,"email":"kim@example.com"},"tags":{"region":"eu"},"contexts":{"os":{"name":"Linux"}},"extra":{"password":"canary-extra-1"},"sdk":{"name":"sentry.python","version":"1.9"}}`

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "") }

func TestEventBecomesAnIssue(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	if text := s.want(200, envelope(event(oneLine(boom)))); strings.TrimSpace(text) != `{"id":"`+anID+`"}` {
		t.Errorf("answered %s", text)
	}
	s.a.ExpectNothing() // in the business database
	d := only(t, s.a)
	if d.N != 1 || d.Title != "PayError: cannot pay" || d.Culprit != "shop.pay.pay" || d.FirstRelease != "web@1.2" {
		t.Errorf("the issue is %+v", d.Issue)
	}
	app := d.Last.App
	if app == nil || app.ProjectName != "web" || app.Environment != "production" || app.UserID != "7" || app.UserEmail != "kim@example.com" || app.Tags["region"] != "eu" || len(app.Chain) != 2 {
		t.Fatalf("the event is %+v", app)
	}
	if f := app.Chain[0].Frames[0]; f.Line != 12 || len(f.Source) != 4 || !f.Source[1].Here || f.Source[1].N != 12 || !f.Own || app.Chain[0].Frames[1].Own {
		t.Errorf("the innermost call is %+v", f)
	}
	if len(d.Last.Crumbs) != 1 || d.Last.Crumbs[0].Message != "query: SELECT 1" {
		t.Errorf("breadcrumbs are %+v", d.Last.Crumbs)
	}
	op := s.a.Operator("op@example.com")
	op.Get("/-/admin/errors/"+d.ID).Want(200, "Caused by KeyError", "raise PayError", "shop/pay.py", "kim@example.com", "production", "SELECT 1")
	s.a.Observe.Flush()
	if all := files(t, s.a); strings.Contains(all, "canary-") {
		t.Error("a secret that was sent is in a file")
	}
}

func TestSendersNameThemselvesInEveryWay(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	body := []byte(envelope(event(`{"message":"hello"}`)))
	plain := fmt.Sprintf("/-/api/%d/envelope/", s.p.ID)
	dsn := strings.Replace(s.p.Keys[0].DSN, "://"+s.key, "://"+s.key+":secret", 1)
	signed := []byte(strings.Replace(string(body), `{"event_id"`, `{"dsn":"`+dsn+`","event_id"`, 1))
	for name, send := range map[string]func() (int, http.Header, string){
		"query": func() (int, http.Header, string) { return s.post(s.path("envelope"), body) },
		"header": func() (int, http.Header, string) {
			return s.post(plain, body, "X-Sentry-Auth", "Sentry sentry_version=7, sentry_key="+s.key+", sentry_client=x/1")
		},
		"dsn":    func() (int, http.Header, string) { return s.post(plain, signed) },
		"tunnel": func() (int, http.Header, string) { return s.post("/-/tunnel", signed, "Content-Type", "text/plain") },
		"store": func() (int, http.Header, string) {
			return s.post(s.path("store"), []byte(`{"event_id":"`+anID+`","message":"hello"}`))
		},
		"browser": func() (int, http.Header, string) {
			return s.post(s.path("envelope"), body, "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain;charset=UTF-8")
		},
	} {
		if status, header, text := send(); status != 200 || !strings.Contains(text, anID) {
			t.Errorf("%s: %d %s", name, status, text)
		} else if name == "browser" && (header.Get("Access-Control-Allow-Origin") != "https://shop.example" || !strings.Contains(header.Get("Access-Control-Expose-Headers"), "X-Sentry-Rate-Limits")) {
			t.Errorf("a page of another site reads %v", header)
		}
	}
	if status, _, _ := s.post(plain, body); status != 403 {
		t.Errorf("nobody: %d", status)
	}
}

// Fault 7: an event that is sent again counts once.
func TestFault07DuplicateCountsOnce(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	for range 3 {
		s.want(200, envelope(event(`{"message":"hello"}`)))
	}
	if d := only(t, s.a); d.N != 1 {
		t.Errorf("counted %d times", d.N)
	}
}

func pack(t *testing.T, kind string, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "raw":
		w, _ = flate.NewWriter(&out, 6)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, _ = zstd.NewWriter(&out)
	default:
		return body
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return out.Bytes()
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	for _, kind := range []string{"gzip", "deflate", "raw", "br", "zstd", "identity", ""} {
		name := strings.Replace(kind, "raw", "deflate", 1)
		status, _, text := s.post(s.path("envelope"), pack(t, kind, []byte(envelope(event(`{"message":"hello"}`)))), "Content-Encoding", name)
		if status != 200 || !strings.Contains(text, anID) {
			t.Errorf("%q: %d %s", kind, status, text)
		}
	}
	if status, _, _ := s.post(s.path("envelope"), []byte("x"), "Content-Encoding", "lzma"); status != 415 {
		t.Errorf("an unknown encoding: %d", status)
	}
}

// Fault 4: what grows too much is cut off.
func TestFault04Bombs(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	bomb := []byte("{}\n" + `{"type":"attachment"}` + "\n" + strings.Repeat("a", 60<<20))
	for _, kind := range []string{"gzip", "deflate", "br", "zstd"} {
		if status, header, _ := s.post(s.path("envelope"), pack(t, kind, bomb), "Content-Encoding", kind); status != 413 || header.Get("X-Sentry-Error") == "" {
			t.Errorf("%s: %d", kind, status)
		}
	}
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Fault 3: what is announced as too large is refused before it is read.
func TestFault03LargeEnvelope(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.a.URL+s.path("envelope"), http.NoBody)
	s.a.Must(err)
	left := io.LimitedReader{R: endless{}, N: 60 << 20}
	r.Body, r.ContentLength = io.NopCloser(&left), 60<<20
	r.Header.Set("Expect", "100-continue") // asks before it sends
	res, err := http.DefaultClient.Do(r)
	s.a.Must(err)
	res.Body.Close()
	if res.StatusCode != 413 || left.N != 60<<20 {
		t.Errorf("60 MB: %d, and %d bytes were sent", res.StatusCode, 60<<20-left.N)
	}
	s.want(413, envelope(event(`{"message":"`+strings.Repeat("x", 1<<20)+`"}`)))
}

// Fault 5: what has not the form is the sender's mistake.
func TestFault05Malformed(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "hello\n", "event": envelope(event(`{"message":`)), "length": envelope(`{"type":"event","length":100}`, `{}`),
		"negative": envelope(`{"type":"event","length":-1}`, `{}`), "long": envelope(`{"type":"event","length":2}`, `{}{}`), "nesting": envelope(event(`{"extra":` + deep + `}`)),
		"NUL": envelope(event("{\"message\":\"a\x00b\"}")), "UTF-8": envelope(event("{\"message\":\"a\xff\"}")), "array": envelope(event(`[]`)), "no type": envelope(`{}`, `{}`),
	} {
		if status, _, text := s.post(s.path("envelope"), []byte(body)); status != 400 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	s.want(200, envelope(event(`{"message":"a\u0000b"}`)))
	if d := only(t, s.a); d.N != 1 || d.Title != "ab" { // and nothing of the others
		t.Errorf("the issue is %+v", d.Issue)
	}
}

// Fault 6: what is not known is skipped, what stands beside it is kept.
func TestFault06UnknownItem(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	s.want(200, envelope(`{"type":"from_the_future","length":5}`, "a\nb\nc", event(`{"message":"hello"}`), `{"type":"replay_recording"}`, "x"))
	if d := only(t, s.a); d.N != 1 || d.Title != "hello" {
		t.Errorf("the issue is %+v", d.Issue)
	}
	drops := s.a.Observe.Dropped()
	if drops[observe.Drop{Class: "item", Reason: "not_kept"}] != 1 || drops[observe.Drop{Class: "replay_recording", Reason: "not_kept"}] != 1 {
		t.Errorf("dropped %v", drops)
	}
}

// Fault 8: a clock that is wrong is corrected, and what it said is kept.
func TestFault08WrongClock(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	now := s.a.Clock.Now()
	ids := 0
	send := func(stated, sent time.Time) observe.Event {
		ids++
		head := fmt.Sprintf(`{"event_id":"%032x"`, ids)
		if !sent.IsZero() {
			head += `,"sent_at":"` + sent.Format(time.RFC3339Nano) + `"`
		}
		s.want(200, head+"}\n"+event(fmt.Sprintf(`{"message":"hello","timestamp":%d}`, stated.Unix())))
		return only(t, s.a).Last
	}
	for _, off := range []time.Duration{-365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		e := send(now.Add(off-10*time.Second), now.Add(off))
		if d := now.Sub(e.At); d < 9*time.Second || d > 11*time.Second || !e.App.Stated.Equal(now.Add(off-10*time.Second).Truncate(time.Second)) {
			t.Errorf("off by %s: at %s, stated %s, now %s", off, e.At, e.App.Stated, now)
		}
		if e := send(now.Add(off), time.Time{}); now.Sub(e.At).Abs() > time.Second || e.App.Stated.IsZero() {
			t.Errorf("off by %s without sent_at: at %s", off, e.At)
		}
	}
}

// Fault 26: a key opens its own project and no other, and nobody learns which there are.
func TestFault26ForeignKey(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	other, err := s.a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "other"})
	s.a.Must(err)
	body := []byte(envelope(event(`{"message":"hello"}`)))
	answers := map[string]bool{}
	for _, path := range []string{fmt.Sprintf("/-/api/%d/envelope/?sentry_key=%s", other.ID, s.key), "/-/api/99/envelope/?sentry_key=" + s.key,
		fmt.Sprintf("/-/api/%d/envelope/?sentry_key=%s", s.p.ID, strings.Repeat("0", 32)), "/-/api/x/envelope/?sentry_key=" + s.key} {
		status, _, text := s.post(path, body)
		if status != 403 {
			t.Errorf("%s: %d", path, status)
		}
		answers[text] = true
	}
	if len(answers) != 1 {
		t.Errorf("the answers tell them apart: %v", answers)
	}
	_, err = s.a.Observe.RevokeKey(t.Context(), s.p.ID, s.key)
	s.a.Must(err)
	s.want(403, string(body))
}

// Fault 2: over the quota a body is not read, and the sender is told to be quiet.
func TestFault02Quota(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{EventsMinute: 3})
	for i := range 3 {
		s.want(200, fmt.Sprintf(`{"event_id":"%032x"}`, i+1)+"\n"+event(`{"message":"hello"}`))
	}
	for range 50 {
		status, header, _ := s.post(s.path("envelope"), []byte("this is not even an envelope"))
		limits := header.Get("X-Sentry-Rate-Limits")
		if status != 429 || header.Get("Retry-After") == "" || !strings.Contains(limits, ":default;error;transaction;span") || strings.Contains(limits, "monitor") {
			t.Fatalf("%d, limits %q", status, limits)
		}
	}
	if status, _, _ := s.post(fmt.Sprintf("/-/api/%d/cron/nightly/%s/?status=ok", s.p.ID, s.key), nil); status != 202 {
		t.Errorf("a check-in: %d", status)
	}
	if n := s.a.Observe.Dropped()[observe.Drop{Class: "event", Reason: "quota"}]; n != 50 {
		t.Errorf("%d are counted", n)
	}
	if d := only(t, s.a); d.N != 3 {
		t.Errorf("%d events count", d.N)
	}
	s.a.Clock.Advance(time.Minute)
	s.want(200, `{"event_id":"`+anID+`"}`+"\n"+event(`{"message":"hello"}`))
}

func TestQuotaOfBytes(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{BytesMinute: 2 << 10})
	s.want(200, envelope(event(`{"message":"`+strings.Repeat("x", 3<<10)+`"}`)))
	s.want(429, envelope(event(`{"message":"hello"}`)))
}

func TestGrouping(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	n := 0
	send := func(bodies ...string) int {
		before, err := s.a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 200})
		s.a.Must(err)
		for _, b := range bodies {
			n++
			s.want(200, fmt.Sprintf(`{"event_id":"%032x"}`, n)+"\n"+event(b))
		}
		s.a.Observe.Flush()
		after, err := s.a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 200})
		s.a.Must(err)
		return len(after.Errors) - len(before.Errors)
	}
	frame := func(line int, fn string) string {
		return fmt.Sprintf(`{"exception":[{"type":"E","value":"v%d","stacktrace":{"frames":[{"module":"a","function":"%s","lineno":%d,"in_app":true}]}}]}`, line, fn, line)
	}
	script := func(file string, column int) string {
		return fmt.Sprintf(`{"platform":"javascript","exception":[{"type":"TypeError","value":"x","stacktrace":{"frames":[{"filename":"https://x/assets/%s","function":"t","lineno":1,"colno":%d}]}}]}`, file, column)
	}
	for name, c := range map[string]struct {
		want   int
		bodies []string
	}{
		"lines do not matter":         {1, []string{frame(1, "f"), frame(2, "f")}},
		"functions do":                {2, []string{frame(1, "g"), frame(1, "h")}},
		"values of messages":          {1, []string{`{"message":"user 17 is gone"}`, `{"message":"user 4 is gone"}`}},
		"templates":                   {1, []string{`{"logentry":{"message":"hi %s","formatted":"hi ann"}}`, `{"logentry":{"message":"hi %s","formatted":"hi bob"}}`}},
		"fingerprint":                 {1, []string{`{"message":"one","fingerprint":["same"]}`, `{"message":"two","fingerprint":["same"]}`}},
		"fingerprint with default":    {2, []string{`{"message":"uno","fingerprint":["{{ default }}","x"]}`, `{"message":"due","fingerprint":["{{default}}","x"]}`}},
		"synthetic is its message":    {1, []string{`{"exception":[{"type":"Error","value":"told 1","mechanism":{"synthetic":true}}]}`, `{"exception":[{"type":"Other","value":"told 2","mechanism":{"synthetic":true}}]}`}},
		"a bundle of another release": {1, []string{script("app-1a2b3c4d5e.js", 1010), script("app-9f8e7d6c5b.js", 1040)}},
		"another place of a bundle":   {2, []string{script("lib-1a2b3c4d5e.js", 1010), script("lib-1a2b3c4d5e.js", 9040)}},
	} {
		if got := send(c.bodies...); got != c.want {
			t.Errorf("%s: %d issues and not %d", name, got, c.want)
		}
	}
}

func TestLogsAndCheckInsAreInTheLog(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	text := s.want(200, "{}\n"+`{"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json"}`+"\n"+
		`{"items":[{"timestamp":1764392400.5,"trace_id":"5b8efff798038103d269b633813fc60c","level":"warn","body":"stock is low","attributes":{"sku":{"value":"a-1","type":"string"},"api_key":{"value":"canary-attr-1","type":"string"}}}]}`+"\n"+
		`{"type":"check_in"}`+"\n"+`{"check_in_id":"`+anID+`","monitor_slug":"nightly","status":"error"}`)
	if strings.TrimSpace(text) != "{}" {
		t.Errorf("answered %s", text)
	}
	s.a.Observe.Flush()
	found := lines(t, s.a.Observe, "stock is low")
	if len(found) != 1 || found[0].Level != 4 || found[0].Trace != "5b8efff798038103d269b633813fc60c" || !strings.Contains(string(found[0].Attrs), `"sku":"a-1"`) {
		t.Errorf("the line is %+v", found)
	}
	if all := files(t, s.a); strings.Contains(all, "canary-") || !strings.Contains(all, "nightly") {
		t.Error("a secret is in a file, or the check-in is not")
	}
}

// Whatever ids an SDK gives its spans, and whatever it says is part of what, they are shown.
func TestSpansOfOddIdsAreShown(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	span := func(trace, id, parent string) string {
		return fmt.Sprintf(`{"trace_id":%q,"span_id":%q,"parent_span_id":%q,"start_timestamp":1,"end_timestamp":2,"name":"step %s"}`, trace, id, parent, id)
	}
	s.want(200, "{}\n"+`{"type":"span"}`+"\n"+`{"items":[`+strings.Join([]string{span("abc", "one", ""), span("ring", "two", "three"), span("ring", "three", "two"), span("ring", "four", "three")}, ",")+`]}`)
	s.a.Observe.Flush()
	op := s.a.Operator("op@example.com")
	op.Get("/-/admin/performance/traces/abc").Want(200, "step one")
	op.Get("/-/admin/performance/traces/ring").Want(200, "step two", "step three", "step four")
}

// Keys can be replaced for ever: what was revoked makes room, what works never does.
func TestKeysAreReplacedForEver(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	c := s.a.Key("errors:*")
	p, newest := s.p, s.key
	for range 25 {
		c.PostJSON("/-/api/v1/errors/projects/1/keys", map[string]any{}).Want(201).JSON(&p)
		c.Do("DELETE", "/-/api/v1/errors/projects/1/keys/"+newest, "", "").Want(204)
		s.a.Clock.Advance(time.Minute)
		newest = p.Keys[0].Public
	}
	s.key = newest
	s.want(200, envelope(event(`{"message":"hello"}`)))
	for range 19 {
		c.PostJSON("/-/api/v1/errors/projects/1/keys", map[string]any{}).Want(201)
	}
	c.PostJSON("/-/api/v1/errors/projects/1/keys", map[string]any{}).WantProblem(422, "invalid", "project")
	s.want(200, envelope(event(`{"message":"hello"}`)))
}

func TestProjectsInTheConsoleAndAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Operator("op@example.com")
	op.Get("/-/admin/errors/projects").Want(200, "No projects yet")
	a.RunJobs()
	a.Forget()
	op.Post("/-/admin/errors/projects", "name", "web").Want(200, "The project is there", "/-/1<")
	op.Post("/-/admin/errors/projects", "name", "web").Want(422)
	op.Post("/-/admin/errors/projects/1", "act", "key").Want(200, "The new key works")
	op.Post("/-/admin/errors/projects/1", "act", "changed", "name", "site", "events_per_minute", "10", "mb_per_minute", "2").Want(200, "The limits are changed")
	c := a.Key("errors:read", "errors:manage")
	var list observe.ProjectList
	c.Get("/-/api/v1/errors/projects").Want(200).JSON(&list)
	if len(list.Projects) != 1 || list.Projects[0].Name != "site" || list.Projects[0].BytesMinute != 2<<20 || len(list.Projects[0].Keys) != 2 {
		t.Fatalf("projects are %+v", list)
	}
	key := list.Projects[0].Keys[0].Public
	a.RunJobs()
	a.Forget()
	c.Do("DELETE", "/-/api/v1/errors/projects/1/keys/"+key, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"project.key_revoked"}})
	c.Do("DELETE", "/-/api/v1/errors/projects/1/keys/"+key, "", "").WantProblem(404, "not_found")
	c.PostJSON("/-/api/v1/errors/projects", map[string]any{"name": ""}).WantProblem(422, "invalid", "name")
	c.PostJSON("/-/api/v1/errors/projects/7/keys", map[string]any{}).WantProblem(404, "not_found")
	c.Do("PATCH", "/-/api/v1/errors/projects/1", "application/json", `{"events_per_minute":-1}`).WantProblem(422, "invalid", "events_per_minute")
	a.Key("errors:read").PostJSON("/-/api/v1/errors/projects", map[string]any{"name": "x"}).WantProblem(403, "forbidden")
}
