package jobs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/webhook"
	"seaworthy/queue"
)

const schedules = api + "/schedules"

// planned is a schedule as the API tells it.
type planned struct {
	Name, Cron, Timezone, Description, State, Fault, Missed, Kind, Endpoint, Queue string
	OfProgram                                                                      bool `json:"of_program"`
	Overlap                                                                        bool
	Priority                                                                       int
	MaxAttempts                                                                    int         `json:"max_attempts"`
	Timeout                                                                        int         `json:"timeout_seconds"`
	Next                                                                           *time.Time  `json:"next_at"`
	Last                                                                           *time.Time  `json:"last_at"`
	Times                                                                          []time.Time `json:"next_times"`
	Args                                                                           any
}

func (c client) schedule(name string) (p planned) {
	c.T.Helper()
	c.Get(schedules + "/" + name).Want(200).JSON(&p)
	return p
}

// put asks for a schedule of jobs of kind report; more are further fields.
func (c client) put(name, cron string, more ...any) apptest.Page {
	c.T.Helper()
	in := map[string]any{"cron": cron, "kind": "report"}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	body, err := json.Marshal(in)
	c.a.Must(err)
	return c.Do("PUT", schedules+"/"+name, "application/json", string(body))
}

// A person's schedule is due by the clock, and its job arrives signed at the app.
func TestAScheduleIsDeliveredSigned(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(200, `{"done":true}`))
	a := newApp(t, v)
	c := newClient(a)
	page := c.put("nightly", "30 2 * * *", "timezone", "Europe/Berlin", "args", map[string]any{"to": "ada"}, "timeout_seconds", 45, "max_attempts", 4).Want(201)
	if page.Header.Get("Location") != schedules+"/nightly" {
		t.Errorf("Location %q", page.Header.Get("Location"))
	}
	a.Expect(apptest.Happened{Audit: []string{"schedule.created"}, Rows: map[string]int{"queue_schedule": 1}})
	p := c.schedule("nightly")
	due := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC) // the epoch is 14:05 on the 22nd
	if p.Next == nil || !p.Next.Equal(due) || len(p.Times) != 5 || !p.Times[0].Equal(due) || !p.Times[4].Equal(due.AddDate(0, 0, 4)) {
		t.Errorf("due %v, %v", p.Next, p.Times)
	}
	if p.State != "active" || p.Description != "every day at 02:30, Europe/Berlin" || p.OfProgram || !p.Overlap || p.Missed != "skip" || p.Endpoint != "default" || p.Queue != "default" ||
		p.MaxAttempts != 4 || p.Timeout != 45 || fmt.Sprint(p.Args) != "map[to:ada]" {
		t.Errorf("%+v", p)
	}
	a.Clock.Advance(due.Add(-time.Second).Sub(a.Clock.Now()))
	a.RunJobs()
	if n := len(v.deliveries()); n != 0 {
		t.Fatalf("%d deliveries before it was due", n)
	}
	a.Clock.Advance(2 * time.Second)
	a.RunJobs()
	got := v.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d deliveries", len(got))
	}
	var runs struct {
		Runs []struct{ Outcome, Job_id, Job_state string }
	}
	c.Get(schedules + "/nightly/runs").Want(200).JSON(&runs)
	if len(runs.Runs) != 1 || runs.Runs[0].Outcome != "enqueued" || runs.Runs[0].Job_state != "completed" {
		t.Fatalf("%+v", runs)
	}
	if id, err := webhook.Verify(got[0].header, []byte(got[0].body), a.Clock.Now(), parsed(t, secret)); err != nil || id != runs.Runs[0].Job_id {
		t.Errorf("signed %q for job %q, %v", id, runs.Runs[0].Job_id, err)
	}
	if !strings.Contains(got[0].body, `"to":"ada"`) || got[0].header.Get("Seaworthy-Kind") != "report" || got[0].header.Get("Seaworthy-Max-Attempts") != "4" {
		t.Errorf("%v %s", got[0].header, got[0].body)
	}
	if j := c.job(runs.Runs[0].Job_id); j.Endpoint != "default" || j.Queue != "default" {
		t.Errorf("%+v", j)
	}
	if p := c.schedule("nightly"); p.Last == nil || !p.Last.Equal(due) || !p.Next.Equal(due.AddDate(0, 0, 1)) {
		t.Errorf("%+v", p)
	}
}

// Without arguments the app is told which schedule it was, and for when.
func TestAScheduleWithoutArguments(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.put("hourly", "@hourly").Want(201)
	a.Clock.Advance(56 * time.Minute)
	a.RunJobs()
	if got := v.deliveries(); len(got) != 1 || !strings.Contains(got[0].body, `"args":{"schedule":"hourly","due":"2026-11-22T15:00:00Z"}`) {
		t.Errorf("%+v", got)
	}
}

func TestASchedulesLife(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.put("sweep", "*/5 * * * *").Want(201)
	a.Forget()
	c.put("sweep", "  */5 *  * * * ").Want(200) // the same
	a.ExpectNothing()
	c.put("sweep", "*/5 * * * *", "name", "sweep", "overlap", false, "missed", "all:3", "args", map[string]any{"secret": "hunter2"}).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"schedule.changed"}})
	if e := string(a.Events(1)[0].Body); !strings.Contains(e, `"all:3"`) || !strings.Contains(e, `"args":"changed"`) || strings.Contains(e, "hunter2") {
		t.Errorf("event %s", e)
	}
	if p := c.schedule("sweep"); p.Overlap || p.Missed != "all:3" {
		t.Errorf("%+v", p)
	}

	c.PostJSON(schedules+"/sweep/pause", nil).Want(200, `"state":"paused"`).Without("next_at")
	a.Expect(apptest.Happened{Audit: []string{"schedule.paused"}})
	c.PostJSON(schedules+"/sweep/pause", nil).Want(200)
	a.ExpectNothing()
	a.Clock.Advance(time.Hour)
	a.RunJobs()
	if n := len(v.deliveries()); n != 0 {
		t.Errorf("%d deliveries while it was paused", n)
	}
	a.Forget()

	var ran struct{ Job_id string }
	c.PostJSON(schedules+"/sweep/run", nil).Want(201).JSON(&ran)
	a.Expect(apptest.Happened{Audit: []string{"schedule.run_by_hand"}, Jobs: []string{"report"}, Rows: map[string]int{"queue_schedule_run": 1}})
	c.PostJSON(schedules+"/sweep/run", nil).WantProblem(409, "overlap")
	a.ExpectNothing()
	a.RunJobs()
	if n := len(v.deliveries()); n != 1 || c.job(ran.Job_id).State != "completed" {
		t.Errorf("%d deliveries", n)
	}
	a.Clock.Advance(time.Second)
	c.PostJSON(schedules+"/sweep/run", nil).Want(201)
	var runs struct {
		Runs []struct{ Outcome, Job_id string }
		Next string `json:"next_cursor"`
	}
	c.Get(schedules + "/sweep/runs?limit=1").Want(200).JSON(&runs)
	if len(runs.Runs) != 1 || runs.Next == "" || runs.Runs[0].Job_id == ran.Job_id {
		t.Fatalf("%+v", runs)
	}
	cursor := runs.Next
	runs.Next = ""
	c.Get(schedules + "/sweep/runs?limit=1&cursor=" + cursor).Want(200).JSON(&runs)
	if len(runs.Runs) != 1 || runs.Next != "" || runs.Runs[0].Job_id != ran.Job_id || runs.Runs[0].Outcome != "by_hand" {
		t.Fatalf("%+v", runs)
	}
	c.Get(schedules+"/sweep/runs?limit=0&cursor=x").WantProblem(422, "invalid", "limit", "cursor")

	a.RunJobs()
	a.Forget()
	c.PostJSON(schedules+"/sweep/resume", nil).Want(200, `"state":"active"`, "next_at")
	a.Expect(apptest.Happened{Audit: []string{"schedule.resumed"}})
	c.Do("DELETE", schedules+"/sweep", "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"schedule.removed"}, Rows: map[string]int{"queue_schedule": -1, "queue_schedule_run": -2}})
	for _, path := range []string{"", "/runs"} {
		c.Get(schedules+"/sweep"+path).WantProblem(404, "not_found")
	}
	for _, act := range []string{"pause", "resume", "run"} {
		c.PostJSON(schedules+"/sweep/"+act, nil).WantProblem(404, "not_found")
	}
	c.Do("DELETE", schedules+"/sweep", "", "").WantProblem(404, "not_found")
	a.ExpectNothing()
}

func TestWrongSchedulesAreRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	for name, fields := range map[string][]any{
		"cron":            {"cron", "61 * * * *"},
		"timezone":        {"timezone", "Mars/Olympus"},
		"missed":          {"missed", "all:0"},
		"kind":            {"kind", "no such kind"},
		"endpoint":        {"endpoint", "nowhere"},
		"queue":           {"queue", "app.default.x"},
		"priority":        {"priority", 10},
		"max_attempts":    {"max_attempts", 101},
		"timeout_seconds": {"timeout_seconds", -1},
		"args":            {"args", strings.Repeat("x", queue.MaxArgs)},
		"name":            {"name", "another"},
	} {
		c.put("wrong", "@daily", fields...).WantProblem(422, "invalid", name)
	}
	c.put("Wrong", "@daily").WantProblem(422, "invalid", "name")
	c.put("wrong", "TZ=0 * * * * *").WantProblem(422, "invalid", "cron")
	c.put("wrong", "0 0 30 2 *", "missed", "twice", "kind", "", "queue", "A").WantProblem(422, "invalid", "cron", "missed", "kind", "queue")
	c.put("wrong", "@daily", "when", "now").WantProblem(400, "bad_field", "when")
	c.put("wrong", "@daily", "overlap", "no").WantProblem(400, "bad_field", "overlap")
	c.Do("PUT", schedules+"/wrong", "application/x-www-form-urlencoded", "cron=@daily").Want(415)
	a.ExpectNothing()
	if n := a.Count("queue_schedule"); n != 0 {
		t.Errorf("%d schedules", n)
	}
}

// A schedule reaches an endpoint of the app and nothing else, whatever its kind is called.
func TestASchedulesKindIsNoneOfOurs(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.put("sly", "@hourly", "kind", "email.deliver", "args", map[string]any{"message": "msg_1"}).Want(201)
	c.put("slier", "@hourly", "kind", "queue.replay", "endpoint", "").Want(201)
	a.Clock.Advance(55 * time.Minute)
	a.RunJobs()
	if n := len(v.deliveries()); n != 2 {
		t.Errorf("%d deliveries", n)
	}
	if ours := a.Query(`SELECT count(*) FROM queue_schedule WHERE endpoint = ''`); ours != "0" {
		t.Errorf("%s schedules of ours", ours)
	}
}
