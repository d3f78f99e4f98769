package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/flags"
	"seaworthy/app/proxy"
)

// BenchmarkProxy is a signed-in request to an app behind, held to fifty rules of which
// the last is about it and asks for a role and a flag, told who asks and signed, with
// metrics and log, Litestream running; beside it the app alone. By many clients at
// once, which shows what it carries, and by one, which shows what it adds.
func BenchmarkProxy(b *testing.B) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer behind.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cfg := config.Config{Addr: addr, Data: filepath.Join(b.TempDir(), "data"), Brand: "Acme", LogLevel: "error", RateLimits: "off", Grace: 20 * time.Second, MailFrom: "Acme <hello@acme.example>", Upstream: behind.URL}
	if err := cfg.Validate(); err != nil {
		b.Fatal(err)
	}
	a, err := app.New(context.Background(), cfg, app.Options{Hasher: auth.NewCheapHasher(), Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- a.Run(ctx, func(app.Serving) { close(started) }) }()
	<-started
	defer func() { stop(); <-stopped }()
	rules := []proxy.Rule{}
	for i := range 49 {
		rules = append(rules, proxy.Rule{Path: fmt.Sprintf("/area%d/**", i)})
	}
	rules = append(rules, proxy.Rule{Path: "/dash/**", Roles: []string{"owner"}, Flag: "dash"})
	if err := a.Proxy.Save(ctx, 0, rules, ""); err != nil {
		b.Fatal(err)
	}
	if _, err := a.Flags.Save(ctx, "dash", flags.Save{Version: flags.NoVersion, Definition: `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}`}); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	cookies := signUp(b, cfg.URL, client)
	for _, c := range []struct{ name, url string }{{"alone", behind.URL}, {"through", cfg.URL}} {
		b.Run(c.name, func(b *testing.B) {
			benchmarkGet(b, c.url+"/dash/x", client, func(r *http.Request) {
				for _, cookie := range cookies {
					r.AddCookie(cookie)
				}
			})
		})
		b.Run(c.name+"-by-one", func(b *testing.B) {
			var l latencies
			for b.Loop() {
				r, _ := http.NewRequest("GET", c.url+"/dash/x", nil)
				for _, cookie := range cookies {
					r.AddCookie(cookie)
				}
				asked := time.Now()
				res, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				l.add(time.Since(asked))
			}
			l.report(b)
		})
	}
}
