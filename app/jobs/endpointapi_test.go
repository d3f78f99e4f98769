package jobs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

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
