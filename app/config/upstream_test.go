package config

import (
	"net/url"
	"testing"
)

// An upstream that is Seaworthy itself would send each request round in a circle, by whatever
// name it is called.
func TestUpstreamIsNotOneself(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "http", Host: "app.example.com"}
	for _, c := range []struct {
		addr, upstream string
		itself         bool
	}{
		{"127.0.0.1:8080", "http://127.0.0.1:8080", true},
		{"127.0.0.1:8080", "http://localhost:8080", true},
		{"127.0.0.1:8080", "http://LOCALHOST:8080/", true},
		{"127.0.0.1:8080", "http://[::1]:8080", true},
		{"127.0.0.1:8080", "http://127.0.0.1:3000", false},
		{"127.0.0.1:8080", "http://10.0.0.2:8080", false},
		{":8080", "http://127.0.0.1:8080", true},
		{"0.0.0.0:8080", "http://localhost:8080", true},
		{"10.0.0.1:8080", "http://127.0.0.1:8080", false},
		{"10.0.0.1:8080", "http://10.0.0.1:8080", true},
		{"127.0.0.1:8080", "http://app.example.com", true},
		{"127.0.0.1:8080", "unix:/run/app.sock", false},
	} {
		cfg := Config{Addr: c.addr}
		if why := cfg.UpstreamFault(c.upstream, public); (why != "") != c.itself {
			t.Errorf("%s behind %s: %q", c.upstream, c.addr, why)
		}
	}
}
