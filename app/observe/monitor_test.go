package observe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

// checksIn is an app with a project, and a function that has a job check in.
func checksIn(t *testing.T) (a *apptest.App, in func(id, status, config string)) {
	t.Helper()
	a, _ = watched(t)
	p, err := a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "web"})
	a.Must(err)
	p, err = a.Observe.MakeKey(t.Context(), p.ID)
	a.Must(err)
	sdk := a.Browser()
	return a, func(id, status, config string) {
		t.Helper()
		if config != "" {
			config = `,"monitor_config":` + config
		}
		payload := fmt.Sprintf(`{"check_in_id":%q,"monitor_slug":"nightly-report","status":%q,"environment":"production"%s}`, id, status, config)
		body := "{}\n" + `{"type":"check_in"}` + "\n" + payload + "\n"
		sdk.Do("POST", fmt.Sprintf("/-/api/%d/envelope/?sentry_key=%s", p.ID, p.Keys[0].Public), "application/x-sentry-envelope", body).Want(200)
		a.Observe.Flush()
	}
}

func monitor(a *apptest.App) observe.Monitor {
	a.T.Helper()
	all, err := a.Observe.Monitors(a.T.Context())
	a.Must(err)
	if len(all) != 1 {
		a.T.Fatalf("monitors are %+v", all)
	}
	return all[0]
}

// mailsAbout are the subjects of the mails to the operator that name the job.
func mailsAbout(a *apptest.App) (subjects []string) {
	for _, m := range a.Mails(grace) {
		if strings.Contains(m.Subject, "nightly-report") {
			subjects = append(subjects, m.Subject)
		}
	}
	slices.Sort(subjects)
	return subjects
}

const everyTen = `{"schedule":{"type":"interval","value":10,"unit":"minute"},"checkin_margin":2,"max_runtime":5,"timezone":"Etc/UTC"}`

// Fault 23: a job overruns, misses, checks in twice: each is told of once, and when it is well again.
func TestFault23JobOverrunsAndMisses(t *testing.T) {
	t.Parallel()
	a, in := checksIn(t)
	in("c1", "in_progress", everyTen)
	if m := monitor(a); m.State != "running" || m.Schedule != "@every 10m" || m.Margin != 2 || m.Longest != 5 || m.Runs != 0 {
		t.Fatalf("%+v", m)
	}
	later(a, 4*time.Minute)
	in("c1", "in_progress", everyTen) // twice: it began once
	later(a, 2*time.Minute)
	if m := monitor(a); m.State != "timeout" {
		t.Errorf("%+v", m)
	}
	const title = "Job of your app: nightly-report"
	if got := firing(a); !slices.Equal(got, []string{title}) {
		t.Errorf("firing %q", got)
	}
	in("c1", "ok", "")
	in("c1", "ok", "") // twice: it ended once
	if m := monitor(a); m.State != "ok" || m.Runs != 1 || m.Failures != 0 {
		t.Errorf("%+v", m)
	}
	later(a, 11*time.Minute) // it is due ten minutes after it ended, and may be two late
	if got := mailsAbout(a); !slices.Equal(got, []string{title, "Over: " + title}) {
		t.Errorf("mails %q, firing %q", got, firing(a))
	}
	if m := monitor(a); m.State != "ok" {
		t.Errorf("early: %+v", m)
	}
	later(a, 11*time.Minute)
	if m := monitor(a); m.State != "missed" {
		t.Errorf("late: %+v", m)
	}
	in("c2", "error", "")
	later(a, 3*time.Minute)
	if m := monitor(a); m.State != "error" || m.Failures != 1 {
		t.Errorf("%+v", m)
	}
	in("c3", "ok", "")
	later(a, 11*time.Minute)
	if got := mailsAbout(a); !slices.Equal(got, []string{title, title, "Over: " + title, "Over: " + title}) {
		t.Errorf("mails %q", got)
	}
}

// A schedule is taken as it can be read; a job without one is only told of when it fails.
func TestMonitorsOfOddSchedules(t *testing.T) {
	t.Parallel()
	a, in := checksIn(t)
	for _, c := range []struct{ config, want string }{
		{``, ""}, {`{"schedule":{"type":"crontab","value":"0 3 * * *"},"timezone":"Europe/Berlin"}`, "0 3 * * *"},
		{`{"schedule":{"type":"crontab","value":"every day"}}`, "0 3 * * *"}, {`{"schedule":{"type":"interval","value":-1,"unit":"hour"}}`, "0 3 * * *"},
		{`{"schedule":null,"checkin_margin":"x"}`, "0 3 * * *"}, {`{"schedule":{"type":"interval","value":"2","unit":"week"}}`, "@every 336h"},
	} {
		in("", "ok", c.config)
		if m := monitor(a); m.Schedule != c.want || m.Margin != 1 || m.Longest != 30 {
			t.Errorf("after %s: %+v", c.config, m)
		}
	}
	key := a.Key("errors:*")
	id := monitor(a).ID
	a.Forget()
	key.Do("DELETE", "/-/api/v1/monitors/"+id, "", "").Want(204)
	a.Expect(apptest.Happened{Audit: []string{"monitor.removed"}})
	var list observe.MonitorList
	key.Get("/-/api/v1/monitors").Want(200).JSON(&list)
	if len(list.Monitors) != 0 {
		t.Errorf("%+v", list)
	}
	key.Do("DELETE", "/-/api/v1/monitors/"+id, "", "").Want(404)
}
