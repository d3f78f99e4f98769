package dial

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Dialer connects to the public network, to what is allowed beside it, or, where
// that is said, to this machine alone.
type Dialer struct {
	Allowed  Allowed
	Loopback bool          // this machine, and nothing else
	Timeout  time.Duration // to connect; 5 seconds if 0
	Resolver *net.Resolver // the system's if nil
}

// DialContext is for http.Transport.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	named := d.Allowed.Named(host, port)
	timeout := d.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	dialer := net.Dialer{Timeout: timeout, Resolver: d.Resolver, Control: func(_, resolved string, _ syscall.RawConn) error {
		if d.Loopback {
			return loopback(resolved)
		}
		return d.Allowed.judge(resolved, named)
	}}
	return dialer.DialContext(ctx, network, address)
}

func loopback(address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err == nil && ap.Addr().Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s is not an address of this machine", address)
}

// Transport is an HTTP transport over the dialer. It asks no proxy, which would
// resolve names on its own, and bounds what answers may have in front of their body.
func (d Dialer) Transport() *http.Transport {
	return &http.Transport{DialContext: d.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4, ForceAttemptHTTP2: true}
}
