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
}

// parseTarget reads http://host:port, https://host or unix:/path.
func parseTarget(text string) (target, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return target{}, errors.New("a socket is written unix:/path")
		}
		return target{url: &url.URL{Scheme: "http", Host: "app"}, network: "unix", address: path}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return target{}, errors.New("it must look like http://127.0.0.1:3000 or unix:/run/app.sock, without a path")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return target{url: &url.URL{Scheme: u.Scheme, Host: u.Host}, network: "tcp", address: net.JoinHostPort(u.Hostname(), port)}, nil
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

// transport speaks to the app. It decompresses nothing: what the app sends goes on as
// it is.
func (t target) transport(timeout time.Duration) *http.Transport {
	return &http.Transport{DialContext: t.dial, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, ResponseHeaderTimeout: timeout, DisableCompression: true,
		TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second, MaxResponseHeaderBytes: 256 << 10, ForceAttemptHTTP2: true}
}
