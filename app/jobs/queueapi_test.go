package jobs_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/jobs"
)

func TestQueuesOverTheAPI(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	queues := func() map[string]jobs.QueueState {
		t.Helper()
		var list struct{ Queues []jobs.QueueState }
		c.Get(api + "/queues").Want(200).JSON(&list)
		all := map[string]jobs.QueueState{}
		for _, q := range list.Queues {
			all[q.Name] = q
		}
		return all
	}
	id := c.enqueue(map[string]any{"kind": "report", "queue": "slow"})
	a.Clock.Advance(90 * time.Second)
	if q := queues()["app.default.slow"]; q.Waiting != 1 || q.Oldest != 90 || q.Running != 0 || q.Paused {
		t.Errorf("%+v", q)
	}
	if q := queues()["app.default.default"]; q.Concurrency != 8 || q.Waiting != 0 {
		t.Errorf("%+v", q)
	}
	a.Forget()
	pause := api + "/queues/app.default.slow"
	for range 2 {
		c.PostJSON(pause+"/pause", nil).Want(204)
	}
	a.Expect(apptest.Happened{Audit: []string{"queue.paused"}, Rows: map[string]int{"queue_setting": 1}})
	if q := queues()["app.default.slow"]; !q.Paused || !strings.HasPrefix(q.PausedBy, "key:") || q.PausedAt == nil || !q.PausedAt.Equal(a.Clock.Now()) {
		t.Errorf("%+v", q)
	}
	a.RunJobs()
	if c.job(id).State != "available" {
		t.Errorf("a paused queue runs: %+v", c.job(id))
	}
	a.Forget()
	for range 2 {
		c.PostJSON(pause+"/resume", nil).Want(204)
	}
	a.Expect(apptest.Happened{Audit: []string{"queue.resumed"}})
	a.RunJobs()
	if c.job(id).State != "completed" {
		t.Errorf("%+v", c.job(id))
	}
	a.Forget()
	reader := a.Key("jobs:read")
	a.Forget()
	reader.Get(api + "/queues").Want(200)
	reader.PostJSON(pause+"/pause", nil).WantProblem(403, "forbidden")
	reader.PostJSON(api+"/replay", map[string]any{"state": "dead"}).WantProblem(403, "forbidden")
	a.Browser().Get(api+"/queues").WantProblem(401, "signed_out")
	c.PostJSON(api+"/queues/a%0Ab/pause", nil).WantProblem(404, "not_found")
	a.ExpectNothing()
}

func TestListsByLane(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	slow, usual := c.enqueue(map[string]any{"kind": "report", "queue": "slow"}), c.enqueue(map[string]any{"kind": "report"})
	for query, want := range map[string]string{
		"lane=app.default.slow":                   slow,
		"lane=app.default.default":                usual,
		"queue=slow&endpoint=default":             slow,
		"lane=app.default.slow&endpoint=default":  slow,
		"lane=app.default.slow&state=available":   slow,
		"lane=app.default.slow&state=dead":        "",
		"lane=default":                            "",
		"org=org_none":                            "",
		"lane=app.default.default&kind=report":    usual,
		"lane=app.default.default&kind=something": "",
	} {
		var page jobs.JobPage
		c.Get(api + "?" + query).Want(200).JSON(&page)
		got := ""
		for _, j := range page.Jobs {
			got += j.ID
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	c.Get(api+"?lane=a&queue=b").WantProblem(422, "invalid", "lane")
	c.Get(api+"?lane=a%0Ab").WantProblem(422, "invalid", "lane")
	c.Get(api+"?org="+strings.Repeat("x", 101)).WantProblem(422, "invalid", "org")
}

func TestReplayOverTheAPI(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(422, "no"))
	a := newApp(t, v)
	c := newClient(a)
	a1, b1, other := c.enqueue(map[string]any{"kind": "a"}), c.enqueue(map[string]any{"kind": "b"}), c.enqueue(map[string]any{"kind": "a", "queue": "slow"})
	a.RunJobs()
	v.answers(nil)
	a.Forget()
	for body, field := range map[string]string{`{}`: "state", `{"state":"running"}`: "state", `{"state":"dead","lane":"a\nb"}`: "lane"} {
		c.Do("POST", api+"/replay", "application/json", body).WantProblem(422, "invalid", field)
	}
	a.ExpectNothing()
	var made struct{ ID string }
	c.PostJSON(api+"/replay", map[string]any{"state": "dead", "kind": "a", "lane": "app.default.default", "endpoint": "default"}).Want(202).JSON(&made)
	a.Expect(apptest.Happened{Audit: []string{"jobs.replayed"}, Jobs: []string{"queue.replay"}})
	a.Clock.Advance(time.Second)
	a.RunJobs()
	for id, want := range map[string]string{made.ID: "completed", a1: "completed", b1: "dead", other: "dead"} {
		if j := c.job(id); j.State != want {
			t.Errorf("%s: %+v, want %s", j.Kind, j, want)
		}
	}
}
