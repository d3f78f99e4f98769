package observe

import (
	"net/http"
	"strings"
	"time"
)

// Outgoing counts the calls that go through next, by host: http.DefaultTransport if nil. One that
// brings no answer, or a 5xx, has failed; it took until the answer's head was there.
func (s *System) Outgoing(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return outgoing{s, next}
}

type outgoing struct {
	s    *System
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o outgoing) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	res, err := o.next.RoundTrip(r)
	o.s.Count(Series{Calls, strings.ToLower(r.URL.Hostname())}, time.Since(start), err != nil || res.StatusCode >= 500)
	return res, err
}
