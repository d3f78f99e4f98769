package app_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"seaworthy/app/apptest"
)

// driveJobs drives the mutating routes of jobs.
func driveJobs(a *apptest.App) map[string]func() {
	const jobs, endpoints = "/-/api/v1/jobs", "/-/api/v1/jobs/endpoints"
	made := 0
	// endpoint makes one and returns its name.
	endpoint := func() string {
		made++
		name := "app-" + strconv.Itoa(made)
		a.Key("jobs:*").PostJSON(endpoints, map[string]any{"name": name, "url": "http://127.0.0.1:9/jobs"}).Want(201)
		return name
	}
	// waiting is a job that waits for its time.
	waiting := func() string {
		p := a.Key("jobs:*").PostJSON(jobs, map[string]any{"kind": "report", "endpoint": endpoint(), "delay_seconds": 3600}).Want(201)
		return p.Header.Get("Location")
	}
	const schedules = jobs + "/schedules"
	// schedule makes one and returns its path.
	schedule := func() string {
		at := endpoint()
		a.Key("jobs:manage").Do("PUT", schedules+"/"+at, "application/json", `{"cron":"@yearly","kind":"report","endpoint":"`+at+`"}`).Want(201)
		return schedules + "/" + at
	}
	return map[string]func(){
		"PUT " + schedules + "/{name}":        func() { schedule() },
		"DELETE " + schedules + "/{name}":     func() { a.Key("jobs:manage").Do("DELETE", schedule(), "", "").Want(204) },
		"POST " + schedules + "/{name}/run":   func() { a.Key("jobs:manage").PostJSON(schedule()+"/run", nil).Want(201) },
		"POST " + schedules + "/{name}/pause": func() { a.Key("jobs:manage").PostJSON(schedule()+"/pause", nil).Want(200) },
		"POST " + schedules + "/{name}/resume": func() {
			path := schedule()
			a.Key("jobs:manage").PostJSON(path+"/pause", nil).Want(200)
			a.Key("jobs:manage").PostJSON(path+"/resume", nil).Want(200)
		},
		"POST " + jobs + "/{id}/complete": func() {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a.Key("jobs:enqueue").PostJSON(jobs+"/"+r.Header.Get("webhook-id")+"/complete", map[string]any{}).Want(202)
				w.Header().Set("Seaworthy-Ack", "manual")
				w.WriteHeader(202)
			}))
			defer server.Close()
			key := a.Key("jobs:*")
			key.PostJSON(endpoints, map[string]any{"name": "manual", "url": server.URL}).Want(201)
			key.PostJSON(jobs, map[string]any{"kind": "report", "endpoint": "manual"}).Want(201)
			a.RunJobs()
		},
		"POST " + jobs: func() { waiting() },
		"POST " + jobs + "/batch": func() {
			body := strings.ReplaceAll(`[{"kind":"a","endpoint":"E","delay_seconds":60},{"kind":"b","endpoint":"E","delay_seconds":60}]`, "E", endpoint())
			a.Key("jobs:enqueue").Do("POST", jobs+"/batch", "application/json", body).Want(201)
		},
		"POST " + jobs + "/{id}/cancel": func() { a.Key("jobs:manage").PostJSON(waiting()+"/cancel", nil).Want(200) },
		"POST " + jobs + "/{id}/retry":  func() { a.Key("jobs:manage").PostJSON(waiting()+"/retry", nil).Want(200) },
		"POST " + jobs + "/replay": func() {
			a.Key("jobs:manage").PostJSON(jobs+"/replay", map[string]any{"state": "cancelled", "kind": "report"}).Want(202)
		},
		"POST " + jobs + "/queues/{queue}/pause": func() { a.Key("jobs:manage").PostJSON(jobs+"/queues/app.a.slow/pause", nil).Want(204) },
		"POST " + jobs + "/queues/{queue}/resume": func() {
			a.Key("jobs:manage").PostJSON(jobs+"/queues/app.b.slow/pause", nil).Want(204)
			a.Key("jobs:manage").PostJSON(jobs+"/queues/app.b.slow/resume", nil).Want(204)
		},
		"POST " + endpoints: func() { endpoint() },
		"PATCH " + endpoints + "/{endpoint}": func() {
			a.Key("jobs:endpoints").Do("PATCH", endpoints+"/"+endpoint(), "application/json", `{"enabled":false}`).Want(200)
		},
		"POST " + endpoints + "/{endpoint}/rotate": func() { a.Key("jobs:endpoints").PostJSON(endpoints+"/"+endpoint()+"/rotate", nil).Want(200) },
		"DELETE " + endpoints + "/{endpoint}":      func() { a.Key("jobs:endpoints").Do("DELETE", endpoints+"/"+endpoint(), "", "").Want(204) },
	}
}
