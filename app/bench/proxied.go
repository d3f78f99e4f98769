package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/app/flags"
	"seaworthy/app/proxy"
)

// proxied are signed-in requests to an app behind, held to fifty rules of which the last
// is about them and asks for a role and a flag; beside them the app alone.
func proxied(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	behind, close, err := upstream()
	if err != nil {
		return nil, err
	}
	defer close()
	s, err := serve(ctx, folder, func(c *config.Config, _ *app.Options) { c.Upstream = behind })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.guard(ctx); err != nil {
		return nil, err
	}
	cookies, err := s.signUp("ada@example.com")
	if err != nil {
		return nil, err
	}
	ask := func(url string) func(context.Context, int) error {
		return func(context.Context, int) error { return s.get(url+"/dash/x", as(cookies)) }
	}
	var one [2]latencies
	for i, c := range []struct{ name, url string }{{"the app alone", behind}, {"through the proxy", s.url}} {
		if one[i], err = load(ctx, 1, o.For, ask(c.url)); err != nil {
			return results, err
		}
		l, err := load(ctx, o.Clients, o.For, ask(c.url))
		if err != nil {
			return results, err
		}
		if c.url == behind {
			results = append(results, l.result("proxy: "+c.name))
			continue
		}
		results = append(results, atLeast("proxy: "+c.name, l, headline).within(quick))
	}
	adds := one[1].percentile(50) - one[0].percentile(50)
	return append(results, Result{Name: "proxy: what it adds for one client, p50", Value: fmt.Sprintf("%.2f ms", adds), Bar: "<= 0.3 ms", Missed: adds > 0.3}), nil
}

// guard has the rules and the flag that the requests are held to.
func (s *server) guard(ctx context.Context) error {
	rules := []proxy.Rule{}
	for i := range 49 {
		rules = append(rules, proxy.Rule{Path: fmt.Sprintf("/area%d/**", i)})
	}
	rules = append(rules, proxy.Rule{Path: "/dash/**", Roles: []string{"owner"}, Flag: "dash"})
	if err := s.app.Proxy.Save(ctx, 0, rules, ""); err != nil {
		return fmt.Errorf("set the access rules: %w", err)
	}
	_, err := s.app.Flags.Save(ctx, "dash", flags.Save{Version: flags.NoVersion, Definition: `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}`})
	return err
}

// upstream is an app that says hello.
func upstream() (url string, close func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the app behind: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
	served := make(chan struct{})
	go func() { defer func() { served <- struct{}{} }(); server.Serve(l) }()
	return "http://" + l.Addr().String(), func() { server.Close(); <-served }, nil
}
