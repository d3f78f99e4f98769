package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// maxAnswer bounds what is read of any answer, in bytes. Google's discovery and
// keys are 3 kB together.
const maxAnswer = 256 << 10

// newTransport reaches the network. Addresses are judged when they are dialled,
// after the name was resolved, so that a name cannot lead inward.
func newTransport(loopback bool) *http.Transport {
	dialer := net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return judge(address, loopback)
	}}
	return &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4, ForceAttemptHTTP2: true}
}

// inward are the networks that netip does not name and nobody's provider is in
// (RFC 6890): shared, protocol, benchmark, reserved, and IPv6 that embeds IPv4.
var inward = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
}

// judge refuses an address that is not of the public network, or, for a provider
// on this machine, not of this machine.
func judge(address string, loopback bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap().WithZone("")
	ok := a.IsGlobalUnicast() && !a.IsPrivate()
	for _, p := range inward {
		ok = ok && !p.Contains(a)
	}
	if loopback {
		ok = a.IsLoopback()
	}
	if !ok {
		return fmt.Errorf("%s is not an address where an identity provider may be", a)
	}
	return nil
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
