package app_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

// driveSending does once what each route of sending and of providers is for.
func driveSending(t *testing.T, a *apptest.App) map[string]func() {
	t.Helper()
	const api, page = "/-/api/v1/email", "/-/admin/email"
	key := func() *apptest.Browser { return a.Key("email:send", "email:manage") }
	send := func(later bool) string {
		in := map[string]any{"to": "ada@example.com", "subject": "Hello", "text": "Hello"}
		if later {
			in["send_at"] = a.Clock.Now().Add(time.Hour)
		}
		var out struct{ Messages []struct{ ID string } }
		key().PostJSON(api+"/send", in).Want(202).JSON(&out)
		return out.Messages[0].ID
	}
	cancelled := func() string {
		id := send(true)
		key().Post(api + "/messages/" + id + "/cancel").Want(200)
		return id
	}
	rests := func() {
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO email_provider (name, state, until, probe_until, failures, trips, slow, slow_until, error, error_at, changed_at) VALUES ('inbox', 'stopped', 0, 0, 0, 0, 0, 0, 'x', 0, 0)
				ON CONFLICT (name) DO UPDATE SET state = 'stopped'`)
			return err
		}))
	}
	return map[string]func(){
		"POST " + api + "/send":                   func() { send(false) },
		"POST " + api + "/messages/{id}/cancel":   func() { cancelled() },
		"POST " + api + "/messages/{id}/resend":   func() { key().Post(api + "/messages/" + cancelled() + "/resend").Want(200) },
		"POST " + page + "/messages/{id}/cancel":  func() { operator(a).Post(page + "/messages/" + send(true) + "/cancel").Want(200) },
		"POST " + page + "/messages/{id}/resend":  func() { operator(a).Post(page + "/messages/" + cancelled() + "/resend").Want(200) },
		"POST " + api + "/providers/{name}/retry": func() { rests(); key().Post(api + "/providers/inbox/retry").Want(200) },
		"POST " + api + "/providers/{name}/test": func() {
			key().PostJSON(api+"/providers/inbox/test", map[string]string{"to": "ada@example.com"}).Want(202)
		},
		"POST " + page + "/providers/{name}/retry": func() { rests(); operator(a).Post(page + "/providers/inbox/retry").Want(200) },
		"POST " + page + "/providers/{name}/test":  func() { operator(a).Post(page+"/providers/inbox/test", "to", "ada@example.com").Want(200) },
	}
}
