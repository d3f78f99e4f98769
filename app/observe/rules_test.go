package observe_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/email/post"
	"seaworthy/queue"
	"seaworthy/store"
)

// hold looks for as long as d, as often as the program does, while no job runs.
func hold(a *apptest.App, d time.Duration) {
	a.T.Helper()
	for range d / (15 * time.Second) {
		a.Clock.Advance(15 * time.Second)
		look(a)
	}
}

// fires demands that an alert of a title fires, once, and goes on as the same one while what it is
// about lasts.
func fires(a *apptest.App, rule, title string, lasting func(time.Duration)) {
	a.T.Helper()
	if got := firing(a); !slices.Contains(got, title) {
		a.T.Fatalf("%q does not fire, but %q", title, got)
	}
	lasting(3 * time.Minute)
	if n := a.Query(`SELECT CAST(count(id) AS TEXT) FROM observe_alert WHERE rule = ?`, rule); n != "1" || !slices.Contains(firing(a), title) {
		a.T.Errorf("%s alerts of %s, and %q fire", n, rule, firing(a))
	}
}

// ends demands that an alert ends when all is well again.
func ends(a *apptest.App, rule, title string) {
	a.T.Helper()
	later(a, 6*time.Minute)
	if got := firing(a); slices.Contains(got, title) {
		a.T.Errorf("%q goes on", title)
	}
	if n := a.Query(`SELECT CAST(count(id) AS TEXT) FROM observe_alert WHERE rule = ? AND resolved_at IS NOT NULL`, rule); n != "1" {
		a.T.Errorf("%s alerts of %s are over", n, rule)
	}
}

// brittleJobs is an app whose jobs of the kind test.brittle do what a function says.
func brittleJobs(run func() error) apptest.Option {
	return func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			return app.Extension{Jobs: func(q *queue.Queue) {
				queue.Handle(q, func(context.Context, queue.Job[brittle]) error { return run() })
			}}
		}
	}
}

func enqueue(a *apptest.App) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, brittle{}); return err }))
}

func TestRuleJobAgeAndQueueStuck(t *testing.T) {
	t.Parallel()
	a, _ := watched(t, brittleJobs(func() error { return nil }))
	enqueue(a)
	hold(a, 4*time.Minute)
	if got := firing(a); len(got) != 0 {
		t.Errorf("%q fire too early", got)
	}
	hold(a, 3*time.Minute)
	wait, stuck := "Jobs wait: default", "Queue is stuck: default"
	fires(a, "job_age", wait, func(d time.Duration) { hold(a, d) })
	fires(a, "queue_stuck", stuck, func(d time.Duration) { hold(a, d) })
	a.RunJobs()
	ends(a, "job_age", wait)
	ends(a, "queue_stuck", stuck)
}

func TestRuleJobsDead(t *testing.T) {
	t.Parallel()
	broken := atomic.Bool{}
	broken.Store(true)
	a, _ := watched(t, brittleJobs(func() error {
		if broken.Load() {
			return queue.Bury(errors.New("the bridge is out"))
		}
		return nil
	}))
	enqueue(a)
	a.RunJobs()
	later(a, time.Minute)
	fires(a, "jobs_dead", "Dead letters", func(d time.Duration) { later(a, d) })
	broken.Store(false)
	id := a.Query(`SELECT id FROM queue_job WHERE kind = 'test.brittle' LIMIT 1`)
	a.Key("jobs:*").PostJSON("/-/api/v1/jobs/"+id+"/retry", nil).Want(200)
	ends(a, "jobs_dead", "Dead letters")
}

func TestRuleReplica(t *testing.T) {
	t.Parallel()
	var folder string
	a, _ := watched(t, func(c *config.Config, _ *app.Options) { c.Replica, folder = "", filepath.Join(c.Data, "replica") })
	a.Replicate()
	a.Key("alerts:*").Do("PATCH", "/-/api/v1/alert-rules/replica", "application/json", `{"bound":1}`).Want(200) // its age is by the machine's clock
	a.Must(a.Confirm(t.Context()))
	look(a)
	if got := firing(a); len(got) != 0 {
		t.Fatalf("%q fire while it is in step", got)
	}
	away := folder + "-away"
	a.Must(os.Rename(folder, away))
	a.Must(os.WriteFile(folder, nil, 0o600)) // where a folder should be
	a.Key("logs:read")                       // a commit
	soon, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	if a.Confirm(soon) == nil {
		t.Fatal("it is replicated to nowhere")
	}
	later(a, 3*time.Minute)
	fires(a, "replica", "Replica is behind", func(d time.Duration) { later(a, d) })
	a.Must(os.Remove(folder))
	a.Must(os.Rename(away, folder))
	a.Must(a.Confirm(t.Context()))
	ends(a, "replica", "Replica is behind")
}

func TestRuleBackup(t *testing.T) {
	t.Parallel()
	copies := filepath.Join(t.TempDir(), "copies")
	a, _ := watched(t, func(c *config.Config, _ *app.Options) {
		c.Copies, c.CopiesRecipients, c.CopiesDays = copies, "", 30
	})
	a.Must(os.RemoveAll(copies))
	a.Must(os.WriteFile(copies, nil, 0o600))
	night := func() {
		for range 24 {
			a.Clock.Advance(time.Hour)
			a.RunJobs()
		}
	}
	night()
	later(a, time.Minute)
	fires(a, "backup", "Backups fail", func(d time.Duration) { later(a, d) })
	a.Must(os.Remove(copies))
	night()
	ends(a, "backup", "Backups fail")
}

func TestRuleDatabase(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	other, err := sql.Open("sqlite", "file:"+a.DB.Path()+"?_txlock=immediate")
	a.Must(err)
	defer other.Close()
	lock, err := other.BeginTx(t.Context(), nil)
	a.Must(err)
	first, looked := make(chan error, 1), make(chan error, 1)
	go func() { first <- a.DB.Write(t.Context(), func(*store.Tx) error { return nil }) }()
	for a.DB.Stats().LockWait <= 2*time.Second { // what counts as locked, by the machine's own clock
		runtime.Gosched()
	}
	a.Observe.Flush()
	go func() { looked <- a.Observe.Look(t.Context()) }()
	for a.DB.Stats().Waiting == 0 { // it has seen, and waits to write down what
		runtime.Gosched()
	}
	a.Must(lock.Rollback())
	a.Must(<-first)
	a.Must(<-looked)
	if got := firing(a); !slices.Contains(got, "Database cannot be written") {
		t.Fatalf("%q fire", got)
	}
	ends(a, "database", "Database cannot be written")
}

func TestRuleClock(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	a.Clock.Advance(-5 * time.Minute)
	look(a)
	fires(a, "clock", "Clock is wrong", func(time.Duration) { look(a) })
	a.Clock.Advance(5 * time.Minute)
	ends(a, "clock", "Clock is wrong")
}

// gate is a provider of mail that refuses our key while it is shut.
type gate struct{ shut atomic.Bool }

func (*gate) Name() string { return "postmark" }
func (*gate) Limit() int64 { return 10 << 20 }
func (g *gate) Send(context.Context, post.Message) (post.Receipt, error) {
	if g.shut.Load() {
		return post.Receipt{}, &post.Error{Class: post.Unauthorised, Status: 401, Reason: "bad token"}
	}
	return post.Receipt{ProviderID: "1"}, nil
}

func TestRuleMailStopped(t *testing.T) {
	t.Parallel()
	g := &gate{}
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) { o.Carriers = []post.Provider{g} })
	a.RunJobs()
	look(a)
	g.shut.Store(true)
	a.Browser().Post("/-/forgot", "email", "nobody@example.com")
	a.SignUp("ada@example.com")
	a.RunJobs()
	later(a, time.Minute)
	title := "Mail provider is stopped: postmark"
	fires(a, "mail_stopped", title, func(d time.Duration) { later(a, d) })
	g.shut.Store(false)
	a.Key("email:*").PostJSON("/-/api/v1/email/providers/postmark/retry", nil).Want(200)
	ends(a, "mail_stopped", title)
}

func TestRuleAudit(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	verify := func() {
		operator.Post("/-/admin/audit/verify").Want(200)
		a.RunJobs()
	}
	verify()
	look(a)
	if got := firing(a); len(got) != 0 {
		t.Fatalf("%q fire while it is whole", got)
	}
	leaf := a.Query(`SELECT hex(leaf) FROM audit_event WHERE seq = 1`)
	outside(a, `UPDATE audit_event SET leaf = zeroblob(32) WHERE seq = 1`)
	verify()
	later(a, time.Minute)
	fires(a, "audit", "Audit log is broken", func(d time.Duration) { later(a, d) })
	outside(a, `UPDATE audit_event SET leaf = x'`+leaf+`' WHERE seq = 1`)
	verify()
	ends(a, "audit", "Audit log is broken")
}

// outside changes the audit log as somebody does who has the file: without its guards.
func outside(a *apptest.App, statement string) {
	a.T.Helper()
	db, err := sql.Open("sqlite", "file:"+a.DB.Path()+"?_pragma=busy_timeout(5000)")
	a.Must(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(a.T.Context(), nil)
	a.Must(err)
	var guards []string
	rows, err := tx.QueryContext(a.T.Context(), `SELECT name || char(10) || sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_event'`)
	a.Must(err)
	for rows.Next() {
		var one string
		a.Must(rows.Scan(&one))
		guards = append(guards, one)
	}
	a.Must(rows.Err())
	rows.Close()
	exec := func(text string) {
		_, err := tx.ExecContext(a.T.Context(), text)
		a.Must(err)
	}
	for _, g := range guards {
		name, _, _ := strings.Cut(g, "\n")
		exec(`DROP TRIGGER ` + name)
	}
	exec(statement)
	for _, g := range guards {
		_, text, _ := strings.Cut(g, "\n")
		exec(text)
	}
	a.Must(tx.Commit())
}

func TestRuleTelemetry(t *testing.T) {
	t.Parallel()
	room := int64(50)
	a, _ := watched(t, roomy(&room))
	room = 0
	line := func() { a.Logger().Warn("something to keep") }
	for range 12 {
		line()
		later(a, 15*time.Second)
	}
	fires(a, "telemetry", "Telemetry is not kept", func(d time.Duration) { line(); later(a, d) })
	room = 50
	line()
	ends(a, "telemetry", "Telemetry is not kept")
}
