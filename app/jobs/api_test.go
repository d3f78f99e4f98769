package jobs_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/queue"
)

const api = "/-/api/v1/jobs"

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

func TestBatch(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	c.Header.Set("Idempotency-Key", "nightly")
	first := c.Do("POST", api+"/batch", "application/x-ndjson", kinds(1000)).Want(201)
	var made struct{ Jobs []job }
	first.JSON(&made)
	if len(made.Jobs) != 1000 {
		t.Fatalf("%d jobs", len(made.Jobs))
	}
	for i, j := range made.Jobs {
		if j.Kind != fmt.Sprintf("report.%d", i) || i > 0 && j.ID <= made.Jobs[i-1].ID {
			t.Fatalf("job %d is %+v", i, j)
		}
	}
	if n := a.Count("queue_job"); n != 1000 {
		t.Errorf("%d rows", n)
	}
	if e := a.Events(1)[0]; e.Action != "job.enqueued" || !strings.Contains(string(e.Body), `"jobs":1000,`) {
		t.Errorf("event %s", e.Body)
	}
	a.Forget()
	if p := c.Do("POST", api+"/batch", "application/x-ndjson", kinds(1000)).Want(201); p.Body != first.Body || p.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("a repeat gets another answer")
	}
	c.Do("POST", api+"/batch", "application/x-ndjson", kinds(999)).WantProblem(422, "idempotency_key_reused")
	a.ExpectNothing()
}

func TestFaultyBatchesAddNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t, newReceiver(t, nil))
	c := newClient(a)
	const nd, list = "application/x-ndjson", "application/json"
	c.PostJSON(api, map[string]any{"kind": "report", "idempotency_key": "taken"}).Want(201)
	a.Forget()
	for name, w := range map[string]struct {
		kind, body string
		status     int
		code       string
		fields     []string
		words      string
	}{
		"a bad kind in line 3":       {nd, "{\"kind\":\"a\"}\n\n{\"kind\":\"!\"}\n", 422, "invalid", []string{"3.kind"}, "Job 3"},
		"no JSON in line 2":          {nd, "{\"kind\":\"a\"}\n{\"kind\":", 400, "malformed_json", nil, "Job 2"},
		"unknown field":              {list, `[{"kind":"a"},{"kind":"b","kinda":1}]`, 400, "bad_field", []string{"2.kinda"}, "Job 2"},
		"twice":                      {list, `[{"kind":"a","kind":"b"}]`, 400, "malformed_json", nil, ""},
		"unknown endpoint":           {list, `[{"kind":"a"},{"kind":"b","endpoint":"nowhere"}]`, 422, "invalid", []string{"2.endpoint"}, "Job 2"},
		"a key that was used before": {list, `[{"kind":"a"},{"kind":"other","idempotency_key":"taken"}]`, 422, "idempotency_key_reused", nil, "Job 2"},
		"a key that differs within":  {list, `[{"kind":"a","idempotency_key":"k"},{"kind":"b","idempotency_key":"k"}]`, 422, "idempotency_key_reused", nil, "Job 2"},
		"nothing":                    {list, `[]`, 400, "empty_batch", nil, ""},
		"blank lines":                {nd, "\n\n", 400, "empty_batch", nil, ""},
		"no list":                    {list, `{"kind":"a"}`, 400, "malformed_json", nil, ""},
		"an open list":               {list, `[{"kind":"a"}`, 400, "malformed_json", nil, ""},
		"more behind it":             {list, `[{"kind":"a"}] x`, 400, "malformed_json", nil, ""},
		"a list of numbers":          {list, `[1]`, 400, "bad_field", nil, "Job 1"},
		"too many":                   {nd, kinds(1001), 413, "too_large", nil, "1000"},
		"too many in a list":         {list, "[" + strings.Repeat(`{"kind":"a"},`, 1000) + `{"kind":"a"}]`, 413, "too_large", nil, "1000"},
		"too large":                  {list, `[{"kind":"a","args":"` + strings.Repeat("x", 5<<20) + `"}]`, 413, "too_large", nil, ""},
		"a form":                     {"application/x-www-form-urlencoded", "kind=a", 415, "unsupported_media_type", nil, ""},
	} {
		p := c.Do("POST", api+"/batch", w.kind, w.body).WantProblem(w.status, w.code, w.fields...)
		if !strings.Contains(p.Detail, w.words) {
			t.Errorf("%s: %s", name, p.Detail)
		}
	}
	c.Header.Set("Idempotency-Key", "k")
	c.Do("POST", api+"/batch", list, `[{"kind":"a","idempotency_key":"k"}]`).WantProblem(400, "bad_idempotency_key")
	a.ExpectNothing()
}

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

func TestPermissionsOfJobs(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	id := newClient(a).enqueue(map[string]any{"kind": "report", "delay_seconds": 60})
	calls := []struct{ permission, method, path, body string }{
		{"jobs:enqueue", "POST", api, `{"kind":"a"}`}, {"jobs:enqueue", "POST", api + "/batch", `[{"kind":"a"}]`},
		{"jobs:read", "GET", api, ""}, {"jobs:read", "GET", api + "/" + id, ""}, {"jobs:read", "GET", api + "/endpoints", ""}, {"jobs:read", "GET", api + "/endpoints/default", ""},
		{"jobs:manage", "POST", api + "/" + id + "/retry", ""}, {"jobs:manage", "POST", api + "/" + id + "/cancel", ""},
		{"jobs:endpoints", "POST", api + "/endpoints", `{"name":"x","url":"` + v.URL + `"}`}, {"jobs:endpoints", "PATCH", api + "/endpoints/x", `{"concurrency":2}`},
		{"jobs:endpoints", "POST", api + "/endpoints/x/rotate", ""}, {"jobs:endpoints", "DELETE", api + "/endpoints/x", ""},
	}
	keys := map[string]*apptest.Browser{}
	for _, p := range []string{"jobs:enqueue", "jobs:read", "jobs:manage", "jobs:endpoints"} {
		keys[p] = a.Key(p)
	}
	person := a.SignUp("ada@example.com")
	for _, call := range calls {
		for p, key := range keys {
			if p != call.permission {
				key.Do(call.method, call.path, "application/json", call.body).WantProblem(403, "forbidden")
			}
		}
		person.Do(call.method, call.path, "application/json", call.body).WantProblem(403, "forbidden")
		a.Browser().Do(call.method, call.path, "application/json", call.body).WantProblem(401, "signed_out")
		if p := keys[call.permission].Do(call.method, call.path, "application/json", call.body); p.Status >= 300 {
			t.Errorf("%s %s with %s: %d %s", call.method, call.path, call.permission, p.Status, p.Body)
		}
	}
	a.OrgKey(a.PersonalOrg("ada@example.com"), "org:read").Get(api).WantProblem(403, "forbidden")
	// Whoever changes where signed jobs go proves first who he is.
	operator := a.Operator("op@example.com")
	a.Clock.Advance(time.Hour)
	operator.PostJSON(api+"/endpoints", map[string]any{"name": "y", "url": v.URL}).WantProblem(401, "confirm_first")
	operator.PostJSON(api+"/endpoints/default/rotate", nil).WantProblem(401, "confirm_first")
	operator.Get(api+"/endpoints").Want(200, `"name":"default"`)
}

func TestEndpointsOverTheAPI(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, nil)
	a := newApp(t, v)
	c := newClient(a)
	at := api + "/endpoints"
	p := c.PostJSON(at, map[string]any{"name": "reports", "url": v.URL + "/r?token=hidden", "concurrency": 2, "timeout_seconds": 5}).Want(201, `"concurrency":2`, `"timeout_seconds":5`, "whsec_")
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.created"}, Rows: map[string]int{"jobs_endpoint": 1, "queue_setting": 1}})
	if strings.Contains(string(a.Events(1)[0].Body), "hidden") || strings.Contains(string(a.Events(1)[0].Body), "whsec_") {
		t.Errorf("event %s", a.Events(1)[0].Body)
	}
	if stored := a.Query(`SELECT secret FROM jobs_endpoint WHERE name = 'reports'`); strings.Contains(p.Body, stored) || strings.Contains(stored, "whsec_") {
		t.Error("the secret is stored as it is")
	}
	c.PostJSON(at, map[string]any{"name": "reports", "url": v.URL}).WantProblem(422, "invalid", "name")
	c.Get(at+"/reports").Want(200, "token=hidden")
	reader := a.Key("jobs:read")
	a.Forget()
	reader.Get(at+"/reports").Want(200, v.URL+"/r").Without("hidden")
	reader.Get(at).Want(200, v.URL+"/r").Without("hidden")
	for in, fields := range map[string]string{
		`{"name":"A","url":"` + v.URL + `"}`:                                      "name",
		`{"name":"jep_x","url":"` + v.URL + `"}`:                                  "name",
		`{"name":"x"}`:                                                            "url",
		`{"name":"x","url":"ftp://example.com"}`:                                  "url",
		`{"name":"x","url":"//example.com"}`:                                      "url",
		`{"name":"x","url":"http:example.com"}`:                                   "url",
		`{"name":"x","url":"http://u:p@a.example"}`:                               "url",
		`{"name":"x","url":"http://a.example/#f"}`:                                "url",
		`{"name":"x","url":"http://169.254.169.254/latest"}`:                      "url",
		`{"name":"x","url":"http://10.0.0.1:8080"}`:                               "url",
		`{"name":"x","url":"http://[::ffff:10.0.0.1]"}`:                           "url",
		`{"name":"x","url":"http://[fd00::1]/"}`:                                  "url",
		`{"name":"x","url":"` + v.URL + `","concurrency":17}`:                     "concurrency",
		`{"name":"x","url":"` + v.URL + `","timeout_seconds":-1}`:                 "timeout_seconds",
		`{"name":"x","url":"http://a.example/` + strings.Repeat("x", 2000) + `"}`: "url",
	} {
		c.Do("POST", at, "application/json", in).WantProblem(422, "invalid", fields)
	}
	a.ExpectNothing()
	c.Do("PATCH", at+"/reports", "application/json", `{"url":"`+v.URL+`/other","concurrency":3,"timeout_seconds":5}`).Want(200, "/other", `"concurrency":3`)
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.changed"}})
	c.Do("PATCH", at+"/reports", "application/json", `{"enabled":false,"concurrency":4}`).Want(200, `"enabled":false`, `"disabled_why":"operator"`)
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.changed", "job_endpoint.disabled"}})
	c.Do("PATCH", at+"/reports", "application/json", `{"enabled":false}`).Want(200)
	c.Do("PATCH", at+"/reports", "application/json", `{"name":"other"}`).WantProblem(400, "bad_field", "name")
	c.Do("PATCH", at+"/reports", "application/json", `{"url":"http://10.0.0.1"}`).WantProblem(422, "invalid", "url")
	c.Do("PATCH", at+"/default", "application/json", `{"url":"http://a.example"}`).WantProblem(409, "configured")
	c.Do("DELETE", at+"/default", "", "").WantProblem(409, "configured")
	for _, call := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"POST", "/rotate"}} {
		c.Do(call[0], at+"/nowhere"+call[1], "application/json", "{}").WantProblem(404, "not_found")
	}
	a.ExpectNothing()
	id := c.enqueue(map[string]any{"kind": "report", "endpoint": "reports"})
	c.Do("DELETE", at+"/reports", "", "").Want(204)
	a.RunJobs()
	if j := c.job(id); j.State != "dead" || !strings.HasPrefix(j.Endpoint, "jep_") || !strings.Contains(j.Error, "deleted") || len(v.deliveries()) != 0 {
		t.Errorf("%+v", j)
	}
}

func TestEndpointsInProduction(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.SMTPURL, c.URL, c.AppJobsURL, c.JobsAllow = "smtp://mail.example.com:25", strings.Replace(c.URL, "http:", "https:", 1), "http://app.internal:3000/jobs", "10.1.0.0/16"
	})
	c := newClient(a)
	made := 0
	for url, ok := range map[string]bool{"https://app.example.com/jobs": true, "http://app.example.com/jobs": false, "http://127.0.0.1:3000/": false, "http://localhost:3000/": false,
		"http://app.internal:3000/reports": true, "http://app.internal:3001/reports": false, "https://10.1.2.3/": true, "https://10.2.2.3/": false} {
		p := c.PostJSON(api+"/endpoints", map[string]any{"name": fmt.Sprint("e", made), "url": url})
		made++
		if (p.Status == 201) != ok {
			t.Errorf("%s: %d %s", url, p.Status, p.Body)
		}
	}
}
