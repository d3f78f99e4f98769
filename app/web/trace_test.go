package web

import (
	"net/http"
	"strings"
	"testing"
)

const (
	someTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	someSpan  = "00f067aa0ba902b7"
)

func TestTraceOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, value string
		known         bool
	}{
		"W3C":               {"Traceparent", "00-" + someTrace + "-" + someSpan + "-01", true},
		"a later version":   {"Traceparent", "01-" + someTrace + "-" + someSpan + "-01-more", true},
		"Sentry":            {"Sentry-Trace", someTrace + "-" + someSpan + "-1", true},
		"Sentry, undecided": {"Sentry-Trace", someTrace + "-" + someSpan, true},
		"version 00, more":  {"Traceparent", "00-" + someTrace + "-" + someSpan + "-01-more", false},
		"version ff":        {"Traceparent", "ff-" + someTrace + "-" + someSpan + "-01", false},
		"upper case":        {"Traceparent", "00-" + strings.ToUpper(someTrace) + "-" + someSpan + "-01", false},
		"all zero":          {"Traceparent", "00-" + strings.Repeat("0", 32) + "-" + someSpan + "-01", false},
		"no span":           {"Traceparent", "00-" + someTrace + "-" + strings.Repeat("0", 16) + "-01", false},
		"too short":         {"Traceparent", "00-" + someTrace, false},
		"no hex":            {"Sentry-Trace", strings.Repeat("g", 32) + "-" + someSpan, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trace, parent := traceOf(http.Header{c.header: {c.value}})
			if c.known != (trace == someTrace) || c.known != (parent == someSpan) || !isHex(trace, 32) || !c.known && parent != "" {
				t.Errorf("trace %q, parent %q", trace, parent)
			}
		})
	}
	if _, parent := traceOf(http.Header{"Traceparent": {"00-" + someTrace + "-" + someSpan + "-01", "twice"}}); parent != "" {
		t.Error("two headers that disagree are believed")
	}
}

func FuzzTraceOf(f *testing.F) {
	f.Add("00-"+someTrace+"-"+someSpan+"-01", someTrace+"-"+someSpan+"-1")
	f.Add("01-"+someTrace+"-"+someSpan+"-01-more", "")
	f.Fuzz(func(t *testing.T, w3c, sentry string) {
		trace, parent := traceOf(http.Header{"Traceparent": {w3c}, "Sentry-Trace": {sentry}})
		if !isHex(trace, 32) || parent != "" && !isHex(parent, 16) {
			t.Errorf("trace %q, parent %q", trace, parent)
		}
	})
}
