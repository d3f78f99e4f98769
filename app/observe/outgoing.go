package observe

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/store/trail"
)

// Outgoing counts the calls that go through next, by host, and makes each a step of the trace it
// is made in: http.DefaultTransport if nil. One that brings no answer, or a 5xx, has failed; it
// took until the answer's head was there. Others are not told of our traces.
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
	_, ended := o.s.Called(r.Context(), r)
	res, err := o.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = res.StatusCode
	}
	ended(status, err)
	return res, trail.Mark(err)
}

// Called begins a call to somebody else within the request or job of ctx. It returns the
// traceparent for who may know it, "" outside of a trace, and a function that is told how it ended.
func (s *System) Called(ctx context.Context, r *http.Request) (traceparent string, ended func(status int, err error)) {
	host, start := strings.ToLower(r.URL.Hostname()), time.Now()
	traceparent, end := s.Span(ctx, "http.client", r.Method+" "+host)
	return traceparent, func(status int, err error) {
		s.Count(Series{Calls, host}, time.Since(start), err != nil || status >= 500)
		end(callStatus(status, err))
	}
}

// Mailed begins the delivery of a mail to a server by SMTP within the job of ctx, and returns a function
// that is told how it ended: the code of the server's reply, 0 for none. Nothing tells to whom.
func (s *System) Mailed(ctx context.Context, host string) (ended func(code int, failed bool)) {
	host, start := strings.ToLower(host), time.Now()
	_, end := s.Span(ctx, "smtp.client", "SMTP "+host)
	return func(code int, failed bool) {
		s.Count(Series{Calls, host}, time.Since(start), failed)
		if code == 0 {
			end("failed")
			return
		}
		end(strconv.Itoa(code))
	}
}

// Handed begins the passage of a request to the app behind, which is counted as a request already.
func (s *System) Handed(ctx context.Context, r *http.Request) (traceparent string, ended func(status int, err error)) {
	traceparent, end := s.Span(ctx, "http.client", r.Method+" "+FoldPath(r.URL.Path)+" of the app")
	return traceparent, func(status int, err error) { end(callStatus(status, err)) }
}

func callStatus(status int, err error) string {
	if status == 0 || err != nil {
		return "failed"
	}
	return strconv.Itoa(status)
}
