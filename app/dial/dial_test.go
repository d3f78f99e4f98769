package dial

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestAddressesThatArePublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "104.17.1.1": true, "2001:4860:4860::8888": true, "2606:4700::1": true, "::ffff:8.8.8.8": true, "100.63.255.255": true, "172.32.0.1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false,
		"203.0.113.1": false, "224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false, "192.88.99.1": false, "168.63.129.16": false,
		"::": false, "::1": false, "::7f00:1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0:7f00:1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2002:7f00:1::": false,
		"2001:0:4136:e378::1": false, "2001:db8::1": false, "3fff::1": false, "100::1": false, "5f00::1": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v", text, got)
		}
	}
}

func TestWhatIsAllowedBeside(t *testing.T) {
	t.Parallel()
	a, err := Allow("127.0.0.1:3000", "App.internal:8080", "10.1.0.0/16", "[::1]:3000", "0.0.0.0/0", "::/0")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"127.0.0.1:3000": true, "[::ffff:127.0.0.1]:3000": true, "[::1]:3000": true, "10.1.2.3:5": true, "8.8.8.8:443": true,
		"169.254.169.254:80": false, "[fd00:ec2::254]:80": false, "[fe80::1]:80": false, "0.0.0.0:3000": false, "[::]:3000": false, "100.100.100.200:80": false,
		"localhost:3000": false, "x": false,
	} {
		if err := a.judge(address, false); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	few, _ := Allow("127.0.0.1:3000", "App.internal:8080")
	for _, c := range []struct {
		host, port string
		named      bool
	}{{"app.internal", "8080", true}, {"APP.internal.", "8080", true}, {"app.internal", "80", false}, {"127.0.0.1", "3000", true}, {"::ffff:127.0.0.1", "3000", true}, {"127.0.0.1", "3001", false}} {
		if few.Named(c.host, c.port) != c.named {
			t.Errorf("%+v", c)
		}
	}
	if few.judge("127.0.0.1:3001", false) == nil || few.judge("10.1.2.3:8080", false) == nil || few.judge("10.1.2.3:8080", true) != nil || few.judge("169.254.169.254:8080", true) == nil {
		t.Error("an allowed place opens more than itself")
	}
	if few.Judge("10.0.0.1", "80") == nil || few.Judge("[::1]", "80") == nil || few.Judge("127.0.0.1", "3000") != nil || few.Judge("example.com", "80") != nil {
		t.Error("written addresses")
	}
	for _, bad := range []string{"", "localhost", ":80", "x:0", "x:99999", "x:y", "10.0.0.0/33", "http://x:1"} {
		if _, err := Allow(bad); err == nil {
			t.Errorf("%q is allowed", bad)
		}
	}
}

// FuzzJudge: whatever an address looks like, what is let through is of the public network.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{"8.8.8.8:443", "[::1]:80", "[::ffff:10.0.0.1]:1", "[fe80::1%25eth0]:1", "localhost:80", "0x7f.1:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if (Allowed{}).judge(address, false) != nil {
			return
		}
		ip := netip.MustParseAddrPort(address).Addr().Unmap()
		if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
			t.Errorf("%s is let through", address)
		}
	})
}

// names is a resolver that answers every question with the next of its addresses, as
// one of an attacker does.
func names(t *testing.T, answers ...string) (*net.Resolver, *atomic.Int64) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var asked atomic.Int64
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				i := int(asked.Add(1)-1) % len(answers)
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
					Body: &dnsmessage.AResource{A: netip.MustParseAddr(answers[i]).As4()}}}
			}
			if reply, err := m.Pack(); err == nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, &asked
}

func TestNamesThatLeadInward(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	resolver, asked := names(t, "127.0.0.1")
	client := http.Client{Transport: Dialer{Resolver: resolver}.Transport()}
	_, err := client.Get("http://hooks.attacker.example:" + port + "/")
	if !errors.Is(err, ErrInside) || reached.Load() != 0 || asked.Load() == 0 {
		t.Errorf("%v after %d questions", err, asked.Load())
	}
	// The same name, configured by whoever runs this.
	allowed, err := Allow("hooks.attacker.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	client = http.Client{Transport: Dialer{Resolver: resolver, Allowed: allowed}.Transport()}
	if _, err = client.Get("http://hooks.attacker.example:" + port + "/"); err != nil || reached.Load() != 1 {
		t.Errorf("%v, reached %d times", err, reached.Load())
	}
	client = http.Client{Transport: Dialer{Loopback: true}.Transport()}
	if _, err = client.Get(server.URL); err != nil {
		t.Error(err)
	}
	if _, err := (Dialer{Loopback: true}).DialContext(t.Context(), "tcp", "8.8.8.8:443"); err == nil || !strings.Contains(err.Error(), "of this machine") {
		t.Errorf("outside: %v", err)
	}
	if _, err := (Dialer{}).DialContext(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port is dialled")
	}
}
