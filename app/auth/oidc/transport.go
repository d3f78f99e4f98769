package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"seaworthy/app/dial"
)

// maxAnswer bounds what is read of any answer, in bytes. Google's discovery and
// keys are 3 kB together.
const maxAnswer = 256 << 10

// newTransport reaches the public network, or, for a provider on this machine, this
// machine.
func newTransport(loopback bool) *http.Transport {
	t := dial.Dialer{Loopback: loopback}.Transport()
	t.ResponseHeaderTimeout = 10 * time.Second
	return t
}

// sameHost lets a provider redirect us within its own host alone.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return errors.New("the provider redirects elsewhere")
	}
	return nil
}

// bounded ends an answer that is too long.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: maxAnswer}
	return res, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return n, err
}

// keysEvery is how often a provider's keys are fetched at most. go-oidc asks for
// them at each token with an unknown key id, which anybody can write: within
// this time it gets the last answer again (spec/auth.md section 5, case 31).
const keysEvery = 30 * time.Second

// throttle stands before one provider's keys.
type throttle struct {
	next  http.RoundTripper
	clock func() time.Time

	mu     sync.Mutex
	url    string
	at     time.Time
	status int
	body   []byte
	err    error
}

func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, url := t.clock(), r.URL.String(); url != t.url || now.Sub(t.at) >= keysEvery {
		t.url, t.at = url, now
		t.status, t.body, t.err = t.fetch(r)
	}
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{Status: http.StatusText(t.status), StatusCode: t.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(t.body)), ContentLength: int64(len(t.body))}, nil
}

func (t *throttle) fetch(r *http.Request) (int, []byte, error) {
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}
