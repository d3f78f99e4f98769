// Package apptest runs the whole app on a database in a temporary folder, for
// tests that use it over HTTP as its users do: a clock that only the test moves,
// browsers with cookies, the inbox, the jobs, the audit log. A scenario says
// everything that should happen, and fails when anything else did.
package apptest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Loopback are the proxies of tests that stand behind one.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// Epoch is when every test begins.
var Epoch = time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC)

// Clock is the app's time.
type Clock struct{ ns atomic.Int64 }

// Now is the time.
func (c *Clock) Now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

// Advance moves the time forward.
func (c *Clock) Advance(d time.Duration) { c.ns.Add(int64(d)) }

// App is a whole app under test.
type App struct {
	*app.App
	T     testing.TB
	Clock *Clock
	URL   string

	logs   *logBuffer
	server *httptest.Server
	mark   snapshot
	ran    []queue.Ran

	routing sync.Once // makes these two, when the first request is made
	mux     *http.ServeMux
	routes  map[string]web.Route
}

// Option changes the configuration or the options of the app.
type Option func(*config.Config, *app.Options)

// New starts an app that lives until the test ends.
func New(t testing.TB, opts ...Option) *App {
	t.Helper()
	a := &App{T: t, Clock: &Clock{}, logs: &logBuffer{}}
	a.Clock.ns.Store(Epoch.UnixNano())
	server := httptest.NewUnstartedServer(nil)
	a.URL = "http://" + server.Listener.Addr().String()
	cfg := config.Config{Addr: "127.0.0.1:0", URL: a.URL, Data: filepath.Join(t.TempDir(), "data"), Replica: "off",
		Brand: "Acme", LogLevel: "info", RateLimits: "on", Grace: 5 * time.Second, RefreshGrace: 30, SMSDaily: 500, MailFrom: "Acme <hello@acme.example>"}
	o := app.Options{Version: "test", Clock: a.Clock.Now, Hasher: auth.NewCheapHasher(),
		Log: slog.New(slog.NewTextHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, opt := range opts {
		opt(&cfg, &o)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if a.App, err = app.New(t.Context(), cfg, o); err != nil {
		t.Fatal(err)
	}
	if a.Simulator != nil {
		a.Simulator.Life = stripesim.Life{Due: a.Billing.Due, Settled: func(ctx context.Context) error {
			err := a.Billing.Sweep(ctx)
			a.RunJobs()
			return err
		}}
	}
	server.Config.Handler, server.Config.ConnContext = a.Web, web.WithConn
	server.Start()
	a.server = server
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error("close:", err)
		}
		if t.Failed() {
			t.Log("the app's log:\n" + a.Logs())
		}
	})
	a.mark = a.snapshot()
	return a
}

// WithoutLimits lifts the rate limits.
func WithoutLimits(c *config.Config, _ *app.Options) { c.RateLimits = "off" }

// RunJobs runs everything that is due, and what that enqueues.
func (a *App) RunJobs() []queue.Ran {
	a.T.Helper()
	ran, err := a.Queue.Drain(a.T.Context())
	a.Must(err)
	a.ran = append(a.ran, ran...)
	return ran
}

// Must fails the test on an error.
func (a *App) Must(err error) {
	a.T.Helper()
	if err != nil {
		a.T.Fatal(err)
	}
}

// Logs is what the app has logged so far, warnings and worse.
func (a *App) Logs() string { return a.logs.String() }

// Count counts the rows of a table.
func (a *App) Count(table string) int {
	a.T.Helper()
	return a.snapshot().rows[table]
}

// Query reads one text value from the database.
func (a *App) Query(query string, args ...any) (value string) {
	a.T.Helper()
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) error { return tx.QueryRow(query, args...).Scan(&value) }))
	return value
}

// logBuffer collects log lines from many goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Replicate begins to replicate as the configuration says, until the test ends.
func (a *App) Replicate() {
	a.T.Helper()
	a.Must(a.StartReplica(a.T.Context()))
}
