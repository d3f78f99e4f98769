package app

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"seaworthy/app/console"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// routes are the app's own: health, metrics and the built-in home.
func (a *App) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/healthz", Access: web.Public, Handler: alive, Doc: web.Doc{Summary: "Whether the process lives"}},
		{Method: "GET", Pattern: "/-/readyz", Access: web.Public, Handler: a.ready, Doc: web.Doc{Summary: "Whether it can do its work", Out: readiness{}}},
		{Method: "GET", Pattern: "/-/metrics", Access: web.Public, Handler: a.metricsPage},
		{Method: "GET", Pattern: "/-/api/openapi.json", Access: web.Public, Handler: a.openAPI, Doc: web.Doc{Summary: "This description"}},
		{Method: "GET", Pattern: "/{$}", Access: web.Public, Handler: a.home},
	}
}

func (a *App) home(w http.ResponseWriter, r *http.Request) error {
	return a.Pages.Render(w, r, "home", web.View{Title: a.Config.Brand})
}

func (a *App) openAPI(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, web.OpenAPI(a.Config.Brand, a.Config.URL, a.o.Version, a.Web.Routes()))
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

// Health reads what can be well or not. Danger means the work cannot be done.
func (a *App) Health() []console.Health {
	return append([]console.Health{a.databaseHealth(), a.replicaHealth(), a.queueHealth(), a.auditHealth(), a.telemetryHealth()}, slices.Concat(a.outboxHealth(), a.billingHealth(), a.backupHealth(), a.heartbeatHealth())...)
}

func (a *App) databaseHealth() console.Health {
	h := console.Health{Name: "Database", Kind: "ok", Word: "Writable"}
	stats := a.DB.Stats()
	switch err := a.probe.check(a.DB, stats.LastFailure != nil); {
	case a.DB.FailErr() != nil:
		h.Kind, h.Word, h.Detail = "danger", "Failed", "the file must not be written any more; the process restarts"
	case err != nil:
		h.Kind, h.Word, h.Detail = "danger", "Not writable", web.AsError(err).Public
	case stats.LockWait > 2*time.Second:
		h.Kind, h.Word, h.Detail = "danger", "Locked", fmt.Sprintf("another process has held the write lock for %.0f s", stats.LockWait.Seconds())
	case stats.HeldFor > time.Second:
		h.Kind, h.Word, h.Detail = "warn", "Held", fmt.Sprintf("%s has held the writer for %.0f s", stats.Holder, stats.HeldFor.Seconds())
	default:
		h.Detail = fmt.Sprintf("%.1f MB of log, %d writes in %d commits since the start", float64(stats.WALBytes)/1e6, stats.Writes, stats.Groups)
	}
	return h
}

func (a *App) replicaHealth() console.Health {
	if a.replica == nil {
		return console.Health{Name: "Replica", Kind: "warn", Word: "Off", Detail: "nothing is replicated"}
	}
	s := a.replica.Status()
	h := console.Health{Name: "Replica", Kind: "ok", Word: "In step", Detail: fmt.Sprintf("%s, epoch %s", s.Location, s.Epoch)}
	switch {
	case s.Stale:
		h.Kind, h.Word = "danger", "Behind"
		h.Detail = fmt.Sprintf("the newest %.0f s of commits are only on this machine", s.LagSeconds)
	case s.LagSeconds > 10:
		h.Kind, h.Word = "warn", "Catching up"
	}
	return h
}

// queueHealth tells a queue that is behind, which more of us would not help, from
// one in which nothing starts any more.
func (a *App) queueHealth() console.Health {
	h := console.Health{Name: "Jobs", Kind: "ok", Word: "Flowing", Detail: fmt.Sprintf("%d running", a.Queue.Running())}
	lines, err := store.Read(context.Background(), a.DB, func(tx *store.Tx) ([]queue.Line, error) { return queue.Lines(tx, 1) })
	age, halted := queue.Oldest(lines), a.Queue.Halted(lines, 5*time.Minute)
	switch {
	case err != nil:
		h.Kind, h.Word, h.Detail = "danger", "Unreadable", "the queue cannot be read"
	case len(halted) > 0:
		h.Kind, h.Word = "danger", "Stuck"
		h.Detail = fmt.Sprintf("no job of %s has started for five minutes, and the oldest has waited %s", halted[0], age.Round(time.Second))
	case a.Queue.Stuck() > 0:
		h.Kind, h.Word, h.Detail = "warn", "Hindered", fmt.Sprintf("%d jobs ignore the end of their time and keep a worker each", a.Queue.Stuck())
	case age > 30*time.Second:
		h.Kind, h.Word, h.Detail = "warn", "Behind", fmt.Sprintf("the oldest ready job has waited %s", age.Round(time.Second))
	}
	return h
}

// auditHealth never says that the work cannot be done: events are recorded even
// when they cannot be signed.
func (a *App) auditHealth() console.Health {
	h := console.Health{Name: "Audit", Kind: "ok", Word: "Signed"}
	st, err := a.Audit.State(context.Background())
	switch {
	case err != nil:
		h.Kind, h.Word, h.Detail = "warn", "Unreadable", "the state of the log cannot be read"
	case st.Broken != "":
		h.Kind, h.Word, h.Detail = "warn", "Broken", st.Broken
	case st.Verified.Problem != "":
		h.Kind, h.Word, h.Detail = "warn", "Not verified", st.Verified.Problem
	case st.Failing != "" && a.DB.Now().Sub(st.Since) > time.Minute:
		h.Kind, h.Word, h.Detail = "warn", "Not signed", fmt.Sprintf("%d events wait for a signature", st.Unsigned())
	case st.SignedSize == 0:
		h.Kind, h.Word, h.Detail = "quiet", "Not signed yet", "the first checkpoint follows within seconds of the first event"
	default:
		h.Detail = fmt.Sprintf("%d of %d events under a signed checkpoint", st.SignedSize, st.Size)
	}
	return h
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

// metricsPage answers this machine, or whoever has the token.
func (a *App) metricsPage(w http.ResponseWriter, r *http.Request) error {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := a.Config.MetricsToken
	byToken := want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
	direct := r.Header.Get("X-Forwarded-For") == "" && web.OriginOf(r.Context()).Addr.IsLoopback()
	if !byToken && (want != "" || !direct) {
		return web.ErrNotFound
	}
	a.metrics.handler.ServeHTTP(w, r)
	return nil
}

// telemetryHealth never says danger: without telemetry the business goes on.
func (a *App) telemetryHealth() console.Health {
	st := a.Observe.Status()
	h := console.Health{Name: "Telemetry", Kind: "ok", Word: "Kept", Detail: fmt.Sprintf("%.1f MB in %d segments", float64(st.Bytes)/1e6, st.Segments)}
	lost := int64(0)
	for _, n := range st.Dropped {
		lost += n
	}
	switch {
	case st.Problem != "":
		h.Kind, h.Word, h.Detail = "warn", "Not kept", st.Problem
	case lost > 0:
		h.Kind, h.Word = "warn", "Kept in part"
		h.Detail += fmt.Sprintf("; %d lines or bodies were not kept since the start", lost)
	}
	return h
}
