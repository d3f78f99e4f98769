package app_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

type errand struct {
	Text     string `json:"text"`
	Password string `json:"password"`
}

func (errand) Kind() string { return "test.errand" }

// errands makes jobs of a kind whose text says what becomes of them.
func errands(a *apptest.App, texts ...string) (ids []string) {
	ctx := queue.WithCause(context.Background(), queue.Cause{RequestID: "req_test", Actor: "user:usr_test"})
	for _, text := range texts {
		a.Must(a.DB.Write(ctx, func(tx *store.Tx) error {
			opts := []queue.Option{queue.MaxAttempts(2), queue.On("errands")}
			if text == "later" {
				opts = append(opts, queue.In(time.Hour))
			}
			ticket, err := queue.Enqueue(tx, errand{text, "hunter2"}, opts...)
			ids = append(ids, ticket.ID)
			return err
		}))
		a.Clock.Advance(time.Second)
	}
	return ids
}

func handleErrands(a *apptest.App) {
	queue.Handle(a.Queue, func(_ context.Context, job queue.Job[errand]) error {
		switch job.Args.Text {
		case "bad":
			return queue.Bury(errors.New("the address is wrong\nand stays wrong"))
		case "again":
			return errors.New("nobody at home")
		case "panics":
			panic("fell over")
		}
		job.Output([]byte(`{"delivered":true,"token":"t"}`))
		return nil
	})
}

// driveJobPages are the mutating routes of the console's pages of jobs.
func driveJobPages(a *apptest.App) map[string]func() {
	var jill *apptest.Browser
	post := func(path string, pairs ...string) {
		if jill == nil {
			jill = a.Verified("jobpages@example.com")
			a.Grant("jobpages@example.com", "console:read", "jobs:read", "jobs:manage")
		}
		jill.Post("/-/admin/jobs"+path, pairs...).Want(200)
	}
	made := 0
	schedule := func() string {
		made++
		name := "page-" + strconv.Itoa(made)
		planErrand(a, name)
		return "/schedules/" + name
	}
	return map[string]func(){
		"POST /-/admin/jobs/new-schedule":            func() { post("/new-schedule", planned("drivenschedule", "@yearly", endpointFor(a))...) },
		"POST /-/admin/jobs/schedules/{name}/edit":   func() { post(schedule()+"/edit", planned("", "@monthly", endpointFor(a))...) },
		"POST /-/admin/jobs/schedules/{name}/pause":  func() { post(schedule() + "/pause") },
		"POST /-/admin/jobs/schedules/{name}/resume": func() { p := schedule(); post(p + "/pause"); post(p + "/resume") },
		"POST /-/admin/jobs/schedules/{name}/run":    func() { post(schedule() + "/run") },
		"POST /-/admin/jobs/schedules/{name}/remove": func() { p := schedule(); post(p+"/remove", "confirm", strings.TrimPrefix(p, "/schedules/")) },
		"POST /-/admin/jobs/{id}/retry":              func() { post("/" + errands(a, "later")[0] + "/retry") },
		"POST /-/admin/jobs/{id}/cancel":             func() { post("/" + errands(a, "later")[0] + "/cancel") },
		"POST /-/admin/jobs/replay":                  func() { post("/replay", "state", "dead") },
		"POST /-/admin/jobs/queues/{queue}/pause":    func() { post("/queues/errands/pause") },
		"POST /-/admin/jobs/queues/{queue}/resume":   func() { post("/queues/errands/pause"); post("/queues/errands/resume") },
		"POST /-/admin/jobs/queues/{queue}/limits":   func() { post("/queues/errands/limits", "concurrency", "1", "rate", "0", "per", "second", "burst", "1") },
	}
}

func TestConsoleOfJobs(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	grace := a.Operator("grace@example.com")
	ids := errands(a, "good", "bad", "again", "later")
	a.RunJobs()
	a.Forget()

	grace.Get("/-/admin/jobs?queue=errands").Want(200, ids[0], ids[1], ids[2], ids[3], "the address is wrong").Without("hunter2")
	grace.Get("/-/admin/jobs?state=dead&kind=test.errand").Want(200, ids[1]).Without(ids[0])
	grace.Get("/-/admin/jobs?state=dead&kind=nothing").Want(200, "No dead jobs")
	grace.Get("/-/admin/jobs?state=nonsense&queue=errands").Want(200, ids[0])
	grace.Get("/-/admin/jobs/"+ids[0]).Want(200, "delivered", "•••", "user:usr_test", "req_test", "Attempt 1", "Run again").Without("hunter2")
	grace.Get("/-/admin/jobs/"+ids[1]).Want(200, "and stays wrong")
	grace.Get("/-/admin/jobs/"+ids[3]).Want(200, "Run now", "Cancel")
	grace.Get("/-/admin/jobs/job_nothing").Want(404)
	grace.Get("/-/admin/jobs/queues").Want(200, "Dead letters")
	a.ExpectNothing()

	grace.Post("/-/admin/jobs/"+ids[3]+"/retry").Want(200, "runs as soon as there is room")
	a.Expect(apptest.Happened{Audit: []string{"job.retried"}})
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"test.errand completed"}})
	grace.Post("/-/admin/jobs/"+ids[2]+"/cancel").Want(200, "is cancelled")
	a.Expect(apptest.Happened{Audit: []string{"job.cancelled"}})
	grace.Post("/-/admin/jobs/"+ids[2]+"/cancel").Want(409, "has finished")
	grace.Post("/-/admin/jobs/job_nothing/retry").Want(404)
	a.ExpectNothing()

	grace.Post("/-/admin/jobs/replay", "state", "dead", "kind", "test.errand").Want(200, "being replayed")
	a.Expect(apptest.Happened{Audit: []string{"jobs.replayed"}, Jobs: []string{"queue.replay"}})
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"queue.replay completed", "test.errand dead"}})
	grace.Post("/-/admin/jobs/replay", "state", "running").Want(400)

	grace.Post("/-/admin/jobs/queues/errands/pause").Want(200, "The queue is paused", "paused", "Resume errands")
	a.Expect(apptest.Happened{Audit: []string{"queue.paused"}, Rows: map[string]int{"queue_setting": 1}})
	grace.Post("/-/admin/jobs/queues/errands/pause").Want(200)
	a.ExpectNothing()
	held := errands(a, "good")[0]
	a.RunJobs()
	a.Forget()
	grace.Get("/-/admin/jobs/"+held).Want(200, "available")
	grace.Post("/-/admin/jobs/queues/errands/resume").Want(200, "goes on")
	a.Expect(apptest.Happened{Audit: []string{"queue.resumed"}})
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"test.errand completed"}})
	grace.Post("/-/admin/jobs/queues/errands/limits", "concurrency", "4", "rate", "60", "per", "minute", "burst", "5").Want(200, "60 a minute", "of 4 at most")
	a.Expect(apptest.Happened{Audit: []string{"queue.limits_changed"}})
	grace.Post("/-/admin/jobs/queues/errands/limits", "concurrency", "many", "rate", "-1", "per", "fortnight", "burst", "0").
		Want(422, "A number from 0, for the default, to 1000.", "A number from 0, for no limit", "Choose second, minute or hour", "A number from 1 to 100000", `value="many"`)
	a.ExpectNothing()
}

func TestConsoleOfJobsNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	id := errands(a, "bad")[0]
	a.RunJobs()
	ada := a.Verified("ada@example.com")
	a.Grant("ada@example.com", "console:read")
	ada.Get("/-/admin/jobs").Want(403)
	ada.Get("/-/admin/jobs/events").Want(403)
	a.Grant("ada@example.com", "console:read", "jobs:read")
	a.Forget()
	ada.Get("/-/admin/jobs?state=dead").Want(200, id).Without("Run all of these again")
	ada.Get("/-/admin/jobs/" + id).Want(200).Without("Run again")
	ada.Post("/-/admin/jobs/" + id + "/retry").Want(403)
	ada.Post("/-/admin/jobs/queues/errands/pause").Want(403)
	ada.Post("/-/admin/jobs/replay", "state", "dead").Want(403)
	a.ExpectNothing()
}

// A page of jobs hears of a change within a moment.
func TestJobEventsAreStreamed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	grace := a.Operator("grace@example.com")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", a.URL+"/-/admin/jobs/events", nil)
	r.Header.Set("Accept", "text/event-stream")
	name := web.CookieName(false)
	r.AddCookie(&http.Cookie{Name: name, Value: grace.Cookie(name)})
	res, err := http.DefaultClient.Do(r)
	a.Must(err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry:") {
		t.Fatalf("%d %q %v", res.StatusCode, lines.Text(), lines.Err())
	}
	errands(a, "good")
	for lines.Scan() {
		if lines.Text() == "event: change" {
			return
		}
	}
	t.Fatalf("no change was told: %v", lines.Err())
}

// An operator looks at jobs and queues, wide and narrow, light and dark.
func TestConsoleOfJobsInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	grace := a.Operator("grace@example.com")
	start := a.DB.Now().Truncate(time.Minute).Add(-50 * time.Minute)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 48 { // as if it had run for a while
			wait, run := make([]string, len(queue.Buckets)+1), make([]string, len(queue.Buckets)+1)
			for k := range wait {
				wait[k], run[k] = "0", "0"
			}
			wait[i%5], run[3+i%6] = "90", "90"
			if _, err := tx.Exec(`INSERT INTO queue_minute (minute, queue, kind, completed, failed, dead, wait, run) VALUES (?, 'errands', 'test.errand', ?, ?, 0, ?, ?)`,
				start.Add(time.Duration(i)*time.Minute).UnixMilli(), 40+(i*37)%60, (i*13)%7, strings.Join(wait, " "), strings.Join(run, " ")); err != nil {
				return err
			}
		}
		return queue.SetRate(tx, "mail", 10, time.Second, 20)
	}))
	ids := errands(a, "good", "bad", "again", "panics", "later", "good")
	a.RunJobs()
	errands(a, "good", "again")
	grace.Post("/-/admin/jobs/queues/errands/pause").Want(200)
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		for _, p := range []struct{ name, path, needs string }{
			{"jobs", "/-/admin/jobs", "#list table"}, {"jobs-dead", "/-/admin/jobs?state=dead", "#list table"}, {"jobs-none", "/-/admin/jobs?kind=nothing", ".empty"},
			{"job-good", "/-/admin/jobs/" + ids[0], "#life-title"}, {"job-panics", "/-/admin/jobs/" + ids[3], "#life-title"}, {"queues", "/-/admin/jobs/queues", ".uplot canvas"},
		} {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
			if !shows(t, ctx, p.needs) {
				t.Errorf("%s has no %s", p.path, p.needs)
			}
			fits(t, ctx, p.path)
			keep(t, ctx, fmt.Sprintf("console-%s-%d", p.name, width))
		}
		_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "dark"`))
		a.Must(err)
		keep(t, ctx, fmt.Sprintf("console-queues-dark-%d", width))
		for _, s := range said() {
			t.Errorf("the browser complains: %s", s)
		}
	}
}
