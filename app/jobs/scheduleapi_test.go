package jobs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/queue"
	"seaworthy/store"
)

// ofProgram is an app whose program has a schedule.
func ofProgram(t *testing.T, v *receiver) *apptest.App {
	t.Helper()
	a := newApp(t, v)
	queue.Cron(a.Queue, "ours", "@hourly", "", queue.Skip, chore{Password: "hunter2"})
	queue.Handle(a.Queue, func(_ context.Context, _ queue.Job[chore]) error { return nil })
	a.RunJobs()
	a.Forget()
	return a
}

func TestASchedulesOfTheProgram(t *testing.T) {
	t.Parallel()
	a := ofProgram(t, newReceiver(t, nil))
	c := newClient(a)
	if p := c.schedule("ours"); !p.OfProgram || p.Kind != "test.chore" || p.Args != nil || p.Endpoint != "" || p.Timeout != 60 {
		t.Errorf("%+v", p)
	}
	c.put("ours", "@daily").WantProblem(409, "of_program")
	c.Do("DELETE", schedules+"/ours", "", "").WantProblem(409, "of_program")
	a.ExpectNothing()
	c.PostJSON(schedules+"/ours/pause", nil).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"schedule.paused"}})
	c.PostJSON(schedules+"/ours/run", nil).Want(201)
	a.Expect(apptest.Happened{Audit: []string{"schedule.run_by_hand"}, Jobs: []string{"test.chore"}, Rows: map[string]int{"queue_schedule_run": 1}})
	c.PostJSON(schedules+"/ours/resume", nil).Want(200)
	a.Forget()

	// The program has it no more: people may take it away, and nothing else.
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE queue_schedule SET retired_at = 1, next_at = NULL WHERE name = 'ours'`)
		return err
	}))
	c.PostJSON(schedules+"/ours/pause", nil).WantProblem(409, "retired")
	c.PostJSON(schedules+"/ours/run", nil).WantProblem(409, "retired")
	a.ExpectNothing()
	c.Do("DELETE", schedules+"/ours", "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"schedule.removed"}, Rows: map[string]int{"queue_schedule": -1, "queue_schedule_run": -1}})
}

func TestSchedulesNeedPermissions(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	newClient(a).put("mine", "@daily").Want(201)
	reader, stranger := client{a.Key("jobs:read"), a}, client{a.Key("jobs:enqueue"), a}
	a.Forget()
	reader.Get(schedules).Want(200, `"name":"mine"`)
	reader.Get(schedules + "/mine/runs").Want(200)
	stranger.Get(schedules).Want(403)
	stranger.Get(schedules + "/mine").Want(403)
	for _, who := range []client{reader, stranger} {
		who.put("mine", "@hourly").Want(403)
		who.put("other", "@hourly").Want(403)
		who.Do("DELETE", schedules+"/mine", "", "").Want(403)
		for _, act := range []string{"pause", "resume", "run"} {
			who.PostJSON(schedules+"/mine/"+act, nil).Want(403)
		}
	}
	a.Browser().Get(schedules).Want(401)
	a.ExpectNothing()
}

// The endpoint of a schedule may go; the schedule says so.
func TestAScheduleWhoseEndpointWasDeleted(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.endpoint("side", v.URL, "timeout_seconds", 7)
	c.put("orphan", "@hourly", "endpoint", "side", "queue", "slow").Want(201)
	if p := c.schedule("orphan"); p.Endpoint != "side" || p.Queue != "slow" || p.Timeout != 7 {
		t.Errorf("%+v", p)
	}
	c.Do("DELETE", api+"/endpoints/side", "", "").Want(204)
	if p := c.schedule("orphan"); !strings.HasPrefix(p.Endpoint, "jep_") || p.Queue != "slow" {
		t.Errorf("%+v", p)
	}
	a.Clock.Advance(55 * time.Minute)
	a.Forget()
	a.RunJobs()
	if n := a.Query(`SELECT count(*) FROM queue_job WHERE state = 'dead' AND last_error LIKE '%endpoint was deleted%'`); n != "1" || len(v.deliveries()) != 0 {
		t.Errorf("%s dead letters, %d deliveries", n, len(v.deliveries()))
	}
	c.put("orphan", "@hourly").Want(200, `"endpoint":"default"`)
}

type chore struct {
	Password string `json:"password"`
}

func (chore) Kind() string { return "test.chore" }
