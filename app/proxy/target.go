package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// target is where the app listens.
type target struct {
	url     *url.URL // what requests are sent to
	network string   // tcp or unix
	address string
	h2c     bool // it speaks HTTP/2 in the clear, as servers of gRPC do
}

// parseTarget reads http://host:port, https://host, h2c://host:port or unix:/path.
func parseTarget(text string) (target, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return target{}, errors.New("a socket is written unix:/path")
		}
		return target{url: &url.URL{Scheme: "http", Host: "app"}, network: "unix", address: path}, nil
	}
	u, err := url.Parse(text)
	h2c := err == nil && u.Scheme == "h2c"
	if h2c {
		u.Scheme = "http"
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return target{}, errors.New("it must look like http://127.0.0.1:3000 or unix:/run/app.sock, without a path")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return target{url: &url.URL{Scheme: u.Scheme, Host: u.Host}, network: "tcp", address: net.JoinHostPort(u.Hostname(), port), h2c: h2c}, nil
}

// patience is for how long a request waits for an app that does not listen: most often
// it is being started again.
const patience = 3 * time.Second

// dial connects to the app, again and again while nothing listens there: nothing was
// sent yet, so that any request can wait.
func (t target) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}
	until := time.Now().Add(patience)
	for wait := 25 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		conn, err := d.DialContext(ctx, t.network, t.address)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT) || time.Now().Add(wait).After(until) {
			return conn, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// protocols are what is spoken there.
func (t target) protocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(!t.h2c)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(t.h2c)
	return &p
}

// keptIdle is for how long a connection to the app is kept that nothing goes through. It is less
// than for what servers keep theirs (gunicorn 2 s, Node and uvicorn 5 s): one that they are just
// closing loses a POST, which cannot be sent again.
const keptIdle = 1500 * time.Millisecond

// transport speaks to the app. It decompresses nothing: what the app sends goes on as
// it is.
func (t target) transport(timeout time.Duration) *http.Transport {
	return &http.Transport{Protocols: t.protocols(), DialContext: t.dial, MaxIdleConnsPerHost: 256, IdleConnTimeout: keptIdle, ResponseHeaderTimeout: timeout, DisableCompression: true,
		TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 256 << 10}
}
