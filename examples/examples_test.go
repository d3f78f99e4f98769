// Package examples_test uses each example as its reader would: behind a whole
// Seaworthy, signed in, over HTTP.
package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// program is how an example is run.
type program struct {
	command []string
	outbox  bool // it keeps its orders in a file with the table seaworthy_outbox
}

func TestExampleNode(t *testing.T) {
	t.Parallel()
	node := tool(t, "node")
	p := program{command: []string{node, "node/app.mjs"}, outbox: exec.Command(node, "-e", `require("node:sqlite")`).Run() == nil}
	if !p.outbox {
		t.Log("SKIPPED: this node has no node:sqlite, which comes with 22.13, so its outbox was not tried: orders go in over the API")
	}
	walk(t, p)
}

func TestExamplePython(t *testing.T) {
	t.Parallel()
	// -S: no package that is installed here may be needed.
	walk(t, program{command: []string{tool(t, "python3"), "-S", "python/app.py"}, outbox: true})
}

func TestExampleGo(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "shop")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	walk(t, program{command: []string{binary}})
}

// tool finds a program that an example needs. Without it the test is skipped, aloud;
// where CI is set it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("CI must have %s: %v", name, err)
	}
	t.Skipf("SKIPPED: there is no %s, so its example was not tried", name)
	return ""
}

// shop is an example that runs behind a whole Seaworthy.
type shop struct {
	*apptest.App
	direct string // where the example listens: nobody but Seaworthy should ask there
	outbox bool
}

// open starts Seaworthy and, behind it, the example. In between stands a forwarder, so
// that the example's address is known before it has one.
func open(t *testing.T, p program) *shop {
	t.Helper()
	var target *url.URL
	between := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
	}})
	t.Cleanup(between.Close)
	secret, file := webhook.NewSecret().Reveal(), ""
	if p.outbox {
		file = filepath.Join(t.TempDir(), "shop.db")
	}
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.Upstream, c.AppJobsURL, c.AppJobsSecret = between.URL, between.URL+"/jobs", secret
		o.Clock = time.Now // the example looks at its own
		if file != "" {
			c.Outbox = []string{"shop=" + file}
		}
	})
	project, err := a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "shop"})
	a.Must(err)
	key := strings.TrimPrefix(a.Key("jobs:enqueue", "audit:write", "email:send", "flags:evaluate").Header.Get("Authorization"), "Bearer ")

	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Env = append(os.Environ(), "PORT=0", "SEAWORTHY_URL="+a.URL, "SEAWORTHY_KEY="+key, "SEAWORTHY_APP_JOBS_SECRET="+secret,
		"SENTRY_DSN="+project.Keys[0].DSN, "SHOP_DB="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	a.Must(err)
	a.Must(cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	a.Must(err)
	target, err = url.Parse(strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
	a.Must(err)
	return &shop{App: a, direct: target.String(), outbox: p.outbox}
}

// walk does all that an example's README promises.
func walk(t *testing.T, p program) {
	s := open(t, p)
	s.scene()
	ada := s.Verified("ada@example.com")
	s.RunJobs()
	s.Forget()
	s.identity(ada)
	s.gates(ada)
	s.order(ada)
	s.forgedJobs()
	s.errors(ada)
}

// scene makes what the operator makes in the console: plan, flag and access rule.
func (s *shop) scene() {
	k := s.Key("payments:manage", "flags:manage", "access:manage")
	k.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free","features":["basics"]}`).Want(200)
	k.Do("PUT", "/-/api/v1/flags/greeting", "application/json", `{"definition":{"state":"ENABLED","variants":{"new":"Ahoy","old":"Hello"},"defaultVariant":"old",
		"targeting":{"if":[{"==":[{"var":"email"},"ada@example.com"]},"new"]}}}`).Want(201)
	k.Do("PUT", "/-/api/v1/access/rules", "application/json", `{"version":0,"rules":[{"path":"/team","who":"signed_in","features":["reports"]}]}`).Want(200)
}

// identity: who is signed in, by header and by the verified assertion.
func (s *shop) identity(ada *apptest.Browser) {
	s.T.Helper()
	ada.Get("/").Want(200, "Ada Lovelace")
	s.Browser().Get("/").Want(200, "stranger")
	var who struct{ Sub, Email, Plan, Org string }
	ada.Get("/whoami").Want(200).JSON(&who)
	if who.Sub != s.UserID("ada@example.com") || who.Email != "ada@example.com" || who.Plan != "free" || who.Org != s.PersonalOrg("ada@example.com") {
		s.T.Errorf("the example believes that %+v asks", who)
	}
	s.Browser().Get("/whoami").Want(200, "null")
	// Whoever reaches its port can write headers, and sign nothing.
	for name, assertion := range forgeries(s) {
		r, err := http.NewRequest("GET", s.direct+"/whoami", nil)
		s.Must(err)
		r.Header.Set("X-Seaworthy-User", who.Sub)
		r.Header.Set("X-Seaworthy-Assertion", assertion)
		var believed any
		if status := s.send(r, &believed); status != 200 || believed != nil {
			s.T.Errorf("%s: %d, and the example believes that %v asks", name, status, believed)
		}
	}
}

// gates: a page for a feature, held by the example and by a rule in front, and a flag.
func (s *shop) gates(ada *apptest.Browser) {
	s.T.Helper()
	ada.Get("/reports").Want(402, "larger plan")
	ada.Get("/team").Want(402).Without("only who may be here")
	s.Key("payments:manage").Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free","version":1,"features":["basics","reports"]}`).Want(200)
	ada.Get("/reports").Want(200, "42")
	ada.Get("/team").Want(200, "only who may be here gets here")
	s.Browser().Get("/reports").Want(402)
	ada.Get("/greeting").Want(200, `Ahoy`)
	s.Browser().Get("/greeting").Want(200, `Hello`)
	s.RunJobs()
	s.Forget()
}

// order: a job, by API or outbox, comes back signed, sends a mail, and leaves its
// output; an audit event says who ordered.
func (s *shop) order(ada *apptest.Browser) {
	s.T.Helper()
	s.Browser().Post("/orders").Want(401)
	s.ExpectNothing()
	var placed struct{ Order string }
	ada.Post("/orders").Want(201).JSON(&placed)
	if s.outbox {
		s.relay()
	}
	s.eventually("the order is a job", func() bool { return len(s.jobs()) == 1 })
	s.RunJobs()
	job := s.jobs()[0]
	var output struct{ Packed string }
	if err := json.Unmarshal(job.Output, &output); err != nil || job.State != queue.Completed || output.Packed != placed.Order {
		s.T.Errorf("the job is %s and left %s (%v)", job.State, job.Output, err)
	}
	if source := job.Source; strings.HasPrefix(source, "outbox:") != s.outbox {
		s.T.Errorf("the job came by %q", source)
	}
	if got := s.Mails("ada@example.com"); !slices.ContainsFunc(got, func(m apptest.Mail) bool { return strings.Contains(m.Text, placed.Order) }) {
		s.T.Errorf("no mail tells of the order: %+v", got)
	}
	for _, e := range s.Events(20) {
		if e.Action == "order.placed" && (e.Actor.ID != s.UserID("ada@example.com") || e.Targets[0].ID != placed.Order) {
			s.T.Errorf("the event is %+v", e)
		}
	}
	events := []string{"job.enqueued", "order.placed"}
	rows := map[string]int{"audit_idempotency": 1, "email_request": 1, "web_reply": 1} // answers that a second try would get again
	if s.outbox {
		events = []string{"order.placed", "outbox.relayed"}
	}
	s.Expect(apptest.Happened{Audit: append(events, "email.handed_in", "email.sent"), Jobs: []string{"email.deliver", "order.pack"}, Rows: rows,
		Ran: []string{"order.pack completed", "email.deliver completed"}, Mails: []string{"ada@example.com: Your order is packed"}})
}

// relay begins to make jobs of what the example committed to its own file.
func (s *shop) relay() {
	ctx, cancel := context.WithCancel(s.T.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Outbox.Run(ctx) }()
	s.T.Cleanup(func() { cancel(); <-done })
}

// forgedJobs: what we did not sign is not done.
func (s *shop) forgedJobs() {
	s.T.Helper()
	body := `{"id":"job_x","kind":"order.pack","args":{"order":"1","email":"eve@example.com"}}`
	for name, sign := range map[string]func(http.Header){
		"no signature":     func(http.Header) {},
		"another's secret": func(h http.Header) { webhook.Sign(h, "job_x", time.Now(), []byte(body), webhook.NewSecret()) },
		"an old one": func(h http.Header) {
			webhook.Sign(h, "job_x", time.Now().Add(-6*time.Minute), []byte(body), s.secret())
		},
		"another body": func(h http.Header) { webhook.Sign(h, "job_x", time.Now(), []byte("{}"), s.secret()) },
	} {
		r, err := http.NewRequest("POST", s.URL+"/jobs", strings.NewReader(body)) // it can be reached through the proxy, too
		s.Must(err)
		sign(r.Header)
		if status := s.send(r, nil); status != 401 {
			s.T.Errorf("%s: answered %d", name, status)
		}
	}
	s.ExpectNothing()
}

// errors: what fails is an issue in the console, and the user is told nothing of it.
func (s *shop) errors(ada *apptest.Browser) {
	s.T.Helper()
	reader := s.Key("errors:read")
	s.Forget()
	ada.Get("/boom").Want(500, "Something went wrong").Without("the shelf fell down")
	s.Observe.Flush()
	reader.Get("/-/api/v1/errors").Want(200, "the shelf fell down")
	s.ExpectNothing()
}

func (s *shop) secret() webhook.Secret {
	secret, err := webhook.ParseSecret(s.Config.AppJobsSecret)
	s.Must(err)
	return secret
}

// jobs are those that the example has to do.
func (s *shop) jobs() []queue.Record {
	list, err := store.Read(s.T.Context(), s.DB, func(tx *store.Tx) ([]queue.Record, error) {
		return queue.List(tx, queue.Filter{Kind: "order.pack", Limit: 9})
	})
	s.Must(err)
	return list
}

// send does a request that no browser would.
func (s *shop) send(r *http.Request, into any) int {
	s.T.Helper()
	res, err := http.DefaultClient.Do(r)
	s.Must(err)
	defer res.Body.Close()
	if into != nil {
		s.Must(json.NewDecoder(res.Body).Decode(into))
	}
	return res.StatusCode
}

// eventually waits for what another process does.
func (s *shop) eventually(what string, is func() bool) {
	s.T.Helper()
	limit := time.After(30 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); !is(); {
		select {
		case <-tick:
		case <-limit:
			s.T.Fatalf("never: %s\n%s", what, fmt.Sprint(s.Outbox.Status()))
		}
	}
}
