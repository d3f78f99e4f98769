package app_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
	"seaworthy/queue"
	"seaworthy/store"
)

const schedulePages = "/-/admin/jobs/schedules"

// endpointFor makes an endpoint, once, to which nothing can be delivered.
func endpointFor(a *apptest.App) string {
	a.T.Helper()
	if a.Query(`SELECT count(*) FROM jobs_endpoint WHERE name = 'pages'`) == "0" {
		a.Key("jobs:*").PostJSON("/-/api/v1/jobs/endpoints", map[string]any{"name": "pages", "url": "http://127.0.0.1:9/jobs"}).Want(201)
	}
	return "pages"
}

// planErrand makes a schedule by the API.
func planErrand(a *apptest.App, name string) {
	a.T.Helper()
	a.Key("jobs:*").Do("PUT", "/-/api/v1/jobs/schedules/"+name, "application/json",
		`{"cron":"30 2 * * MON-FRI","timezone":"Europe/Berlin","kind":"report.send","args":{"to":"ada","password":"hunter2"},"endpoint":"`+endpointFor(a)+`"}`).Want(201)
}

// planned is the form of a schedule; an empty name for one that is changed.
func planned(name, cron, endpoint string, more ...string) []string {
	all := []string{"cron", cron, "timezone", "UTC", "missed", "once", "overlap", "no", "endpoint", endpoint, "kind", "report.send", "args", "", "queue", "", "priority", "", "max_attempts", "", "timeout_seconds", ""}
	if name != "" {
		all = append(all, "name", name)
	}
	for i := 0; i+1 < len(more); i += 2 {
		for k := 0; k < len(all); k += 2 {
			if all[k] == more[i] {
				all[k+1] = more[i+1]
			}
		}
	}
	return all
}

func TestConsoleOfSchedules(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	grace.Get(schedulePages+"?name=nothing").Want(200, "No such schedules")
	grace.Get("/-/admin/jobs").Want(200, "Schedules")
	grace.Get("/-/admin/jobs/new-schedule").Want(200, "No endpoint to deliver to")
	at := endpointFor(a)
	grace.Get("/-/admin/jobs/new-schedule").Want(200, "Make the schedule", at)
	a.RunJobs()
	a.Forget()

	grace.Post("/-/admin/jobs/new-schedule", planned("nightly", "30 2 * * *", at)...).Want(200, "The schedule is made", "every day at 02:30", "Next five times", "No runs yet", "the next is left out")
	a.Expect(apptest.Happened{Audit: []string{"schedule.created"}, Rows: map[string]int{"queue_schedule": 1}})
	grace.Post("/-/admin/jobs/new-schedule", planned("nightly", "@daily", at)...).Want(422, "There is a schedule with this name", `value="@daily"`)
	grace.Post("/-/admin/jobs/new-schedule", planned("Bad Name", "@daily", at)...).Want(422, "A name has 1 to 100")
	grace.Post("/-/admin/jobs/new-schedule", planned("other", "61 * * * *", "nowhere", "args", "{", "priority", "high", "timezone", "")...).
		Want(422, "This is not valid JSON", "From -9 to 9", `value="61 * * * *"`, "<details class=\"raw\" open>")
	grace.Post("/-/admin/jobs/new-schedule", planned("other", "@daily", "nowhere")...).Want(422, "There is no such endpoint")
	a.ExpectNothing()

	grace.Get(schedulePages+"?state=active&name=NIGHT").Want(200, "nightly", "every day at 02:30")
	grace.Get(schedulePages+"?state=paused").Want(200, "No paused schedules").Without("nightly")
	grace.Get(schedulePages+"/nightly/edit").Want(200, `value="30 2 * * *"`, "Save the schedule", `value="20"`).Without(`name="name"`)
	grace.Post(schedulePages+"/nightly/edit", planned("", "@daily", at, "args", `{"token": "hunter2", "to": "ada"}`)...).Want(200, "The schedule is changed", "•••", "ada").Without("hunter2")
	a.Expect(apptest.Happened{Audit: []string{"schedule.changed"}})
	grace.Post(schedulePages+"/nightly/edit", planned("", "never", at)...).Want(422, "Change nightly", `value="never"`)
	grace.Post(schedulePages+"/nothing/edit", planned("", "@daily", at)...).Want(404)
	grace.Get(schedulePages + "/nothing").Want(404)
	grace.Get(schedulePages + "/nothing/edit").Want(404)
	a.ExpectNothing()

	grace.Post(schedulePages+"/nightly/pause").Want(200, "The schedule is paused", "not planned", "Resume").Without("Next five times")
	a.Expect(apptest.Happened{Audit: []string{"schedule.paused"}})
	grace.Post(schedulePages+"/nightly/resume", "from", "list").Want(200, "goes on from its next time", "Run now: nightly")
	a.Expect(apptest.Happened{Audit: []string{"schedule.resumed"}})
	grace.Post(schedulePages+"/nightly/run").Want(200, "Its job is enqueued", "by hand", "available")
	a.Expect(apptest.Happened{Audit: []string{"schedule.run_by_hand"}, Jobs: []string{"report.send"}, Rows: map[string]int{"queue_schedule_run": 1}})
	grace.Post(schedulePages+"/nightly/run").Want(409, "has not finished")
	grace.Post(schedulePages+"/nightly/remove", "confirm", "daily").Want(422, "Type the name of the schedule")
	a.ExpectNothing()
	grace.Post(schedulePages+"/nightly/remove", "confirm", "nightly").Want(200, "The schedule is removed")
	a.Expect(apptest.Happened{Audit: []string{"schedule.removed"}, Rows: map[string]int{"queue_schedule": -1, "queue_schedule_run": -1}})
}

// What the program itself has planned can be paused, and neither changed nor removed.
func TestConsoleOfTheProgramsSchedules(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	queue.Cron(a.Queue, "tidy", "@hourly", "", queue.Skip, errand{"good", "hunter2"})
	grace := a.Operator("grace@example.com")
	at := endpointFor(a)
	a.RunJobs()
	a.Forget()
	grace.Get(schedulePages+"/tidy").Want(200, "the program", "Run now", "•••").Without("hunter2", "Remove this schedule", "/edit")
	grace.Get(schedulePages + "/tidy/edit").Want(409)
	grace.Post(schedulePages+"/tidy/edit", planned("", "@daily", at)...).Want(409, "not changed or removed")
	grace.Post(schedulePages+"/tidy/remove", "confirm", "tidy").Want(409, "not changed or removed")
	a.ExpectNothing()
	grace.Post(schedulePages+"/tidy/run", "from", "list").Want(200, "Its job is enqueued")
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"schedule.run_by_hand"}, Ran: []string{"test.errand completed"}, Jobs: []string{"test.errand"}, Rows: map[string]int{"queue_schedule_run": 1}})
}

func TestConsoleOfSchedulesNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	planErrand(a, "nightly")
	ada := a.Verified("ada@example.com")
	a.Grant("ada@example.com", "console:read")
	ada.Get(schedulePages).Want(403)
	ada.Get(schedulePages + "/nightly").Want(403)
	a.Grant("ada@example.com", "console:read", "jobs:read")
	a.Forget()
	ada.Get(schedulePages).Want(200, "nightly").Without("Run now: nightly", "New schedule")
	ada.Get(schedulePages+"/nightly").Want(200, "Monday to Friday").Without("Run now", "Remove this schedule", ">Change<")
	ada.Get("/-/admin/jobs/new-schedule").Want(403)
	ada.Get(schedulePages + "/nightly/edit").Want(403)
	for _, act := range []string{"edit", "pause", "resume", "run", "remove"} {
		ada.Post(schedulePages + "/nightly/" + act).Want(403)
	}
	ada.Post("/-/admin/jobs/new-schedule", planned("x", "@daily", "pages")...).Want(403)
	a.ExpectNothing()
}

// A list of many goes on by name.
func TestManySchedules(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) (err error) {
		for i := range 51 {
			err = errors.Join(err, queue.SetSchedule(tx, queue.NewSchedule{Name: fmt.Sprintf("many-%02d", i), Spec: "@yearly", Kind: "none"}))
		}
		return err
	}))
	grace.Get(schedulePages+"?name=many").Want(200, "many-49", "after=many-49").Without("many-50")
	grace.Get(schedulePages+"?name=many&after=many-49").Want(200, "many-50", "First page").Without("many-49<")
}

// An operator looks at schedules and makes one, wide and narrow.
func TestConsoleOfSchedulesInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	handleErrands(a)
	queue.Cron(a.Queue, "tidy", "@hourly", "", queue.Skip, errand{"good", ""})
	grace := a.Operator("grace@example.com")
	planErrand(a, "nightly-report")
	planErrand(a, "weekly-digest-for-people-who-asked-for-it")
	grace.Post(schedulePages + "/weekly-digest-for-people-who-asked-for-it/pause").Want(200)
	a.RunJobs()
	for range 3 {
		a.Clock.Advance(time.Duration(60-a.Clock.Now().Minute()) * time.Minute)
		a.RunJobs()
	}
	grace.Post(schedulePages + "/tidy/run").Want(200)
	a.RunJobs()
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		err := queue.SetSchedule(tx, queue.NewSchedule{Name: "broken", Spec: "@daily", Kind: "none"})
		if err == nil {
			_, err = tx.Exec(`UPDATE queue_schedule SET fault = ?, next_at = NULL WHERE name = 'broken'`, `"Mars/Olympus" is not a time zone: use a name such as Europe/Berlin or UTC`)
		}
		return err
	}))
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		for _, p := range []struct{ name, path, needs string }{
			{"schedules", schedulePages, "#list table"}, {"schedules-none", schedulePages + "?name=nothing", ".empty"}, {"schedule-program", schedulePages + "/tidy", "#runs-title"},
			{"schedule", schedulePages + "/nightly-report", ".danger-zone"}, {"schedule-faulty", schedulePages + "/broken", ".alert-danger"},
			{"schedule-new", "/-/admin/jobs/new-schedule", "#f-cron"}, {"schedule-edit", schedulePages + "/nightly-report/edit", "#f-args"}, {"jobs-head", "/-/admin/jobs", "#list"},
		} {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
			if !shows(t, ctx, p.needs) {
				t.Errorf("%s has no %s", p.path, p.needs)
			}
			fits(t, ctx, p.path)
			faultless(t, ctx, p.path)
			keep(t, ctx, fmt.Sprintf("console-%s-%d", p.name, width))
		}
		for _, s := range said() {
			t.Errorf("the browser complains: %s", s)
		}
	}
}
