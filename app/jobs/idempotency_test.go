package jobs_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestIdempotentRequests(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.Header.Set("Idempotency-Key", "order 7")
	first := c.Do("POST", api, "application/json", `{"kind":"report","args":{"n":1,"m":2},"delay_seconds":60}`).Want(201)
	if first.Header.Get("Idempotency-Replayed") != "" || !strings.HasPrefix(first.Header.Get("Location"), api+"/job_") {
		t.Errorf("headers %v", first.Header)
	}
	a.Expect(apptest.Happened{Audit: []string{"job.enqueued"}, Jobs: []string{"report"}})
	again := func(words string) {
		t.Helper()
		// Another spelling of the same request, while it waits and when it has finished.
		p := c.Do("POST", api, "application/json", ` {"delay_seconds": 60, "args":{"m":2,"n":1},"kind":"report"}`).Want(201)
		if p.Body != first.Body || p.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: %s\nthe first was %s", words, p.Body, first.Body)
		}
	}
	again("waiting")
	a.ExpectNothing()
	a.Clock.Advance(2 * time.Minute)
	a.RunJobs()
	a.Forget()
	again("finished")
	a.Clock.Advance(7*24*time.Hour - time.Minute)
	again("a week later")
	c.Do("POST", api, "application/json", `{"kind":"report","args":{"n":2}}`).WantProblem(422, "idempotency_key_reused")
	c.Do("POST", api, "application/json", `{"kind":"report","args":{"n":1,"m":2},"delay_seconds":60.5}`).WantProblem(400, "bad_field", "delay_seconds")
	c.Do("POST", api+"/batch", "application/json", `[{"kind":"report"}]`).Want(201) // another route, another namespace
	a.Forget()
	// Another caller's keys are his own.
	other := a.Key("jobs:enqueue")
	other.Header.Set("Idempotency-Key", "order 7")
	a.Forget()
	other.Do("POST", api, "application/json", `{"kind":"other"}`).Want(201)
	a.Expect(apptest.Happened{Audit: []string{"job.enqueued"}, Jobs: []string{"other"}})
}

// Numbers beyond 2^53 are different ones, whatever a language makes of them.
func TestBigNumbersAreNotTheSameRequest(t *testing.T) {
	t.Parallel()
	c := newClient(newApp(t, newReceiver(t, nil)))
	c.Header.Set("Idempotency-Key", "k")
	c.Do("POST", api, "application/json", `{"kind":"report","args":9007199254740993}`).Want(201)
	c.Do("POST", api, "application/json", `{"kind":"report","args":9007199254740992}`).WantProblem(422, "idempotency_key_reused")
}

func TestIdempotencyKeyInTheBody(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	in := map[string]any{"kind": "report", "idempotency_key": "order 8"}
	first := c.PostJSON(api, in).Want(201)
	if p := c.PostJSON(api, in).Want(201); p.Body != first.Body || p.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s", p.Body)
	}
	c.Header.Set("Idempotency-Key", "order 8")
	c.PostJSON(api, in).Want(201)
	c.Header.Set("Idempotency-Key", "order 9")
	c.PostJSON(api, in).WantProblem(400, "bad_idempotency_key")
	a.Expect(apptest.Happened{Audit: []string{"job.enqueued"}, Jobs: []string{"report"}})
	for _, bad := range []string{strings.Repeat("x", 256), "a\u200bb"} {
		c.Header.Set("Idempotency-Key", bad)
		c.PostJSON(api, map[string]any{"kind": "report"}).WantProblem(400, "bad_idempotency_key")
	}
	c.Header["Idempotency-Key"] = []string{"a", "b"}
	c.PostJSON(api, map[string]any{"kind": "report"}).WantProblem(400, "bad_idempotency_key")
	a.ExpectNothing()
}

func TestParallelRequestsMakeOneJob(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	c.Header.Set("Idempotency-Key", "once")
	var all sync.WaitGroup
	var mu sync.Mutex
	bodies := map[string]int{}
	for range 16 {
		all.Go(func() {
			p := c.PostJSON(api, map[string]any{"kind": "report"})
			mu.Lock()
			defer mu.Unlock()
			bodies[fmt.Sprint(p.Status, p.Body)]++
		})
	}
	all.Wait()
	if len(bodies) != 1 {
		t.Errorf("%v", bodies)
	}
	a.Expect(apptest.Happened{Audit: []string{"job.enqueued"}, Jobs: []string{"report"}})
}
