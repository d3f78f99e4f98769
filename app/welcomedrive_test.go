package app_test

import "seaworthy/app/apptest"

// driveWelcome does once what each route of the set-up is for.
func driveWelcome(a *apptest.App) map[string]func() {
	const page, api = "/-/admin/welcome", "/-/api/v1/setup"
	skip := func() { operator(a).Do("PUT", api+"/steps/plans/skip", "", "").Want(200) }
	resume := func() { operator(a).Do("DELETE", api+"/steps/plans/skip", "", "").Want(200) }
	return map[string]func(){
		"POST " + page + "/{step}/skip":        func() { operator(a).Post(page + "/app/skip").Want(200) },
		"POST " + page + "/{step}/resume":      func() { operator(a).Post(page + "/app/resume").Want(200) },
		"POST " + page + "/dismiss":            func() { operator(a).Post(page + "/dismiss").Want(200) },
		"POST " + page + "/restore":            func() { operator(a).Post(page + "/restore").Want(200) },
		"PUT " + api + "/steps/{step}/skip":    skip,
		"DELETE " + api + "/steps/{step}/skip": resume,
		"PUT " + api + "/dismissal":            func() { operator(a).Do("PUT", api+"/dismissal", "", "").Want(200) },
		"DELETE " + api + "/dismissal":         func() { operator(a).Do("DELETE", api+"/dismissal", "", "").Want(200) },
		"POST " + page + "/brand/save": func() {
			version := a.Query(`SELECT coalesce(max(version), 0) FROM email_brand`)
			operator(a).Post(page+"/brand/save", "version", version, "name", "Rockets", "accent", "#e11d48").Want(200)
		},
		"POST " + page + "/app/try": func() { operator(a).Post(page+"/app/try", "address", "http://127.0.0.1:9").Want(200) },
		"POST /-/api/v1/access/upstream/try": func() {
			operator(a).PostJSON("/-/api/v1/access/upstream/try", map[string]string{"address": "http://127.0.0.1:9"}).Want(202)
		},
		"POST " + page + "/providers/test": func() {
			operator(a).Post(page+"/providers/test", "provider", "inbox", "to", "op@example.com").Want(200)
		},
		"POST " + page + "/plans/make": func() {
			operator(a).Post(page+"/plans/make", "name", "Welcome", "amount", "29", "currency", "eur", "interval", "month", "trial_days", "0").Want(200)
		},
		"POST " + page + "/plans/read":        func() { operator(a).Post(page + "/plans/read").Want(200) },
		"POST /-/api/v1/billing/plans/import": func() { operator(a).PostJSON("/-/api/v1/billing/plans/import", nil).Want(202) },
	}
}
