package observe

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"seaworthy/app/web"
)

func TestOutgoingCallsAreCounted(t *testing.T) {
	t.Parallel()
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	s, _ := withHand(t, t.TempDir())
	client := http.Client{Transport: s.Outgoing(there.Client().Transport)}
	for _, path := range []string{"/works", "/fails"} {
		res, err := client.Get(there.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	there.Close()
	if _, err := client.Get(there.URL); err == nil {
		t.Fatal("a closed server answers")
	}
	page, err := s.Performance(t.Context(), Calls, time.Hour)
	if err != nil || len(page.Series) != 1 || page.Series[0].Name != "127.0.0.1" || page.Series[0].Count != 3 || page.Series[0].Errors != 2 {
		t.Errorf("counted %+v (%v)", page.Series, err)
	}
}

// A mail that is delivered by SMTP is a step of its trace, and a call: to which server and how it went, not
// to whom. A refusal is an answer.
func TestMailBySMTPIsAStepAndACall(t *testing.T) {
	t.Parallel()
	k := newTaker(t)
	s, _, stop := sending(t, Options{Traces: &Place{URL: k.URL}})
	defer stop()
	o := &web.Origin{RequestID: "req_1", Route: "POST /x", Trace: web.NewTrace(), Start: time.Now()}
	ctx := s.Begin(web.WithOrigin(t.Context(), o))
	s.Mailed(ctx, "Mail.example.com")(250, false)
	s.Mailed(ctx, "mail.example.com")(550, false)
	s.Mailed(ctx, "mail.example.com")(0, true)
	s.End(o, 503, time.Second)
	<-k.more
	var got tracepb.TracesData
	if err := proto.Unmarshal(k.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, sp := range got.ResourceSpans[0].ScopeSpans[0].Spans[1:] {
		if sp.Kind != tracepb.Span_SPAN_KIND_CLIENT {
			t.Errorf("%v", sp)
		}
		steps = append(steps, sp.Name+" "+sp.Status.GetMessage())
	}
	if strings.Join(steps, ", ") != "SMTP mail.example.com , SMTP mail.example.com 550, SMTP mail.example.com failed" {
		t.Errorf("the steps are %q", steps)
	}
	page, err := s.Performance(t.Context(), Calls, time.Hour)
	if err != nil || len(page.Series) != 1 || page.Series[0].Name != "mail.example.com" || page.Series[0].Count != 3 || page.Series[0].Errors != 1 {
		t.Errorf("counted %+v (%v)", page.Series, err)
	}
}
