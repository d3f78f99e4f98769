package command

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/app/jobs"
	"seaworthy/queue"
	"seaworthy/store"
)

// sweep is a job of these tests.
type sweep struct {
	How   string `json:"how"` // done, panic or fail
	Token string `json:"token"`
}

func (sweep) Kind() string { return "sweep" }

const swept = "hunter2hunter2"

// sweeping makes an app that knows sweeps and has a schedule.
func sweeping(_ *config.Config, o *app.Options) {
	o.Extend = func(*app.App) app.Extension {
		return app.Extension{Jobs: func(q *queue.Queue) {
			queue.Handle(q, func(_ context.Context, job queue.Job[sweep]) error {
				switch job.Args.How {
				case "panic":
					panic("the broom\x1b[31m broke")
				case "fail":
					return errors.New("no broom")
				}
				job.Output([]byte(`{"password":"` + swept + `","rooms":3}`))
				return nil
			})
		}}
	}
}

// sweeps enqueues sweeps, runs what is due, and returns their ids: a dead one, one
// that is done, and one that waits for its time.
func sweeps(t *testing.T, a *app.App) (dead, done, later string) {
	t.Helper()
	enqueue := func(how string, opts ...queue.Option) string {
		ticket, err := store.Write(t.Context(), a.DB, func(tx *store.Tx) (queue.Ticket, error) {
			return queue.Enqueue(tx, sweep{how, swept}, append(opts, queue.On("errands"), queue.MaxAttempts(1))...)
		})
		if err != nil {
			t.Fatal(err)
		}
		return ticket.ID
	}
	dead, done, later = enqueue("panic"), enqueue("done"), enqueue("fail", queue.At(a.DB.Now().Add(time.Hour)))
	if err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
		return queue.SetSchedule(tx, queue.NewSchedule{Name: "nightly", Spec: "30 3 * * *", Kind: "sweep", Queue: "errands"})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dead, done, later
}

// stopped is the data folder of an app that has run sweeps and ended.
func stopped(t *testing.T) (data, dead, done, later string) {
	t.Helper()
	data = t.TempDir()
	cfg, err := config.Load(func(name string) (string, bool) {
		v, ok := map[string]string{"SEAWORTHY_DATA": data, "SEAWORTHY_LOG_LEVEL": "error", "SEAWORTHY_REPLICA": "off"}[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	var o app.Options
	sweeping(nil, &o)
	a, err := app.New(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	dead, done, later = sweeps(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEAWORTHY_LOG_LEVEL", "error")
	t.Setenv("SEAWORTHY_REPLICA", "off")
	return data, dead, done, later
}

// wants fails the test unless a command ends with a code and prints all of some texts.
func wants(t *testing.T, code int, args []string, texts ...string) string {
	t.Helper()
	out, got := printed(t, args...)
	if got != code {
		t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%v: no %q in\n%s", args, text, out)
		}
	}
	if strings.Contains(out, swept) || strings.Contains(out, "\x1b") {
		t.Errorf("%v prints what nobody may see:\n%s", args, out)
	}
	return out
}

// looks drives the commands that change nothing.
func looks(t *testing.T, place []string, own bool, dead, done, later string) {
	t.Helper()
	with := func(args ...string) []string { return append(append([]string{"jobs"}, args...), place...) }
	out := wants(t, 0, with("list", "--kind", "sweep"), "ID ", "LAST ERROR", dead, done, later, "panic: the broom", "1/1", "errands")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], later) || strings.Index(lines[0], "STATE") != strings.Index(lines[3], "dead") {
		t.Errorf("not aligned, or not the newest first:\n%s", out)
	}
	if out := wants(t, 0, with("list", "--queue", "errands", "--state", "dead"), dead); strings.Contains(out, done) || strings.Contains(out, later) {
		t.Errorf("the filter lets through:\n%s", out)
	}
	if out := wants(t, 0, with("list", "--kind", "nothing")); strings.Count(out, "\n") != 1 {
		t.Errorf("%s", out)
	}
	var page jobs.JobPage
	if err := json.Unmarshal([]byte(wants(t, 0, with("list", "--kind", "sweep", "--limit", "2", "--json"))), &page); err != nil || len(page.Jobs) != 2 || page.Next != done {
		t.Errorf("%+v, %v", page, err)
	}
	if out := wants(t, 0, with("list", "--kind", "sweep", "--before", page.Next), dead); strings.Contains(out, later) {
		t.Errorf("%s", out)
	}
	wants(t, 0, with("show", dead), "kind ", "sweep", "dead", "1 of 1", "attempt 1: panicked", "panic: the broom[31m broke", "goroutine ", "jobs_test.go")
	if own {
		wants(t, 0, with("show", done), "args", `"how": "done"`, `"token": "•••"`, "output", `"password": "•••"`, `"rooms": 3`)
	}
	var j jobs.Job
	if err := json.Unmarshal([]byte(wants(t, 0, with("show", dead, "--json"))), &j); err != nil || j.ID != dead || j.Lane != "errands" || len(j.Attempts) != 1 || j.Attempts[0].Stack == "" || own != (j.Args != nil) {
		t.Errorf("%+v, %v", j, err)
	}
	wants(t, 1, with("show", "job_none"))
	wants(t, 0, with("queues"), "QUEUE", "OLDEST")
	var queues struct{ Queues []jobs.QueueState }
	if err := json.Unmarshal([]byte(wants(t, 0, with("queues", "--json"))), &queues); err != nil || queues.Queues == nil {
		t.Errorf("%+v, %v", queues, err)
	}
}

// actors are who did what, the newest first.
func actors(t *testing.T, data string, limit int) (all []string) {
	t.Helper()
	if err := store.ReadFile(t.Context(), filepath.Join(data, "seaworthy.db"), func(tx *store.Tx) error {
		events, err := audit.List(tx, audit.Filter{Limit: limit})
		for _, e := range events {
			all = append(all, string(e.Action)+" by "+e.Actor.Type)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJobsOfAStoppedServer(t *testing.T) {
	data, dead, done, later := stopped(t)
	with := func(args ...string) []string { return append(append([]string{"jobs"}, args...), "--data", data) }
	looks(t, []string{"--data", data}, true, dead, done, later)
	wants(t, 0, with("schedules"), "NAME", "nightly", "30 3 * * *", "UTC", "active", "sweep")
	wants(t, 0, with("schedules", "--json"), `"name": "nightly"`, `"next_at": "`)

	wants(t, 0, with("retry", dead), dead+" runs again")
	wants(t, 1, with("retry", dead)) // it is ready already
	wants(t, 0, with("queues"), "errands  1 ")
	if out := wants(t, 1, with("cancel", done, later), later+" is cancelled"); strings.Contains(out, done) {
		t.Errorf("what had finished is cancelled: %s", out)
	}
	wants(t, 0, with("retry", "--dead", "--kind", "sweep"), "job_", "as soon as the server runs")
	wants(t, 0, with("pause", "errands"), "errands is paused")
	wants(t, 0, with("pause", "errands"), "errands is paused")
	wants(t, 0, with("queues"), "paused since")
	wants(t, 0, with("resume", "errands"), "errands is open")
	wants(t, 0, with("queues"), "open")
	wants(t, 0, with("list", "--state", "cancelled"), later)
	want := []string{"queue.resumed by system", "queue.paused by system", "jobs.replayed by system", "job.cancelled by system", "job.retried by system"}
	if got := actors(t, data, 5); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("recorded: %v", got)
	}
}

func TestJobsOfARunningServer(t *testing.T) {
	a := apptest.New(t, sweeping)
	dead, done, later := sweeps(t, a.App)
	key := strings.TrimPrefix(a.Key("jobs:*").Header.Get("Authorization"), "Bearer ")
	a.Forget()
	t.Setenv("SEAWORTHY_API_KEY", key)
	t.Setenv("SEAWORTHY_LOG_LEVEL", "error")
	at := func(args ...string) []string { return append(append([]string{"jobs"}, args...), "--url", a.URL) }
	// Its file can be looked at too, and is changed by nobody else.
	looks(t, []string{"--data", a.Config.Data}, true, dead, done, later)
	looks(t, []string{"--url", a.URL + "/"}, false, dead, done, later)
	wants(t, 75, []string{"jobs", "retry", dead, "--data", a.Config.Data})
	a.ExpectNothing()

	wants(t, 0, at("retry", dead), dead+" runs again")
	a.Expect(apptest.Happened{Audit: []string{"job.retried"}})
	wants(t, 0, at("queues"), "errands  1 ")
	wants(t, 1, at("cancel", done, later), later+" is cancelled")
	a.Expect(apptest.Happened{Audit: []string{"job.cancelled"}})
	a.Clock.Advance(time.Second)
	a.RunJobs()
	a.Forget()
	wants(t, 0, at("retry", "--dead", "--queue", "errands"), "job_")
	a.Expect(apptest.Happened{Audit: []string{"jobs.replayed"}, Jobs: []string{"queue.replay"}})
	a.Clock.Advance(time.Second)
	a.RunJobs()
	if n := strings.Count(wants(t, 0, at("show", dead)), "attempt 1: panicked"); n != 3 {
		t.Errorf("it ran %d times, want 3", n)
	}
	a.Forget()
	wants(t, 0, at("pause", "errands"), "errands is paused")
	wants(t, 0, at("queues"), "paused since", "by key:")
	wants(t, 0, at("resume", "errands"), "errands is open")
	a.Expect(apptest.Happened{Audit: []string{"queue.paused", "queue.resumed"}, Rows: map[string]int{"queue_setting": 1}})
	if got := actors(t, a.Config.Data, 1); got[0] != "queue.resumed by key" {
		t.Errorf("recorded: %v", got)
	}
}

// What a key may not do is said, and nothing is done; a place that sends elsewhere is
// not followed with the key.
func TestJobsThatAreNotGiven(t *testing.T) {
	a := apptest.New(t, sweeping)
	dead, _, _ := sweeps(t, a.App)
	reads := strings.TrimPrefix(a.Key("jobs:read").Header.Get("Authorization"), "Bearer ")
	a.Forget()
	for name, c := range map[string]struct {
		key, url string
		args     []string
		want     int
	}{
		"may only look":      {reads, a.URL, []string{"retry", dead}, 1},
		"may look":           {reads, a.URL, []string{"show", dead}, 0},
		"a wrong key":        {"sw_op_wrong", a.URL, []string{"list"}, 1},
		"no key":             {"", a.URL, []string{"list"}, 2},
		"a key of two lines": {"a\nb", a.URL, []string{"list"}, 2},
		"no address":         {reads, "ftp://x", []string{"list"}, 2},
		"a path":             {reads, a.URL + "/app", []string{"list"}, 2},
		"nobody there":       {reads, "http://127.0.0.1:1", []string{"list"}, 1},
		"neither":            {reads, a.URL, []string{"retry"}, 2},
		"both":               {reads, a.URL, []string{"retry", dead, "--dead"}, 2},
		"a filter alone":     {reads, a.URL, []string{"retry", dead, "--kind", "x"}, 2},
		"no such state":      {reads, a.URL, []string{"list", "--state", "lost"}, 2},
		"none":               {reads, a.URL, []string{"list", "--limit", "0"}, 2},
		"a queue's path":     {reads, a.URL, []string{"pause", "../../x"}, 1},
	} {
		t.Setenv("SEAWORTHY_API_KEY", c.key)
		if out, got := printed(t, append(append([]string{"jobs"}, c.args...), "--url", c.url)...); got != c.want {
			t.Errorf("%s: exit code %d, want %d: %s", name, got, c.want, out)
		}
	}
	a.ExpectNothing()
	for _, args := range [][]string{{"list"}, {"queues"}, {"schedules"}, {"pause", "mail"}} {
		data := filepath.Join(t.TempDir(), "none")
		if _, code := printed(t, append(append([]string{"jobs"}, args...), "--data", data)...); code != 1 {
			t.Errorf("%v: exit code %d", args, code)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%v makes a folder", args)
		}
	}
}

func TestTextFromOutsideObeysNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                          "plain",
		"  two\nlines":                   "two",
		"a\tb":                           "a b",
		"\x1b]0;title\x07red\u202egreen": "]0;titleredgreen",
		strings.Repeat("ä", 81):          strings.Repeat("ä", 79) + "…",
		"":                               "",
	} {
		if got := line(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestOutboxTable(t *testing.T) {
	if out, code := printed(t, "outbox", "ddl"); code != 0 || !strings.HasPrefix(out, "CREATE TABLE IF NOT EXISTS seaworthy_outbox (") || !strings.HasSuffix(out, "\n);\n") {
		t.Errorf("%q, exit code %d", out, code)
	}
}
