package observe_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
)

// elsewhere is another Sentry.
type elsewhere struct {
	*httptest.Server
	got chan request
	mu  sync.Mutex
	say func(w http.ResponseWriter) // what it answers; 200 if nil
}

type request struct {
	path, body string
	header     http.Header
}

func newElsewhere(t *testing.T) *elsewhere {
	e := &elsewhere{got: make(chan request, 100)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.got <- request{r.URL.Path, string(body), r.Header.Clone()}
		if e.say != nil {
			e.say(w)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *elsewhere) answer(say func(w http.ResponseWriter)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.say = say
}

// dsn is its address for SDKs, with a key that is somewhat secret.
func (e *elsewhere) dsn(project int) string {
	return strings.Replace(e.URL, "://", "://theirkey:canary-dsn@", 1) + "/" + strconv.Itoa(project)
}

// next is what came next; the test fails if nothing does.
func (e *elsewhere) next(t *testing.T) request {
	t.Helper()
	select {
	case r := <-e.got:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was forwarded")
		return request{}
	}
}

// forwarding is a project that is forwarded to an address, with everything running that does so.
func forwarding(t *testing.T, dsn string, opts ...apptest.Option) sender {
	t.Helper()
	s := project(t, observe.ProjectChange{}, opts...)
	own := observe.ForwardOwn
	_, err := s.a.Observe.ChangeProject(t.Context(), s.p.ID, observe.ProjectChange{Forward: &own, ForwardDSN: &dsn})
	s.a.Must(err)
	running(t, s.a)
	s.a.Forget()
	return s
}

// running runs telemetry until the test ends.
func running(t *testing.T, a *apptest.App) {
	ctx, stop := context.WithCancel(context.Background())
	var owned sync.WaitGroup
	owned.Go(func() { a.Observe.Run(ctx) })
	t.Cleanup(func() { stop(); owned.Wait() })
}

const secretive = `{"type":"transaction"}
{"transaction":"/pay","start_timestamp":1,"timestamp":2,"contexts":{"trace":{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"aaaaaaaaaaaaaaaa"}},"spans":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"bbbbbbbbbbbbbbbb","start_timestamp":1,"timestamp":2,"description":"UPDATE u SET password = 'canary-sql-1'","data":{"db.password":"canary-span-1"}}]}
{"type":"span","item_count":1,"content_type":"application/vnd.sentry.items.span.v2+json"}
{"items":[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"cccccccccccccccc","start_timestamp":1,"end_timestamp":2,"name":"GET https://a:canary-user-1@x.example/?token=canary-token-1","attributes":{"http.request.header.cookie":{"value":"canary-cookie-1","type":"string"},"url.query":{"value":"code=canary-code-1","type":"string"}}}]}
{"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json"}
{"items":[{"timestamp":1764392400.5,"trace_id":"5b8efff798038103d269b633813fc60c","level":"warn","body":"Bearer canary-bearer-0001","attributes":{"api_key":{"value":"canary-attr-1","type":"string"},"sku":{"value":"a-1","type":"string"}}}]}
{"type":"check_in"}
{"check_in_id":"83a7c03ed0a04e1b97e2e3b18d38f244","monitor_slug":"nightly","status":"ok"}
{"type":"client_report"}
{"timestamp":1764392400,"discarded_events":[{"reason":"sample_rate","category":"transaction","quantity":3}]}
{"type":"trace_metric"}
{"items":[{"name":"queue","value":1,"attributes":{"secret":{"value":"canary-metric-1","type":"string"},"zone":{"value":"eu","type":"string"}}}]}
{"type":"something_new","length":43}
{"kept":"whole","password":"canary-new-1" }
{"type":"attachment","length":16,"filename":"a.txt"}
canary-attached1
{"type":"replay_recording","length":15}
canary-replay-1
`

// Fault 15, the forwarded stream: everything an SDK sends goes on, under the other DSN, and no
// secret with it; what nobody can look through stays here.
func TestFault15ForwardedWithoutSecrets(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := forwarding(t, there.dsn(7))
	nl := "\n"
	s.want(200, `{"event_id":"`+anID+`","dsn":"https://`+s.key+`@here.example/1","trace":{"trace_id":"5b8efff798038103d269b633813fc60c","public_key":"`+s.key+`"}}`+nl+event(oneLine(boom))+nl+secretive)
	got := there.next(t)
	if strings.Contains(got.body, "canary") || strings.Contains(got.body, s.key) {
		t.Errorf("a secret leaves: %s", got.body)
	}
	if got.path != "/api/7/envelope/" || !strings.Contains(got.header.Get("X-Sentry-Auth"), "sentry_key=theirkey") || strings.Contains(got.header.Get("X-Sentry-Auth"), "canary") {
		t.Errorf("it went to %s with %v", got.path, got.header)
	}
	for _, word := range []string{`"public_key":"theirkey"`, `"type":"event"`, "PayError", "cannot pay", `"type":"transaction"`, `"item_count":1`, "UPDATE u SET password = •••", `"type":"log"`, `"sku":{"type":"string","value":"a-1"}`,
		`"monitor_slug":"nightly"`, `"quantity":3`, `"zone"`, `"type":"something_new"`, `"kept":"whole"`} {
		if !strings.Contains(got.body, word) {
			t.Errorf("%s is missing in %s", word, got.body)
		}
	}
	// It is whole: our own ingest takes it.
	other := project(t, observe.ProjectChange{})
	if text := other.want(200, got.body); !strings.Contains(text, anID) {
		t.Errorf("answered %s", text)
	}
	if n := s.a.Observe.Dropped()[observe.Drop{Class: "forward", Reason: "not_readable"}]; n != 2 {
		t.Errorf("%d items are counted as not forwarded", n)
	}
	if only(t, s.a).N != 1 {
		t.Error("it is not kept here")
	}
	s.a.ExpectNothing()
	if all := files(t, s.a) + s.a.Logs(); strings.Contains(all, "canary") {
		t.Error("a secret is in a file or the log")
	}
}

// The older endpoint, reports of policies and check-ins by address go on too.
func TestForwardedFromOtherEndpoints(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := forwarding(t, there.dsn(7))
	if status, _, text := s.post(s.path("store"), []byte(oneLine(boom))); status != 200 {
		t.Fatal(status, text)
	}
	if got := there.next(t); !strings.Contains(got.body, "PayError") || strings.Contains(got.body, "canary") {
		t.Errorf("%s", got.body)
	}
	if status, _, text := s.post(s.path("security"), []byte(`{"csp-report":{"document-uri":"https://x.example/?token=canary","effective-directive":"img-src","blocked-uri":"data"}}`)); status != 201 {
		t.Fatal(status, text)
	}
	if got := there.next(t); !strings.Contains(got.body, `"type":"raw_security"`) || !strings.Contains(got.body, "img-src") || strings.Contains(got.body, "canary") {
		t.Errorf("%s", got.body)
	}
	if status, _, text := s.post("/-/api/1/cron/nightly/"+s.key+"/?status=error", nil); status != 202 {
		t.Fatal(status, text)
	}
	if got := there.next(t); !strings.Contains(got.body, `"monitor_slug":"nightly"`) || !strings.Contains(got.body, `"status":"error"`) {
		t.Errorf("%s", got.body)
	}
}

// Fault 18, forwarded: a category that the place does not want is left out for as long as it says, and
// the rest goes on.
func TestFault18ForwardHeedsRateLimits(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := forwarding(t, there.dsn(7))
	send := func(id string) request {
		t.Helper()
		s.want(200, `{"event_id":"`+id+`"}`+"\n"+event(oneLine(boom))+"\n"+`{"type":"check_in"}`+"\n"+`{"monitor_slug":"nightly","status":"ok"}`)
		return there.next(t)
	}
	there.answer(func(w http.ResponseWriter) {
		w.Header().Set("X-Sentry-Rate-Limits", "60:error;default:organization, 5:attachment")
	})
	if got := send(strings.Repeat("1", 32)); !strings.Contains(got.body, "PayError") {
		t.Errorf("%s", got.body)
	}
	there.answer(nil)
	if got := send(strings.Repeat("2", 32)); strings.Contains(got.body, "PayError") || !strings.Contains(got.body, "nightly") {
		t.Errorf("while errors are not wanted: %s", got.body)
	}
	if n := s.a.Observe.Dropped()[observe.Drop{Class: "forward", Reason: "rate_limited"}]; n != 1 {
		t.Errorf("%d are counted", n)
	}
	s.a.Clock.Advance(61 * time.Second)
	if got := send(strings.Repeat("3", 32)); !strings.Contains(got.body, "PayError") {
		t.Errorf("afterwards: %s", got.body)
	}
}

// Fault 18, forwarded: one that is down holds up neither its project nor another one's forwarding.
func TestFault18OneForwardIsDown(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := forwarding(t, "http://key@127.0.0.1:1/7")
	p, err := s.a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "other"})
	s.a.Must(err)
	dsn := there.dsn(8)
	_, err = s.a.Observe.ChangeProject(t.Context(), p.ID, observe.ProjectChange{ForwardDSN: &dsn})
	s.a.Must(err)
	s.want(200, envelope(event(oneLine(boom))))
	other := sender{a: s.a, p: p, key: p.Keys[0].Public}
	other.want(200, `{"event_id":"`+strings.Repeat("4", 32)+`"}`+"\n"+event(oneLine(boom)))
	if got := there.next(t); got.path != "/api/8/envelope/" {
		t.Errorf("it went to %s", got.path)
	}
	s.a.Observe.Flush()
	page, err := s.a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 10})
	if err != nil || len(page.Errors) != 2 { // one of each project
		t.Errorf("%+v, %v", page.Errors, err)
	}
}

// Fault 19, forwarded: an address of our own is refused, and what another of our kind forwarded
// goes no further, else two would send it to each other for ever.
func TestFault19ForwardsDoNotLoop(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := forwarding(t, there.dsn(7))
	key := s.a.Key("errors:*")
	path := "/-/api/v1/errors/projects/1"
	own := s.p.Keys[0].DSN
	key.Do("PATCH", path, "application/json", `{"forward_dsn":"`+own+`"}`).WantProblem(422, "invalid", "forward_dsn")
	s.want(200, envelope(event(oneLine(boom))))
	once := there.next(t)
	status, _, text := s.post(s.path("envelope"), []byte(strings.Replace(once.body, anID, strings.Repeat("5", 32), 1)), "X-Seaworthy-Forwarded", "0af7651916cd43dd8448eb211c80319c")
	if status != 200 {
		t.Fatal(status, text)
	}
	s.want(200, `{"event_id":"`+strings.Repeat("6", 32)+`"}`+"\n"+event(oneLine(boom)))
	if got := there.next(t); !strings.Contains(got.body, strings.Repeat("6", 32)) {
		t.Errorf("what was forwarded went on: %s", got.body)
	}
	if n := only(t, s.a).N; n != 3 {
		t.Errorf("%d are counted", n)
	}
	if once.header.Get("X-Seaworthy-Forwarded") == "" {
		t.Error("nobody could tell that it was forwarded")
	}
}

// The address is sealed and told to nobody; setting it is audited, and switching it off forgets it.
func TestForwardIsSetInPageAndAPI(t *testing.T) {
	t.Parallel()
	there := newElsewhere(t)
	s := project(t, observe.ProjectChange{}, func(c *config.Config, _ *app.Options) { c.SentryDSN = there.dsn(9) })
	running(t, s.a)
	key, reader := s.a.Key("errors:*"), s.a.Key("errors:read")
	path := "/-/api/v1/errors/projects/1"
	host := strings.TrimPrefix(there.URL, "http://")
	s.a.Forget()
	key.Do("PATCH", path, "application/json", `{"forward":"own","forward_dsn":"`+there.dsn(7)+`"}`).Want(200, `"forward":"own"`, `"forward_host":"`+host+`"`).Without("canary", "theirkey")
	s.a.Expect(apptest.Happened{Audit: []string{"project.changed"}})
	if text := s.a.Query(`SELECT body FROM audit_event ORDER BY seq DESC LIMIT 1`); strings.Contains(text, "canary") || !strings.Contains(text, host) {
		t.Errorf("the audit log says %s", text)
	}
	s.want(200, envelope(event(oneLine(boom))))
	if got := there.next(t); got.path != "/api/7/envelope/" {
		t.Errorf("it went to %s", got.path)
	}
	reader.Do("PATCH", path, "application/json", `{"forward":"off"}`).Want(403)
	for _, bad := range []string{`{"forward":"x"}`, `{"forward":"sentry","forward_dsn":"` + there.dsn(7) + `"}`, `{"forward_dsn":"no dsn"}`, `{"forward_dsn":"https://key@10.0.0.1/7"}`} {
		key.Do("PATCH", path, "application/json", bad).Want(422)
	}
	op := s.a.Operator("op@example.com")
	op.Get("/-/admin/errors/projects").Want(200, host, "Attachments and replays are not forwarded").Without("canary")
	op.Post("/-/admin/errors/projects/1", "act", "forwarded", "forward", "sentry").Want(200, "goes there as well")
	if got := s.a.Query(`SELECT coalesce(length(forward_dsn), 0) FROM observe_project`); got != "0" {
		t.Errorf("the address that is not used any more has %s bytes", got)
	}
	s.want(200, `{"event_id":"`+strings.Repeat("7", 32)+`"}`+"\n"+event(oneLine(boom)))
	if got := there.next(t); got.path != "/api/9/envelope/" {
		t.Errorf("it went to %s", got.path)
	}
	op.Post("/-/admin/errors/projects/1", "act", "forwarded", "forward", "off").Want(200, "stays here")
	if _, on := s.a.Observe.Forwarded(1); on {
		t.Error("it is still forwarded")
	}
	if all := files(t, s.a) + s.a.Logs(); strings.Contains(all, "canary-dsn") {
		t.Error("the address is in a file as it is")
	}
}
