package app_test

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/launch"
	"seaworthy/app/ops"
	"seaworthy/store"
)

func TestLaunchDismissal(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Operator("ada@example.com")
	a.RunJobs()
	a.Forget()
	score := func() (r ops.LaunchJSON) {
		t.Helper()
		ada.Get("/-/api/v1/launch").Want(200).JSON(&r)
		return r
	}
	before := score()
	if before.Ready || before.Exit != 2 || before.Percent >= 100 || before.Blocks == 0 || before.Done+before.Todo+before.Doubt != before.Of {
		t.Errorf("%+v", before)
	}
	ada.Do("PUT", "/-/api/v1/launch/checks/flags.kill/dismissal", "application/json", `{"why":"we  use no flags"}`).Want(204)
	a.Expect(apptest.Happened{Audit: []string{"launch.dismissed"}, Rows: map[string]int{"ops_dismissal": 1}})
	after := score()
	if after.Of != before.Of-1 || after.Todo != before.Todo-1 {
		t.Errorf("%+v, before %+v", after, before)
	}
	ada.Do("PUT", "/-/api/v1/launch/checks/flags.kill/dismissal", "application/json", `{}`).Want(409)
	ada.Do("PUT", "/-/api/v1/launch/checks/flags.nothing/dismissal", "application/json", `{}`).Want(404)
	ada.Do("PUT", "/-/api/v1/launch/checks/jobs.dead/dismissal", "application/json", `{"why":"`+strings.Repeat("x", 301)+`"}`).Want(422, "300")
	a.ExpectNothing()
	ada.Get("/-/admin/launch").Want(200, "we use no flags", "Count it again")
	ada.Do("DELETE", "/-/api/v1/launch/checks/flags.kill/dismissal", "", "").Want(204)
	ada.Do("DELETE", "/-/api/v1/launch/checks/flags.kill/dismissal", "", "").Want(404)
	a.Expect(apptest.Happened{Audit: []string{"launch.restored"}, Rows: map[string]int{"ops_dismissal": -1}})
	ada.Post("/-/admin/launch/checks/flags.kill/dismiss", "why", "later").Want(200, "The point is dismissed", "later")
	ada.Post("/-/admin/launch/checks/flags.kill/dismiss", "why", "later").Want(409, "dismissed already")
	ada.Post("/-/admin/launch/checks/flags.kill/restore").Want(200, "counts again")
	ada.Post("/-/admin/launch/look").Want(200, "asked now")
	ada.Get("/-/admin").Want(200, "Launch checklist", "must be done before")
	bob := a.Verified("bob@example.com")
	bob.Get("/-/admin/launch").Want(403)
	bob.Get("/-/api/v1/launch").Want(403)
	a.Grant("bob@example.com", "console:read")
	bob.Get("/-/admin/launch").Want(200, "Not ready for customers").Without("Not for us", `action="/-/admin/launch`)
	bob.Post("/-/admin/launch/checks/flags.kill/dismiss").Want(403)
	bob.Post("/-/admin/launch/alert").Want(403)
}

func TestLaunchAlert(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Key("launch:manage").PostJSON("/-/api/v1/launch/alert", nil).Want(409, "No operator")
	ada := a.Operator("ada@example.com")
	a.RunJobs()
	ada.Post("/-/verify", "token", apptest.Token(a.Link("ada@example.com", "/-/verify")), "act", "confirm").Want(200)
	a.RunJobs()
	a.Forget()
	alert := func(mail bool) ops.Point {
		t.Helper()
		c := a.Config
		if mail {
			c.PostmarkToken = "x"
		}
		all, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]ops.Check, error) { return ops.AlertChecks(tx, &c, nil) })
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return ops.Point{Check: all[0]}
	}
	want := func(mail bool, state launch.State, says string) {
		t.Helper()
		if p := alert(mail); p.State != state || !strings.Contains(p.Detail, says) {
			t.Errorf("%s: %s", p.State, p.Detail)
		}
	}
	want(true, launch.Todo, "None was ever")
	ada.Post("/-/admin/launch/alert").Want(200, "on its way")
	a.Expect(apptest.Happened{Audit: []string{"launch.alert_tested"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"ops_check": 1}})
	want(true, launch.Unknown, "on its way")
	ada.PostJSON("/-/api/v1/launch/alert", nil).Want(409, "within the last minute")
	a.RunJobs()
	if m := a.Mails("ada@example.com")[0]; m.Subject != "This is a test alert" {
		t.Errorf("%+v", m)
	}
	want(true, launch.Done, "taken by the mail provider")
	want(false, launch.Warn, "development inbox")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE email_message SET status = 'bounced'`)
		return err
	}))
	want(true, launch.Todo, "not delivered")
	all, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]ops.Check, error) {
		return ops.AlertChecks(tx, &a.Config, func(*store.Tx) (time.Time, error) { return a.Clock.Now(), nil })
	})
	if err != nil || all[0].State != launch.Done {
		t.Errorf("a real alert does not count: %+v, %v", all, err)
	}
}

func driveLaunch(a *apptest.App) map[string]func() {
	const api, page = "/-/api/v1/launch", "/-/admin/launch"
	alert := func(send func()) {
		if a.Query(`SELECT count(*) FROM auth_email WHERE email_norm = 'alerted@example.com'`) == "0" {
			a.Verified("alerted@example.com")
			a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, role_id, created_at) VALUES (?, 'user', ?, 'rol_operator', 0)`, tx.NewID("bnd"), a.UserID("alerted@example.com"))
				return err
			}))
		}
		a.Clock.Advance(2 * time.Minute)
		send()
	}
	return map[string]func(){
		"POST " + api + "/look":   func() { a.Key("launch:manage").PostJSON(api+"/look", nil).Want(202) },
		"POST " + page + "/look":  func() { operator(a).Post(page + "/look").Want(200) },
		"POST " + api + "/alert":  func() { alert(func() { a.Key("launch:manage").PostJSON(api+"/alert", nil).Want(202) }) },
		"POST " + page + "/alert": func() { alert(func() { operator(a).Post(page + "/alert").Want(200) }) },
		"PUT " + api + "/checks/{key}/dismissal": func() {
			a.Key("launch:manage").Do("PUT", api+"/checks/flags.kill/dismissal", "application/json", `{"why":"no flags"}`).Want(204)
		},
		"DELETE " + api + "/checks/{key}/dismissal": func() {
			a.Key("launch:manage").Do("DELETE", api+"/checks/flags.kill/dismissal", "", "").Want(204)
		},
		"POST " + page + "/checks/{key}/dismiss": func() { operator(a).Post(page+"/checks/jobs.dead/dismiss", "why", "").Want(200) },
		"POST " + page + "/checks/{key}/restore": func() { operator(a).Post(page + "/checks/jobs.dead/restore").Want(200) },
	}
}
