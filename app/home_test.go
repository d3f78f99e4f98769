package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/queue"
	"seaworthy/store"
)

// glanceJSON is what programs read of the home.
type glanceJSON struct {
	Systems []struct {
		System, Title, Path string
		State               struct{ Kind, Word, Detail string }
		Numbers             []struct {
			Label string
			Value int64
			Kind  string
		}
		Line *struct {
			Label  string
			Values []int64
		}
	}
	Attention []struct {
		Key, System, Kind, Text, Path string
		Since                         time.Time
	}
	Launch  struct{ Of int }
	Health  []json.RawMessage
	Release string
}

func (g glanceJSON) number(system, label string) int64 {
	for _, s := range g.Systems {
		for _, n := range s.Numbers {
			if s.System == system && n.Label == label {
				return n.Value
			}
		}
	}
	return -1
}

func (g glanceJSON) state(system string) string {
	for _, s := range g.Systems {
		if s.System == system {
			return s.State.Kind + " " + s.State.Word
		}
	}
	return "missing"
}

func (g glanceJSON) needs(key string) bool {
	for _, n := range g.Attention {
		if n.Key == key {
			return true
		}
	}
	return false
}

// doomed is a job that gives up at its first failure.
type doomed struct{}

func (doomed) Kind() string             { return "test.doomed" }
func (doomed) Defaults() []queue.Option { return []queue.Option{queue.MaxAttempts(1)} }

func withDoomed(_ *config.Config, o *app.Options) {
	o.Extend = func(*app.App) app.Extension {
		return app.Extension{Jobs: func(q *queue.Queue) {
			queue.Handle(q, func(context.Context, queue.Job[doomed]) error { return errors.New("it cannot be done") })
		}}
	}
}

// The home tells of each system from what was recorded, of a dead letter since when it waits, and of
// nothing that is over.
func TestHome(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, withDoomed)
	ada := a.Operator("ada@example.com")
	a.RunJobs()
	read := func() (g glanceJSON) {
		t.Helper()
		ada.Get("/-/api/v1/overview").Want(200).JSON(&g)
		return g
	}
	g := read()
	if len(g.Systems) != 7 || g.Launch.Of == 0 || len(g.Health) == 0 || g.Release == "" {
		t.Fatalf("%d systems, %+v", len(g.Systems), g)
	}
	ups, ins := g.number("auth", "Sign-ups in 24 hours"), g.number("auth", "Sign-ins")
	a.SignUp("bob@example.com")
	a.RunJobs()
	a.Browser().Post("/-/login", "email", "bob@example.com", "password", "wrong wrong wrong").Want(401)
	a.Browser().Post("/-/login", "email", "bob@example.com", "password", apptest.Password).Want(200)
	after := read()
	if after.number("auth", "Sign-ups in 24 hours") != ups+1 || after.number("auth", "Refused") != 1 || after.number("auth", "Sign-ins") <= ins {
		t.Errorf("sign-ups %d after %d, refused %d, sign-ins %d after %d", after.number("auth", "Sign-ups in 24 hours"), ups, after.number("auth", "Refused"), after.number("auth", "Sign-ins"), ins)
	}
	if n := after.number("email", "Sent in 24 hours"); n != int64(len(a.Mails(""))) {
		t.Errorf("%d mails were sent, the home says %d", len(a.Mails("")), n)
	}
	if after.needs("jobs_dead") || after.state("jobs") != "ok Flowing" {
		t.Errorf("nothing is dead: %+v %s", after.Attention, after.state("jobs"))
	}

	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, doomed{}); return err }))
	a.RunJobs()
	a.Clock.Advance(2 * time.Hour)
	g = read()
	if !g.needs("jobs_dead") || g.state("jobs") != "warn Dead letters" || g.number("jobs", "Dead letters") != 1 {
		t.Errorf("a job gave up: %+v %s", g.Attention, g.state("jobs"))
	}
	for _, n := range g.Attention {
		if n.Key == "jobs_dead" && a.Clock.Now().Sub(n.Since).Round(time.Minute) != 2*time.Hour {
			t.Errorf("it waits since %v, now is %v", n.Since, a.Clock.Now())
		}
	}
	ada.Get("/-/admin").Want(200, "1 job gave up and waits for a person.", "/-/admin/jobs?state=dead", "Sign-ups a day", "spark-line", "Ready for customers", "Latest events")
	a.Clock.Advance(48 * time.Hour)
	ada.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	if g = read(); g.number("auth", "Sign-ups in 24 hours") != 0 || g.number("email", "Sent in 24 hours") != 0 {
		t.Errorf("two days later nothing is of the last day: %+v", g.Systems)
	}
}

// What somebody may not see is neither a card nor something that needs him.
func TestHomeShowsWhatOneMaySee(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, withDoomed)
	a.Operator("ada@example.com")
	bob := a.Verified("bob@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, doomed{}); return err }))
	a.RunJobs()
	bob.Get("/-/admin").Want(403)
	bob.Get("/-/api/v1/overview").Want(403)
	a.Grant("bob@example.com", "console:read", "flags:read")
	bob.Get("/-/admin").Want(200, "Ready for customers", "/-/admin/flags").Without("gave up", "Latest events", "Sign-ups", "Dead letters")
	var g glanceJSON
	bob.Get("/-/api/v1/overview").Want(200).JSON(&g)
	if len(g.Systems) != 1 || g.Systems[0].System != "flags" || g.needs("jobs_dead") {
		t.Errorf("%+v", g)
	}
	a.Browser().Get("/-/api/v1/overview").Want(401)
	a.Key("console:read").Get("/-/api/v1/overview").Want(200)
}

// breakTable has every statement about a table fail.
func breakTable(a *apptest.App, table string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`ALTER TABLE ` + table + ` RENAME TO broken_` + table)
		return err
	}))
}

// A system whose figures cannot be read says so on its card; the others stand.
func TestHomeWithOneSystemUnreadable(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Operator("ada@example.com")
	breakTable(a, "email_count")
	var g glanceJSON
	ada.Get("/-/api/v1/overview").Want(200).JSON(&g)
	if g.state("email") != "danger Unreadable" || g.state("auth") != "ok Open" {
		t.Errorf("email %s, auth %s", g.state("email"), g.state("auth"))
	}
	page := ada.Get("/-/admin").Want(200, "Unreadable")
	if strings.Contains(page.Body, "email_count") {
		t.Error("the page tells of tables")
	}
}

// The kill switch comes before what can wait.
func TestHomeOrder(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, withDoomed)
	ada := a.Operator("ada@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, doomed{}); return err }))
	a.RunJobs()
	a.Clock.Advance(time.Hour)
	a.Key("flags:*").Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":true,"reason":"the site is down"}`).Want(200)
	var g glanceJSON
	ada.Get("/-/api/v1/overview").Want(200).JSON(&g)
	if len(g.Attention) < 2 || g.Attention[0].Key != "flags_killed" || g.state("flags") != "danger Killed" {
		t.Errorf("%+v", g.Attention)
	}
	ada.Get("/-/admin").Want(200, "The kill switch is on: the site is down")
}
