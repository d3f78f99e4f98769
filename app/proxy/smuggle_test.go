package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// raw sends bytes as they are and returns all that came back until the server closes, or
// until it is quiet.
func raw(t *testing.T, url, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(conn, text)
	var out strings.Builder
	in := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return out.String()
		}
		fmt.Fprintf(&out, "%d ", res.StatusCode)
		res.Body.Close()
		if res.Close {
			return out.String()
		}
	}
}

// Whatever two servers could read in two ways is refused, or reaches the app as one request
// that says nothing it should not.
func TestHeaderSmuggling(t *testing.T) {
	t.Parallel()
	const end = "Connection: close\r\n\r\n"
	b := newBehind(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for name, values := range r.Trailer {
			t.Errorf("trailer %s: %v", name, values)
		}
	})
	a := before(t, b)
	setRules(a, rule{"path": "/admin/**"})
	front := httptest.NewUnstartedServer(a.Web)
	front.Config.MaxHeaderBytes = 64 << 10 // as Run sets it
	front.Start()
	defer front.Close()
	for name, c := range map[string]struct {
		head string // after the request line and Host
		want string // statuses
	}{
		"length and chunks: the hidden request is the body": {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n", "200 "},
		"two lengths that differ":                           {"Content-Length: 1\r\nContent-Length: 2\r\n" + end + "ab", "400 "},
		"two lengths in one line that differ":               {"Content-Length: 1, 2\r\n" + end + "ab", "400 "},
		"a length below zero":                               {"Content-Length: -1\r\n" + end, "400 "},
		"a length with a sign":                              {"Content-Length: +1\r\n" + end + "a", "400 "},
		"an unknown coding":                                 {"Transfer-Encoding: xchunked\r\n" + end, "501 "},
		"chunked twice":                                     {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + end, "501 "},
		"a coding hidden by a vertical tab":                 {"Transfer-Encoding: \vchunked\r\n" + end, "400 "},
		"a blank before the colon":                          {"X-Seaworthy-User : usr_evil\r\n" + end, "400 "},
		"a folded line":                                     {"X-A: b\r\n X-Seaworthy-User: usr_evil\r\n" + end, "200 "},
		"a NUL in a value":                                  {"X-A: b\x00c\r\n" + end, "400 "},
		"a bare carriage return in a value":                 {"X-A: b\rX-Seaworthy-User: usr_evil\r\n" + end, "400 "},
		"two hosts":                                         {"Host: evil\r\n" + end, "400 "},
		"identity in a trailer":                             {"Transfer-Encoding: chunked\r\nTrailer: X-Seaworthy-User\r\n" + end + "1\r\na\r\n0\r\nX-Seaworthy-User: usr_evil\r\n\r\n", "200 "},
		"where it comes from in a trailer":                  {"Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-For\r\n" + end + "1\r\na\r\n0\r\nX-Forwarded-For: usr_evil\r\n\r\n", "200 "},
		"an unannounced trailer":                            {"Transfer-Encoding: chunked\r\n" + end + "1\r\na\r\n0\r\nX-Seaworthy-User: usr_evil\r\n\r\n", "200 "},
		"a switch to HTTP/2 in the clear":                   {"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n", "200 "},
		"a switch to another protocol":                      {"Upgrade: evil\r\nConnection: Upgrade, close\r\n\r\n", "200 "},
		"Connection names our headers":                      {"Connection: X-Seaworthy-Request-Id, X-Seaworthy-User, X-Forwarded-For, close\r\n\r\n", "200 "},
		"a chunk with a size in another base":               {"Transfer-Encoding: chunked\r\n" + end + "0x1\r\na\r\n0\r\n\r\n", "400 "},
		"a name that CGI folds into ours":                   {"X_Seaworthy_User: usr_evil\r\nX-Seaworthy_Org: usr_evil\r\n" + end, "200 "},
		"underscores in forwarded names, which CGI folds":   {"X_Forwarded_For: usr_evil\r\nX_Forwarded_Proto: usr_evil\r\n" + end, "200 "},
		"a very long head":                                  {"X-A: " + strings.Repeat("a", 80<<10) + "\r\n" + end, "431 "},
		"a method override":                                 {"X-HTTP-Method-Override: usr_evil\r\nX-Method-Override: usr_evil\r\nX-HTTP-Method: usr_evil\r\n" + end, "200 "},
		"addresses as other proxies tell of them":           {"Client-IP: usr_evil\r\nTrue-Client-IP: usr_evil\r\nX-Client-IP: usr_evil\r\nCF_Connecting_IP: usr_evil\r\nX-Forwarded: usr_evil\r\nX-Forwarded-User: usr_evil\r\n" + end, "200 "},
		"the proxy of CGI programs":                         {"Proxy: usr_evil\r\n" + end, "200 "},
		"a path in a header":                                {"X-Original-URL: usr_evil\r\nX-Rewrite-URL: usr_evil\r\n" + end, "200 "},
	} {
		t.Run(name, func(t *testing.T) {
			before, query := b.asked(), "case="+url.QueryEscape(name)
			if got := raw(t, front.URL, "POST /open?"+query+" HTTP/1.1\r\nHost: x\r\n"+c.head); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
			got := b.since(before)
			// A fault within the body is seen only once it is on its way: that request may come
			// to the app when the next case has begun.
			asked := 0
			for _, r := range got {
				if r.URL.RawQuery == query || !strings.HasPrefix(r.URL.RawQuery, "case=a+chunk") {
					asked++
				}
			}
			if passed := c.want == "200 "; passed != (asked == 1) && !strings.HasPrefix(name, "a chunk") {
				t.Fatalf("the app was asked %d times", asked)
			}
			for _, r := range got {
				if r.URL.Path != "/open" || r.Header.Get("X-Forwarded-For") == "" || r.Header.Get("Upgrade") != "" || r.Header.Get("Http2-Settings") != "" {
					t.Errorf("%s %v", r.URL, r.Header)
				}
				for name, values := range r.Header {
					if name != "X-A" && strings.Contains(strings.Join(values, " "), "evil") {
						t.Errorf("%s: %v reached the app", name, values)
					}
				}
			}
		})
	}
}
