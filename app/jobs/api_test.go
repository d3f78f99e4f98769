package jobs_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/queue"
)

const api = "/-/api/v1/jobs"

func TestFaultsOfJobsAreNamed(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	for body, want := range map[string]string{
		`{}`:                       "kind",
		`{"kind":""}`:              "kind",
		`{"kind":"a b"}`:           "kind",
		`{"kind":"a\r\nX-Evil:1"}`: "kind",
		`{"kind":"` + strings.Repeat("a", 101) + `"}`:                       "kind",
		`{"kind":"a","queue":"A"}`:                                          "queue",
		`{"kind":"a","queue":"a.b"}`:                                        "queue",
		`{"kind":"a","endpoint":"nowhere"}`:                                 "endpoint",
		`{"kind":"a","delay_seconds":-1}`:                                   "delay_seconds",
		`{"kind":"a","delay_seconds":40000000}`:                             "delay_seconds",
		`{"kind":"a","run_at":"2026-11-23T00:00:00Z","delay_seconds":1}`:    "delay_seconds",
		`{"kind":"a","run_at":"2099-01-01T00:00:00Z"}`:                      "run_at",
		`{"kind":"a","run_at":"0001-01-01T00:00:05Z"}`:                      "run_at",
		`{"kind":"a","priority":10}`:                                        "priority",
		`{"kind":"a","max_attempts":101}`:                                   "max_attempts",
		`{"kind":"a","max_attempts":-1}`:                                    "max_attempts",
		`{"kind":"a","timeout_seconds":901}`:                                "timeout_seconds",
		`{"kind":"a","unique":{"key":""}}`:                                  "unique.key",
		`{"kind":"a","unique":{"key":"k","window_seconds":-1}}`:             "unique.window_seconds",
		`{"kind":"a","concurrency":{"key":"k"}}`:                            "concurrency.limit",
		`{"kind":"a","concurrency":{"key":"","limit":17}}`:                  "concurrency.key,concurrency.limit",
		`{"kind":"a","args":"` + strings.Repeat("x", queue.MaxArgs) + `"}`:  "args",
		`{"kind":"a","idempotency_key":"` + strings.Repeat("x", 256) + `"}`: "idempotency_key",
	} {
		c.Do("POST", api, "application/json", body).WantProblem(422, "invalid", strings.Split(want, ",")...)
	}
	for body, want := range map[string]string{
		`{"kind":"a","state":"completed"}`:        "state",
		`{"kind":"a","run_at":"tomorrow"}`:        "run_at",
		`{"kind":"a","unique":{"key":"k","a":1}}`: "unique.a",
		`{"kind":1}`: "kind",
	} {
		c.Do("POST", api, "application/json", body).WantProblem(400, "bad_field", want)
	}
	for _, body := range []string{``, `{}x`, `{"kind":"a"}{"kind":"b"}`, "{\"kind\":\"a\",\"args\":\"\xff\"}"} {
		c.Do("POST", api, "application/json", body).WantProblem(400, "malformed_json")
	}
	c.Do("POST", api, "text/plain", `{"kind":"a"}`).WantProblem(415, "unsupported_media_type")
	a.ExpectNothing()
	for body, args := range map[string]string{
		`{"kind":"a"}`: "<nil>",
		`{"kind":"a.b:c/d-E_1","args":[1,"x",null]}`:   "[1 x <nil>]",
		`{"kind":"a","args":{"a":{"a":1}}}`:            "map[a:map[a:1]]",
		`{"kind":"a","run_at":"2020-01-01T00:00:00Z"}`: "<nil>",
		`{"kind":"a","run_at":"2026-11-22T15:05:01+01:00","queue":"reports_1","priority":-9,"max_attempts":1,"timeout_seconds":900,"unique":{"key":"k","window_seconds":60},"concurrency":{"key":"k","limit":1},"args":false}`: "false",
	} {
		var made job
		c.Do("POST", api, "application/json", body).Want(201).JSON(&made)
		if j := c.job(made.ID); fmt.Sprint(j.Args) != args {
			t.Errorf("%s: args %v", body, j.Args)
		}
	}
}

func TestUniqueAndConcurrency(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	unique := map[string]any{"kind": "sync", "unique": map[string]any{"key": "acme", "window_seconds": 3600}}
	id := c.enqueue(unique)
	a.RunJobs()
	a.Forget()
	c.PostJSON(api, unique).Want(200, id, `"duplicate":true`)
	a.ExpectNothing()
	a.Clock.Advance(time.Hour + time.Second)
	if again := c.enqueue(unique); again == id {
		t.Error("the window never ends")
	}
	a.RunJobs()
	one := map[string]any{"kind": "import", "concurrency": map[string]any{"key": "acme", "limit": 1}}
	first, second := c.enqueue(one), c.enqueue(one)
	if c.job(first).State != "available" || c.job(second).State != "blocked" {
		t.Errorf("%+v %+v", c.job(first), c.job(second))
	}
	a.RunJobs()
	if c.job(second).State != "completed" {
		t.Errorf("%+v", c.job(second))
	}
}

func TestCancelAndRetry(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(422, "no"))
	a := newApp(t, v)
	c := newClient(a)
	id := c.enqueue(map[string]any{"kind": "report", "delay_seconds": 3600})
	a.Forget()
	c.PostJSON(api+"/"+id+"/retry", nil).Want(200, `"state":"available"`)
	a.Expect(apptest.Happened{Audit: []string{"job.retried"}})
	c.PostJSON(api+"/"+id+"/retry", nil).WantProblem(409, "not_waiting")
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"report dead"}})
	c.PostJSON(api+"/"+id+"/cancel", nil).WantProblem(409, "finished")
	v.answers(nil)
	a.Clock.Advance(time.Second)
	c.PostJSON(api+"/"+id+"/retry", nil).Want(200, `"state":"available"`, `"attempt":0`)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"job.retried"}, Ran: []string{"report completed"}})
	if j := c.job(id); len(j.Attempts) != 2 || j.Attempts[0].Snippet != "no" {
		t.Errorf("%+v", j)
	}
	id = c.enqueue(map[string]any{"kind": "report"})
	a.Forget()
	c.PostJSON(api+"/"+id+"/cancel", nil).Want(200, `"state":"cancelled"`)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"job.cancelled"}})
	c.PostJSON(api+"/job_nobody/cancel", nil).WantProblem(404, "not_found")
	c.PostJSON(api+"/job_nobody/retry", nil).WantProblem(404, "not_found")
	c.Get(api+"/job_nobody").WantProblem(404, "not_found")
	a.ExpectNothing()
}

func TestCancelWhileItIsDelivered(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	v := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(gone) })
	a := newApp(t, v)
	c := newClient(a)
	id := c.enqueue(map[string]any{"kind": "report"})
	a.Must(a.Queue.Start(t.Context()))
	t.Cleanup(func() { a.Queue.Stop(t.Context()) })
	wait(t, "it is delivered", func() bool { return len(v.deliveries()) == 1 })
	c.PostJSON(api+"/"+id+"/cancel", nil).Want(200)
	<-gone
	wait(t, "it is cancelled", func() bool { return c.job(id).State == "cancelled" })
}

func TestListOfJobs(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.endpoint("second", v.URL)
	for i := range 5 {
		c.enqueue(map[string]any{"kind": fmt.Sprint("kind", i%2), "queue": fmt.Sprint("q", i%2), "delay_seconds": i * 60})
	}
	other := c.enqueue(map[string]any{"kind": "kind0", "endpoint": "second"})
	a.RunJobs()
	list := func(query string) (ids []string, next string) {
		t.Helper()
		var l struct {
			Jobs []job
			Next string `json:"next_cursor"`
		}
		c.Get(api + "?" + query).Want(200).Without(`"args"`).JSON(&l)
		for _, j := range l.Jobs {
			ids = append(ids, j.ID)
		}
		return ids, l.Next
	}
	for query, want := range map[string]int{"": 6, "state=completed": 2, "state=scheduled": 4, "kind=kind1": 2, "kind=kind0&state=scheduled": 2, "queue=q1": 2, "endpoint=second": 1,
		"endpoint=default": 5, "endpoint=second&queue=q1": 0, "endpoint=default&queue=q0&state=completed": 1, "kind=nothing": 0, "endpoint=nothing": 0} {
		if ids, _ := list(query); len(ids) != want {
			t.Errorf("%s: %d jobs, want %d", query, len(ids), want)
		}
	}
	var seen []string
	for next := ""; ; {
		ids, after := list("limit=4&cursor=" + next)
		seen = append(seen, ids...)
		if next = after; next == "" {
			break
		}
	}
	if len(seen) != 6 || seen[0] != other {
		t.Errorf("pages: %v", seen)
	}
	for query, field := range map[string]string{"state=done": "state", "limit=0": "limit", "limit=201": "limit", "cursor=x": "cursor", "queue=A": "queue"} {
		c.Get(api+"?"+query).WantProblem(422, "invalid", field)
	}
	// What our own jobs were given is told to nobody.
	a.SignUp("ada@example.com")
	own := a.Query(`SELECT id FROM queue_job WHERE endpoint IS NULL LIMIT 1`)
	if j := c.job(own); j.Args != nil || j.Endpoint != "" || j.Kind == "" {
		t.Errorf("%+v", j)
	}
}
