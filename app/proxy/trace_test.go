package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"seaworthy/app/observe"
)

// The app is told which trace its request belongs to, whatever the client's SDK speaks, and what
// failed is kept with the app's part of it.
func TestAppLearnsTheTrace(t *testing.T) {
	t.Parallel()
	b := newBehind(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	a := before(t, b)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for name, value := range map[string]string{"Traceparent": "00-" + trace + "-00f067aa0ba902b7-01", "Sentry-Trace": trace + "-00f067aa0ba902b7-1"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", a.URL+"/orders/17", nil)
		a.Must(err)
		r.Header.Set(name, value)
		r.Header.Set("Baggage", "sentry-release=1.0")
		res, err := http.DefaultClient.Do(r)
		a.Must(err)
		res.Body.Close()
		got := b.last(t).Header
		w3c, sentry := got.Get("Traceparent"), got.Get("Sentry-Trace")
		if !strings.HasPrefix(w3c, "00-"+trace+"-") || strings.Contains(w3c, "00f067aa0ba902b7") || sentry != strings.TrimSuffix(strings.TrimPrefix(w3c, "00-"), "-01") || got.Get("Baggage") != "sentry-release=1.0" {
			t.Errorf("with %s the app gets %q, %q, %q", name, w3c, sentry, got.Get("Baggage"))
		}
	}
	a.Observe.Flush()
	d, err := a.Observe.Trace(t.Context(), trace)
	a.Must(err)
	var calls []observe.TraceSpan
	for _, s := range d.Spans {
		if s.Op == "http.client" {
			calls = append(calls, s)
		}
	}
	if len(d.Traces) != 2 || d.Traces[0].Source != "GET /orders/:id" || d.Traces[0].Status != "500" || len(calls) != 2 || calls[0].Name != "GET /orders/:id of the app" || calls[0].Status != "500" ||
		!strings.Contains(b.last(t).Header.Get("Traceparent"), calls[1].ID) && !strings.Contains(b.last(t).Header.Get("Traceparent"), calls[0].ID) {
		t.Errorf("%+v", d)
	}
}
