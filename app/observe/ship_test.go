package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/web"
)

// taker is a place that takes what is sent on, after it has refused as often as it is told.
type taker struct {
	*httptest.Server
	mu     sync.Mutex
	refuse []int
	got    []*http.Request
	bodies [][]byte
	more   chan struct{}
}

func newTaker(t *testing.T, refuse ...int) *taker {
	t.Helper()
	k := &taker{refuse: refuse, more: make(chan struct{}, 1000)}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		defer k.mu.Unlock()
		defer func() { k.more <- struct{}{} }()
		if len(k.refuse) > 0 {
			status := k.refuse[0]
			k.refuse = k.refuse[1:]
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			return
		}
		k.got, k.bodies = append(k.got, r), append(k.bodies, body)
	}))
	t.Cleanup(k.Close)
	return k
}

// sending is a system whose waits end at once, and are written down.
func sending(t *testing.T, o Options) (s *System, waits *[]time.Duration, stop func()) {
	t.Helper()
	o.Folder, o.Release = t.TempDir(), "1.2.3"
	s = New(o)
	waits = &[]time.Duration{}
	var mu sync.Mutex
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, p := range []*shipper{s.traces, s.reports} {
		if p != nil {
			p.after = func(d time.Duration) <-chan time.Time {
				mu.Lock()
				defer mu.Unlock()
				*waits = append(*waits, d)
				c := make(chan time.Time, 1)
				c <- time.Time{}
				return c
			}
		}
	}
	running.Go(func() { s.Run(ctx) })
	return s, waits, sync.OnceFunc(func() { end(); running.Wait(); s.Close() })
}

// ended waits until a parcel was taken or refused for good.
func ended(p *shipper) {
	for p.ended.Load() == 0 {
		runtime.Gosched()
	}
}

// A trace that is kept goes to the collector too, whole and in OTLP's form.
func TestTracesAreExported(t *testing.T) {
	t.Parallel()
	k := newTaker(t)
	s, _, stop := sending(t, Options{Traces: &Place{URL: k.URL + "/v1/traces", Header: map[string]string{"x-key": "v"}}, Service: "shop"})
	defer stop()
	o := &web.Origin{RequestID: "req_1", Route: "GET /things", Trace: web.NewTrace(), Parent: "00f067aa0ba902b7", Start: time.Now()}
	ctx := s.Begin(web.WithOrigin(t.Context(), o))
	header, end := s.Span(ctx, "http.client", "GET example.com")
	end("200")
	s.End(o, 503, time.Second)
	<-k.more
	var got tracepb.TracesData
	if err := proto.Unmarshal(k.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	r := k.got[0]
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Key") != "v" {
		t.Errorf("%s %v", r.URL, r.Header)
	}
	resource := got.ResourceSpans[0]
	spans := resource.ScopeSpans[0].Spans
	if resource.Resource.Attributes[0].Value.GetStringValue() != "shop" || len(spans) != 2 {
		t.Fatalf("%v", &got)
	}
	root, call := spans[0], spans[1]
	if root.Name != "GET /things" || root.Kind != tracepb.Span_SPAN_KIND_SERVER || root.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || len(root.TraceId) != 16 || len(root.SpanId) != 8 ||
		string(root.ParentSpanId) != string(idBytes(o.Parent)) || root.EndTimeUnixNano-root.StartTimeUnixNano != uint64(time.Second) {
		t.Errorf("%v", root)
	}
	if string(call.ParentSpanId) != string(root.SpanId) || call.Kind != tracepb.Span_SPAN_KIND_CLIENT || call.Status != nil || !strings.Contains(header, web.Traceparent(o.Trace, "")[:36]) {
		t.Errorf("%v, %s", call, header)
	}
}

// Fault 18: the place is down, or asks for patience. It is heeded; what is beyond the bound is
// counted; nobody waits.
func TestFault18PlaceIsDown(t *testing.T) {
	t.Parallel()
	k := newTaker(t, 503, 429, 500)
	s, waits, stop := sending(t, Options{Traces: &Place{URL: k.URL}})
	defer stop()
	s.traces.add([]byte("one"))
	ended(s.traces)
	stop()
	if len(k.bodies) != 1 || string(k.bodies[0]) != "one" || len(*waits) != 3 || (*waits)[0] != 7*time.Second {
		t.Errorf("%q after %v", k.bodies, *waits)
	}
	down, _, stopDown := sending(t, Options{Traces: &Place{URL: "http://127.0.0.1:1"}})
	stopDown() // nobody takes anything out
	start := time.Now()
	for range mostParcels + 5 {
		down.traces.add([]byte("one"))
	}
	down.traces.add(make([]byte, mostParcel+1))
	if d := down.Dropped(); d[Drop{"otlp", "queue_full"}] != 5 || d[Drop{"otlp", "too_large"}] != 1 || time.Since(start) > time.Second {
		t.Errorf("%v", d)
	}
	final := newTaker(t, 403)
	s, waits, stop = sending(t, Options{Traces: &Place{URL: final.URL}})
	s.traces.add([]byte("one"))
	ended(s.traces)
	stop()
	if d := s.Dropped(); d[Drop{"otlp", "refused"}] != 1 || len(*waits) != 0 {
		t.Errorf("a refusal for good: %v, %v", d, *waits)
	}
}

func TestPatienceIsSecondsOrATime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 5, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "86400": longestLimit, "99999999999": 0,
		"Sun, 29 Nov 2026 05:02:00 GMT": 2 * time.Minute, "Sun, 29 Nov 2026 04:00:00 GMT": 0, "Mon, 30 Nov 2026 05:00:00 GMT": longestLimit} {
		if got := patience(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// An error goes to the other Sentry as an SDK would send it, without its secrets.
func TestErrorsAreReportedElsewhere(t *testing.T) {
	t.Parallel()
	k := newTaker(t)
	s, _, stop := sending(t, Options{Reports: &Place{URL: k.URL + "/api/7/envelope/"}, Environment: "staging"})
	defer stop()
	log := slog.New(s.Handler(slog.DiscardHandler))
	ctx := web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_9", Trace: web.NewTrace(), Route: "GET /pay", Identity: web.Identity{User: "usr_1"}})
	log.WarnContext(ctx, "about to pay", "token", "tok-canary-1")
	s.Fault(ctx, web.Fault{Method: "GET", Route: "GET /pay", Status: 500, Err: errors.New("pay with sk_live_canary2canary2canary2: Bearer abc.canary3.def is refused")})
	<-k.more
	body := string(k.bodies[0])
	if strings.Contains(body, "canary") {
		t.Errorf("a secret leaves: %s", body)
	}
	in := bufio.NewReader(strings.NewReader(body))
	h, err := sentry.ReadHeader(in)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sentry.ReadItems(in, h, false)
	if err != nil || len(e.Items) != 1 || e.Items[0].Type != "event" {
		t.Fatalf("%+v, %v", e, err)
	}
	var event struct {
		ID          string `json:"event_id"`
		Release     string
		Environment string
		User        struct{ ID string }
		Tags        map[string]string
		Breadcrumbs struct {
			Values []struct{ Message, Level string }
		}
		Exception struct {
			Values []struct{ Type, Value string }
		}
	}
	if err := json.Unmarshal(e.Items[0].Payload, &event); err != nil {
		t.Fatal(err)
	}
	if event.ID != string(h.ID) || event.Release != "1.2.3" || event.Environment != "staging" || event.User.ID != "usr_1" || event.Tags["request_id"] != "req_9" || len(event.Breadcrumbs.Values) != 1 || event.Breadcrumbs.Values[0].Level != "warning" ||
		len(event.Exception.Values) != 1 || !strings.Contains(event.Exception.Values[0].Value, "is refused") {
		t.Errorf("%+v", event)
	}
	if k.got[0].Header.Get(loopHeader) != s.process {
		t.Error("our own ingest would not know it")
	}
}

// Fault 19: SENTRY_DSN leads here by another name. What comes back is refused, and is no error of ours.
func TestFault19OwnReportIsRefused(t *testing.T) {
	t.Parallel()
	s := New(Options{Folder: t.TempDir()})
	defer s.Close()
	r := httptest.NewRequest(http.MethodPost, "/-/api/1/envelope/", strings.NewReader("{}\n"))
	r.Header.Set(loopHeader, s.process)
	if _, _, err := s.open(httptest.NewRecorder(), r); !errors.Is(err, errLoop) || errLoop.Status >= 500 {
		t.Errorf("%v", err)
	}
	r.Header.Set(loopHeader, web.NewTrace()) // of another Seaworthy, which may report here
	if _, _, err := s.open(httptest.NewRecorder(), r); errors.Is(err, errLoop) {
		t.Error("another's report counts as our own")
	}
}
