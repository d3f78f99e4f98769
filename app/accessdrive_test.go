package app_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"seaworthy/app/apptest"
)

// driveAccess does once what each route of access rules is for.
func driveAccess(t *testing.T, a *apptest.App) map[string]func() {
	t.Helper()
	const api, page = "/-/api/v1/access/rules", "/-/admin/access"
	n := 0
	version := func() int64 {
		var is struct{ Version int64 }
		a.Key("access:read").Get(api).Want(200).JSON(&is)
		return is.Version
	}
	put := func() {
		n++
		raw, err := json.Marshal(map[string]any{"version": version(), "rules": []map[string]any{{"path": fmt.Sprintf("/a%d", n)}, {"path": fmt.Sprintf("/b%d", n)}}})
		a.Must(err)
		a.Key("access:manage").Do("PUT", api, "application/json", string(raw)).Want(200)
	}
	at := func() string { return strconv.FormatInt(version(), 10) }
	return map[string]func(){
		"PUT " + api: put,
		"POST " + page + "/new-rule": func() {
			n++
			operator(a).Post(page+"/new-rule", "version", at(), "path", fmt.Sprint("/n", n), "who", "signed_in", "at", "1").Want(200)
		},
		"POST " + page + "/rules/{n}": func() {
			put()
			operator(a).Post(page+"/rules/1", "version", at(), "path", fmt.Sprint("/c", n), "who", "public", "at", "2").Want(200)
		},
		"POST " + page + "/rules/{n}/move":   func() { put(); operator(a).Post(page+"/rules/1/move", "version", at(), "to", "down").Want(200) },
		"POST " + page + "/rules/{n}/delete": func() { put(); operator(a).Post(page+"/rules/1/delete", "version", at()).Want(200) },
		"POST " + page + "/restore": func() {
			put()
			before := at()
			put()
			operator(a).Post(page+"/restore", "version", at(), "earlier", before).Want(200)
		},
	}
}
