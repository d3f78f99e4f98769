package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// HTTP/2 from the client, and HTTP/2 in the clear to the app: both sides talk at once, and
// what the app says at the end arrives, as gRPC needs it.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	behind := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("X-Seaworthy-Request-Id") == "" {
			t.Errorf("the app is asked in %s with %v", r.Proto, r.Header)
		}
		w.Header().Set("Trailer", "Grpc-Status")
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "echo %s\n", lines.Text())
			http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Status", "0")
	}))
	behind.Config.Protocols = new(http.Protocols)
	behind.Config.Protocols.SetUnencryptedHTTP2(true)
	behind.Start()
	t.Cleanup(behind.Close)
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream = "h2c" + strings.TrimPrefix(behind.URL, "http") })
	front := httptest.NewUnstartedServer(a.Web)
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	in, out := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", front.URL+"/chat", in)
	a.Must(err)
	go fmt.Fprintln(out, "one")
	res, err := front.Client().Do(req)
	a.Must(err)
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != 200 {
		t.Fatalf("%s %d", res.Proto, res.StatusCode)
	}
	lines := bufio.NewReader(res.Body)
	for _, word := range []string{"one", "two", "three"} {
		if word != "one" {
			fmt.Fprintln(out, word)
		}
		if got, err := lines.ReadString('\n'); got != "echo "+word+"\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	out.Close()
	if _, err := io.Copy(io.Discard, lines); err != nil || res.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("%v, %v", err, res.Trailer)
	}
}

// An app with a certificate is spoken to in HTTP/2 if it can; what is wrong with the
// certificate is no answer of the app's.
func TestAppWithACertificate(t *testing.T) {
	t.Parallel()
	behind := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked all the same") }))
	behind.Config.ErrorLog = log.New(io.Discard, "", 0)
	behind.StartTLS()
	t.Cleanup(behind.Close)
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream = behind.URL })
	a.Browser().Do("GET", "/", "", "").Want(502, "cannot be passed on")
}

// An app that does not begin to answer in time is told apart from one that is down.
func TestAppIsSlow(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	b := newBehind(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	})
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream, c.UpstreamTime = b.URL, 100*time.Millisecond })
	a.Key("jobs:*").Get("/").WantProblem(504, "app_slow")
	<-gone // the app is told that nobody waits
	if a.Proxy.State().Down {
		t.Error("one slow answer counts as down")
	}
}

// The app says itself whether it is well, at the path that is configured.
func TestAppSaysHowItIs(t *testing.T) {
	t.Parallel()
	well := make(chan int, 1)
	well <- 503
	b := newBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			status := <-well
			well <- 200
			w.WriteHeader(status)
		}
	})
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Upstream, c.UpstreamHealth = b.URL, "/healthz" })
	a.Must(a.Proxy.Probe(t.Context()))
	if s := a.Proxy.State(); !s.Down || !strings.Contains(s.Err, "503") {
		t.Errorf("%+v", s)
	}
	a.Operator("grace@example.com").Get("/-/admin/access").Want(200, "does not answer: the app's health is 503")
	a.Must(a.Proxy.Probe(t.Context()))
	if a.Proxy.State().Down {
		t.Error("it is well again, and that is not seen")
	}
}
