package web_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// with is an app with routes of its own.
func with(routes ...web.Route) apptest.Option {
	return func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension { return app.Extension{Routes: routes} }
	}
}

// lines is a log that is kept.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// An answer that breaks off is in the log like any other.
func TestAnAnswerThatBreaksOffIsLogged(t *testing.T) {
	t.Parallel()
	var log lines
	half := web.Route{Method: "GET", Pattern: "/-/test/half", Access: web.Public, Handler: func(w http.ResponseWriter, _ *http.Request) error {
		io.WriteString(w, strings.Repeat("half ", 1000))
		panic(http.ErrAbortHandler)
	}}
	a := apptest.New(t, with(half), func(_ *config.Config, o *app.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	res, err := http.Get(a.URL + "/-/test/half")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
	if said := log.String(); !strings.Contains(said, "/-/test/half") || strings.Contains(said, "panic") {
		t.Errorf("the log has: %s", said)
	}
}

// A request that its client gave up, or one whose own work was given up, is no success and
// no fault.
func TestARequestThatWasGivenUp(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, with(web.Route{Method: "GET", Pattern: "/-/test/given-up", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error {
		return context.Canceled
	}}))
	if p := a.Browser().Get("/-/test/given-up").Want(499); p.Body != "" {
		t.Errorf("it says %q", p.Body)
	}
	if said := a.Logs(); said != "" {
		t.Errorf("the log has: %s", said)
	}
}

// Of a route that other sites' pages may post to, no such page can make use of the cookie
// that the browser sends along.
func TestAnywhereKnowsNobodyByACookieFromElsewhere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, with(web.Route{Method: "POST", Pattern: "/-/test/anywhere", Access: web.Public, Anywhere: true, Exempt: "a test", Handler: func(w http.ResponseWriter, r *http.Request) error {
		return web.JSON(w, http.StatusOK, web.IdentityOf(r.Context()).Actor())
	}}))
	ada := a.SignUp("ada@example.com")
	actor := "user:" + a.UserID("ada@example.com")
	ada.Post("/-/test/anywhere").Want(200, actor)
	ada.Header.Set("Sec-Fetch-Site", "cross-site")
	ada.Post("/-/test/anywhere").Want(200).Without(actor)
	ada.Post("/-/account/profile", "name", "Eve").Want(403)
}
