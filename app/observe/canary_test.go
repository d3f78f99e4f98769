package observe_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/app/web"
)

// everywhere collects what leaves over HTTP, by the first part of its path.
type everywhere struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]string
	hit chan string
}

func newEverywhere(t *testing.T) *everywhere {
	e := &everywhere{got: map[string]string{}, hit: make(chan string, 1000)}
	e.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		e.mu.Lock()
		e.got[name] += fmt.Sprintf("%v\n%s\n", r.Header, body)
		e.mu.Unlock()
		e.hit <- name
	}))
	t.Cleanup(e.Close)
	return e
}

// wait waits until something came at each of the names.
func (e *everywhere) wait(t *testing.T, names ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, n := range names {
		missing[n] = true
	}
	late := time.After(20 * time.Second)
	for len(missing) > 0 {
		select {
		case n := <-e.hit:
			delete(missing, n)
		case <-late:
			t.Fatalf("nothing came at %v", missing)
		}
	}
}

// Fault 15, whole: what is secret by its name or its looks leaves by no way there is: files, stderr, mail,
// OTLP, our own reports, forwarded reports, webhooks and chat.
func TestFault15CanariesLeaveByNoStream(t *testing.T) {
	t.Parallel()
	canaries := []string{"sk_live_canary0000000001", "whsec_canary0000000000000002", "eyJjYW5hcnkiOiIzIn0x.eyJjYW5hcnkiOiIzIn0.c2lnY2FuYXJ5", "canary-password-4", "canary-bearer-0005", "4111 1111 1111 1111", "canary-"}
	say := fmt.Sprintf("key %s hook %s jwt %s dial postgres://u:%s@db/x header Bearer %s card %s UPDATE u SET password='%s'",
		canaries[0], canaries[1], canaries[2], canaries[3], canaries[4], canaries[5], canaries[3])
	out := newEverywhere(t)
	room := int64(50)
	a := apptest.New(t, apptest.WithoutLimits, roomy(&room), func(c *config.Config, o *app.Options) {
		c.SentryDSN = strings.Replace(out.URL, "://", "://theirs@", 1) + "/reports/1"
		c.OTLPEndpoint = out.URL + "/otlp"
		o.Extend = func(a *app.App) app.Extension {
			return app.Extension{Routes: []web.Route{
				{Method: "GET", Pattern: "/-/test/returned", Access: web.Public, Handler: func(_ http.ResponseWriter, r *http.Request) error {
					a.Logger().WarnContext(r.Context(), say, "token", canaries[3], "err", errors.New(say))
					return errors.New("it failed: " + say)
				}},
				{Method: "GET", Pattern: "/-/test/panicked", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error { panic("it broke: " + say) }},
			}}
		}
	})
	operator := a.Operator(grace)
	a.RunJobs()
	operator.Post("/-/verify", "token", apptest.Token(a.Link(grace, "/-/verify")), "act", "confirm").Want(200)
	a.RunJobs()
	key := a.Key("alerts:*")
	channel(a, key, "webhook", out.URL+"/webhook", "all")
	channel(a, key, "slack", out.URL+"/chat", "all")
	p, err := a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "web"})
	a.Must(err)
	dsn := strings.Replace(out.URL, "://", "://theirs@", 1) + "/forwarded/7"
	_, err = a.Observe.ChangeProject(t.Context(), p.ID, observe.ProjectChange{ForwardDSN: &dsn})
	a.Must(err)
	running(t, a)

	a.Browser().Get("/-/test/returned?token=" + canaries[3]).Want(500)
	a.Browser().Get("/-/test/panicked").Want(500)
	s := sender{a: a, p: p, key: p.Keys[0].Public}
	s.want(200, envelope(event(oneLine(boom)))+"\n"+secretive)
	later(a, 2*time.Minute)
	out.wait(t, "reports", "forwarded", "otlp", "webhook", "chat")

	a.Must(a.Observe.Close())
	streams := map[string]string{"files": files(t, a), "stderr": a.Logs()}
	for _, m := range a.Mails(grace) {
		streams["mail"] += m.Subject + m.Text + m.HTML
	}
	out.mu.Lock()
	for name, text := range out.got {
		streams[name] = text
	}
	out.mu.Unlock()
	for stream, sign := range map[string]string{"files": "it failed: key", "stderr": "it broke: key", "mail": "it failed: key", "reports": "it failed: key", "forwarded": "PayError", "otlp": "/-/test/returned", "webhook": "it failed: key", "chat": "it failed: key"} {
		if !strings.Contains(streams[stream], sign) {
			t.Errorf("%s tells nothing: %.300q", stream, streams[stream])
		}
		for _, c := range canaries {
			if at := strings.Index(streams[stream], c); at >= 0 {
				t.Errorf("%s leaves by %s: …%q…", c, stream, streams[stream][max(0, at-60):min(len(streams[stream]), at+40)])
			}
		}
	}
}
