package app_test

import (
	"errors"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

// anError is the id of an issue there is.
func anError(a *apptest.App) string {
	a.T.Helper()
	a.Observe.Capture(a.T.Context(), errors.New("the bridge is out, and this is a rather long message that says so without any blank: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	a.Observe.Flush()
	page, err := a.Observe.Issues(a.T.Context(), observe.IssueFilter{Limit: 1})
	a.Must(err)
	return page.Errors[0].ID
}

// driveErrors are the mutating routes of errors.
func driveErrors(a *apptest.App) map[string]func() {
	return map[string]func(){
		"POST /-/admin/errors/{id}": func() { operator(a).Post("/-/admin/errors/"+anError(a), "act", "resolve").Want(200) },
		"PATCH /-/api/v1/errors/{id}": func() {
			a.Key("errors:manage").Do("PATCH", "/-/api/v1/errors/"+anError(a), "application/json", `{"status":"ignored"}`).Want(200)
		},
	}
}
