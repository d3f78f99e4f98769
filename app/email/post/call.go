package post

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"seaworthy/app/dial"
)

const (
	sendTimeout = 30 * time.Second // of one attempt, from the connection to the end of the answer
	maxAnswer   = 64 << 10         // bytes of an answer that are read
)

// Options are what all providers over HTTP have in common. Their zero value is meant for use.
type Options struct {
	URL     string           // of the API; "" for the provider's own
	Now     func() time.Time // nil: time.Now
	Timeout time.Duration    // of one attempt; 30 seconds if 0
	// Through is what every call goes through on its way out; nothing if nil.
	Through func(http.RoundTripper) http.RoundTripper
}

// api is a provider's API.
type api struct {
	base    string
	client  *http.Client
	now     func() time.Time
	secrets []string // what no error may repeat
}

// newAPI reaches the public network and the one place that is configured. It follows no redirect, because the key is for one
// address, and asks for no compression, because only what was read is bounded.
func newAPI(own string, o Options, secrets ...string) (*api, error) {
	a := &api{base: own, now: o.Now, secrets: secrets}
	if o.URL != "" {
		a.base = o.URL
	}
	if a.now == nil {
		a.now = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = sendTimeout
	}
	u, err := url.Parse(a.base)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%q is no address of a mail provider", a.base)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	allowed, err := dial.Allow(net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("%q is no address of a mail provider: %w", a.base, err)
	}
	transport := dial.Dialer{Allowed: allowed}.Transport()
	transport.DisableCompression = true
	// Shorter than the providers': a request on a connection that the other end has just closed leaves us in doubt.
	transport.IdleConnTimeout = 20 * time.Second
	var outward http.RoundTripper = transport
	if o.Through != nil {
		outward = o.Through(transport)
	}
	a.client = &http.Client{Timeout: o.Timeout, Transport: outward, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return a, nil
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// post sends a value as JSON. header is in pairs.
func (a *api) post(ctx context.Context, path string, v any, header ...string) (answer, error) {
	body, err := encode(v)
	if err != nil {
		return answer{}, err
	}
	r, err := a.request(ctx, path, body, header...)
	if err != nil {
		return answer{}, err
	}
	return a.do(r, body)
}

// request makes a POST of JSON, whose body do sends. header is in pairs.
func (a *api) request(ctx context.Context, path string, body []byte, header ...string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Seaworthy")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.ContentLength = int64(len(body))
	return r, nil
}

// encode makes JSON that says < where the HTML does: a provider counts the bytes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// do sends a request. Without an answer it tells what surely did not arrive (Temporary) from what may have (Unknown): a message
// that may have been accepted must not be sent again without a thought.
func (a *api) do(r *http.Request, body []byte) (answer, error) {
	var w written
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), w.trace()))
	// The transport takes a fresh body for each connection it tries.
	r.GetBody = func() (io.ReadCloser, error) { return w.body(body), nil }
	r.Body = w.body(body)
	res, err := a.client.Do(r)
	if err == nil {
		defer res.Body.Close()
		got := answer{status: res.StatusCode, header: res.Header}
		if got.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err == nil || !success(got.status) {
			return got, nil // why we were refused may be cut short
		}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it would repeat the address
	}
	class, reason := Temporary, "the provider could not be reached"
	if res != nil || w.whole() {
		class, reason = Unknown, "the request went out and no answer came: the provider may have accepted the message"
	}
	return answer{}, &Error{Class: class, Reason: reason, Err: errors.New(a.line(err.Error()))}
}

func success(status int) bool { return status >= 200 && status < 300 }

// written watches how much of a request went out. It errs towards all of it: the last bytes are with the kernel, and perhaps
// with the provider, before WroteRequest is told.
type written struct{ read, failed atomic.Bool }

func (w *written) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { w.read.Store(false); w.failed.Store(false) }, // one more try
		WroteRequest: func(i httptrace.WroteRequestInfo) { w.failed.Store(i.Err != nil) },
	}
}

// whole reports whether the last byte may have left.
func (w *written) whole() bool { return w.read.Load() && !w.failed.Load() }

func (w *written) body(b []byte) io.ReadCloser {
	return io.NopCloser(&watched{Reader: bytes.NewReader(b), all: func() { w.read.Store(true) }})
}

// watched is a body that says when it has been read.
type watched struct {
	*bytes.Reader
	all func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.Len() == 0 {
		w.all()
	}
	return n, err
}

// WriteTo would go past Read.
func (w *watched) WriteTo(to io.Writer) (int64, error) {
	n, err := io.Copy(to, struct{ io.Reader }{w})
	return n, err
}
