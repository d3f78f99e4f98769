package jobs_test

import (
	"fmt"
	"strings"
	"testing"
)

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
