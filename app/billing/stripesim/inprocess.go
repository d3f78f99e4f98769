package stripesim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// RoundTrip implements http.RoundTripper: it answers a request without a network, so that a client of Stripe's can be
// given the simulator as its transport.
func (s *Sim) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := &response{header: http.Header{}, status: http.StatusOK}
	s.API().ServeHTTP(w, r)
	if w.lost {
		return nil, errors.New("the connection was cut before the answer came")
	}
	return &http.Response{StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// response is a response in memory.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	lost   bool
}

func (a *response) Header() http.Header { return a.header }

func (a *response) WriteHeader(status int) { a.status = status }

func (a *response) Write(b []byte) (int, error) { return a.body.Write(b) }

// lose cuts the connection: what was asked is done, and nobody hears of it.
func lose(w http.ResponseWriter) {
	if a, ok := w.(*response); ok {
		a.lost = true
		return
	}
	panic(http.ErrAbortHandler)
}

// Into delivers webhooks to a handler of the same process.
func Into(h func() http.Handler) Deliver {
	return func(ctx context.Context, url string, header http.Header, body []byte) (int, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		r.Header, r.RemoteAddr = header.Clone(), "127.0.0.1:0"
		w := &response{header: http.Header{}, status: http.StatusOK}
		h().ServeHTTP(w, r)
		return w.status, nil
	}
}
