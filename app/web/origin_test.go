package web

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClientAddr(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody in front", "203.0.113.7:4000", nil, "203.0.113.7"},
		{"a stranger's header", "203.0.113.7:4000", []string{"198.51.100.1"}, "203.0.113.7"},
		{"a stranger who names a trusted one", "203.0.113.7:4000", []string{"198.51.100.1, 10.0.0.1"}, "203.0.113.7"},
		{"one hop", "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"two hops", "10.0.0.1:80", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"made up on the left", "10.0.0.1:80", []string{"1.1.1.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		{"made up on the left of two", "10.0.0.1:80", []string{"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"made up in a header of its own", "10.0.0.1:80", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"hops in headers of their own", "10.0.0.1:80", []string{"1.1.1.1", "198.51.100.1", "10.0.0.2,10.0.0.3"}, "198.51.100.1"},
		{"the client is on the trusted network", "10.0.0.1:80", []string{"10.0.0.2, 10.0.0.3"}, "10.0.0.2"},
		{"no header", "10.0.0.1:80", nil, "10.0.0.1"},
		{"an empty header", "10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"garbage", "10.0.0.1:80", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"garbage behind a trusted hop", "10.0.0.1:80", []string{"<script>, 10.0.0.2"}, "10.0.0.2"},
		{"garbage on the left", "10.0.0.1:80", []string{"unknown, 198.51.100.1"}, "198.51.100.1"},
		{"an empty hop", "10.0.0.1:80", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"spaces", "10.0.0.1:80", []string{"\t198.51.100.1 "}, "198.51.100.1"},
		{"IPv4 written as IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"IPv6", "[fd00::1]:80", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 zone", "[fd00::1%eth0]:80", []string{"2001:db8::7%eth0, fd00::2%x"}, "2001:db8::7"},
		{"ports", "10.0.0.1:80", []string{"198.51.100.1:4711, 10.0.0.2:80"}, "198.51.100.1"},
		{"IPv6 and port", "10.0.0.1:80", []string{"[2001:db8::7]:4711"}, "2001:db8::7"},
		{"no port", "203.0.113.7", nil, "203.0.113.7"},
		{"a socket", "@", []string{"198.51.100.1"}, "invalid IP"},
		{"nothing", "", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, v := range c.forwarded {
			r.Header.Add("X-Forwarded-For", v)
		}
		if got := clientAddr(r, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:80", "1.1.1.1, 198.51.100.1, 10.0.0.2")
	f.Add("[::ffff:10.0.0.1%x]:0", "::ffff:1.2.3.4%y,,[::1]:2")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		plain := clientAddr(r, trusted)
		r.Header["X-Forwarded-For"] = []string{forwarded}
		got := clientAddr(r, trusted)
		if got.Zone() != "" || got.Is4In6() || plain.IsValid() && !got.IsValid() {
			t.Errorf("%q, %q: %v", peer, forwarded, got)
		}
		if !isTrusted(plain, trusted) && got != plain {
			t.Errorf("%q is not trusted and yet %q is believed", peer, forwarded)
		}
		r.Header["X-Forwarded-For"] = []string{"192.0.2.66, " + forwarded + ", 198.51.100.1"}
		if got := clientAddr(r, trusted); isTrusted(plain, trusted) && got != netip.MustParseAddr("198.51.100.1") {
			t.Errorf("what stands left of the last hop counts: %v", got)
		}
	})
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 10, ""},
		{"Mozilla/5.0 (X11)", 100, "Mozilla/5.0 (X11)"},
		{"a\r\nb\tc\x00d\x7fe\u0085f\u009bg", 100, "abcdefg"},
		{"a\u202eb\u2066c\ufeffd\u2028e\u00adf", 100, "abcdef"},
		{"a\xffb\xc3", 100, "ab"},
		{"a\ufffdb", 100, "ab"},
		{"grün", 3, "gr"},
		{"grün", 4, "grü"},
		{"日本", 5, "日"},
		{"日本", 2, ""},
		{"abc", 0, ""},
		{"👩\u200d💻", 100, "👩\u200d💻"},
	} {
		got := CleanText(c.in, c.n)
		if got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q to %d bytes: %q, want %q", c.in, c.n, got, c.want)
		}
	}
	if got := CleanText(strings.Repeat("ü", 1<<20), 512); got != strings.Repeat("ü", 256) {
		t.Errorf("%d bytes of 512", len(got))
	}
}
