package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// routes are the app's own: health, metrics and the built-in home.
func (a *App) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/healthz", Access: web.Public, Handler: alive, Doc: web.Doc{Summary: "Whether the process lives"}},
		{Method: "GET", Pattern: "/-/readyz", Access: web.Public, Handler: a.ready, Doc: web.Doc{Summary: "Whether it can do its work", Out: readiness{}}},
		{Method: "GET", Pattern: "/-/metrics", Access: web.Public, Handler: a.metricsPage},
		{Method: "GET", Pattern: "/-/api/openapi.json", Access: web.Public, Handler: a.openAPI.serve(a.Pages.Site, a.describe), Doc: web.Doc{Summary: "This description"}},
		{Method: "GET", Pattern: "/{$}", Access: web.Public, Handler: a.home},
	}
}

func (a *App) home(w http.ResponseWriter, r *http.Request) error {
	return a.Pages.Render(w, r, "home", web.View{Title: a.Pages.Site().Brand})
}

func alive(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// Alive is what the watchdog of a service manager asks: the process handles requests and
// its database can be read. A full disk or a replica out of reach is no reason to restart.
func (a *App) Alive(ctx context.Context) error {
	if a.draining.Load() {
		return nil // the drain has a limit of its own
	}
	return a.DB.Read(ctx, func(tx *store.Tx) error {
		var one int
		return tx.QueryRow("SELECT 1").Scan(&one)
	})
}

// readiness is the answer of /-/readyz: 200 when every check is well, else 503.
type readiness struct {
	Ready  bool              `json:"ready"`
	Checks map[string]string `json:"checks"`
}

func (a *App) ready(w http.ResponseWriter, r *http.Request) error {
	out := readiness{Ready: true, Checks: map[string]string{}}
	for _, h := range a.Health() {
		out.Checks[strings.ToLower(h.Name)] = strings.ToLower(h.Word)
		if h.Kind == "danger" {
			out.Ready = false
		}
	}
	// Before a successor nobody is to be sent elsewhere: those who connect are served by it.
	if a.draining.Load() && !a.successor {
		out.Ready, out.Checks["process"] = false, "stopping"
	}
	status := http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	return web.JSON(w, status, out)
}

// probe writes a row while the last write failed, at most once a second, so that
// readiness returns as soon as writing works again.
type probe struct {
	mu   sync.Mutex
	last time.Time
	err  error
}

func (p *probe) check(db *store.DB, failing bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !failing {
		p.err = nil
		return nil
	}
	if time.Since(p.last) > time.Second {
		p.last = time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		p.err = db.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, "probe", tx.Now().Format(time.RFC3339)) })
	}
	return p.err
}
