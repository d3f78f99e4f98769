package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/jobs"
	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

const schedulesBase = jobsBase + "/schedules"

// scheduleRoutes are the pages of schedules. The acts are those of jobs.
func (s *System) scheduleRoutes() []web.Route {
	const one, fresh = schedulesBase + "/{name}", jobsBase + "/new-schedule"
	see, manage := web.Permission("jobs:read"), web.Permission("jobs:manage")
	pause := func(on bool) func(ctx context.Context, name string) error {
		return func(ctx context.Context, name string) error { return s.Jobs.PauseSchedule(ctx, name, on) }
	}
	return []web.Route{
		{Method: "GET", Pattern: schedulesBase, Access: see, Handler: page(s.schedules)},
		{Method: "GET", Pattern: one, Access: see, Handler: page(s.schedule)},
		{Method: "GET", Pattern: fresh, Access: manage, Handler: page(s.newSchedule)},
		{Method: "POST", Pattern: fresh, Access: manage, Body: queue.MaxArgs*3 + 64<<10, Handler: page(s.makeSchedule), Audit: []string{"schedule.created"}},
		{Method: "GET", Pattern: one + "/edit", Access: manage, Handler: page(s.editSchedule)},
		{Method: "POST", Pattern: one + "/edit", Access: manage, Body: queue.MaxArgs*3 + 64<<10, Handler: page(s.changeSchedule), Audit: []string{"schedule.changed"}},
		{Method: "POST", Pattern: one + "/pause", Access: manage, Handler: page(s.scheduleAct("paused", pause(true))), Audit: []string{"schedule.paused"}},
		{Method: "POST", Pattern: one + "/resume", Access: manage, Handler: page(s.scheduleAct("resumed", pause(false))), Audit: []string{"schedule.resumed"}},
		{Method: "POST", Pattern: one + "/run", Access: manage, Handler: page(s.scheduleAct("ran", s.runSchedule)), Audit: []string{"schedule.run_by_hand"}},
		{Method: "POST", Pattern: one + "/remove", Access: manage, Handler: page(s.removeSchedule), Audit: []string{"schedule.removed"}},
	}
}

// scheduleDone is what happened before a page was shown again.
var scheduleDone = map[string]string{
	"made":    "The schedule is made. Its first run is the next time it is due.",
	"changed": "The schedule is changed.",
	"paused":  "The schedule is paused. What is due meanwhile is not made up.",
	"resumed": "The schedule goes on from its next time.",
	"ran":     "Its job is enqueued and runs as soon as there is room.",
	"removed": "The schedule is removed. Its jobs stay.",
}

type schedulesData struct {
	Rows         []jobs.Schedule
	Name, State  string // what is looked for
	Chips        []chip
	Here         string
	Older, Newer string
	Done         string
	Manage       bool
}

func (s *System) schedules(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := schedulesData{Name: strings.ToLower(word(q, "name")), State: q.Get("state"), Done: scheduleDone[q.Get("done")], Manage: web.IdentityOf(r.Context()).Can("jobs:manage")}
	if !slices.Contains(jobs.ScheduleStates, d.State) {
		d.State = ""
	}
	all, err := store.Read(r.Context(), s.DB, jobs.Schedules)
	if err != nil {
		return err
	}
	// There are at most a thousand, all of them read.
	d.Rows = slices.DeleteFunc(all, func(c jobs.Schedule) bool {
		return d.State != "" && c.State() != d.State || !strings.Contains(c.Name, d.Name) || c.Name <= q.Get("after")
	})
	filters := url.Values{"name": {d.Name}, "state": {d.State}}
	d.Here = first(schedulesBase, filters)
	if after := q.Get("after"); after != "" {
		d.Newer, d.Here = d.Here, href(schedulesBase, "after", after, filters)
	}
	if len(d.Rows) > pageSize {
		d.Rows = d.Rows[:pageSize]
		d.Older = href(schedulesBase, "after", d.Rows[pageSize-1].Name, filters)
	}
	at := func(state string) string { return first(schedulesBase, url.Values{"name": {d.Name}, "state": {state}}) }
	d.Chips = []chip{{Label: "All", Path: at(""), On: d.State == ""}}
	for _, state := range jobs.ScheduleStates {
		d.Chips = append(d.Chips, chip{Label: capital(state), Path: at(state), On: d.State == state})
	}
	return s.Pages.Render(w, r, "console/schedules", web.View{Title: "Schedules", Data: d})
}

type scheduleData struct {
	jobs.Schedule
	Path, Here    string
	Zone          string
	Args          string
	Times         []time.Time // the next, on the clocks of its zone
	Runs          []queue.ScheduleRun
	Older, Newer  string
	Done          string
	Manage, Audit bool
	CanRemove     bool
	Events        []audit.Row
}

// maxRunsShown is how many runs a page has.
const maxRunsShown = 20

func (s *System) schedule(w http.ResponseWriter, r *http.Request) error {
	return s.showSchedule(w, r, http.StatusOK, nil)
}

func (s *System) showSchedule(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	id, q, name := web.IdentityOf(r.Context()), r.URL.Query(), r.PathValue("name")
	d := scheduleData{Path: schedulesBase + "/" + name, Done: scheduleDone[q.Get("done")], Manage: id.Can("jobs:manage"), Audit: id.Can("audit:read")}
	d.Here = d.Path
	var before time.Time
	if ms, err := strconv.ParseInt(q.Get("before"), 10, 64); err == nil && ms > 0 {
		before, d.Newer = time.UnixMilli(ms), d.Path
		d.Here = href(d.Path, "before", q.Get("before"), nil)
	}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Schedule, err = jobs.ScheduleNamed(tx, name); err != nil {
			return err
		}
		if d.Runs, err = queue.ScheduleRuns(tx, name, before, maxRunsShown+1); err != nil || !d.Audit {
			return err
		}
		events, err := audit.List(tx, audit.Filter{Target: "schedule:" + name, Limit: 10})
		d.Events = s.Audit.Rows(events, "/-/admin/audit")
		return err
	})
	if err != nil {
		return err
	}
	if len(d.Runs) > maxRunsShown {
		d.Runs = d.Runs[:maxRunsShown]
		d.Older = href(d.Path, "before", strconv.FormatInt(d.Runs[maxRunsShown-1].Due.UnixMilli(), 10), nil)
	}
	d.Zone, d.Times, d.Args, d.CanRemove = cmp.Or(d.Schedule.Zone, "UTC"), d.Schedule.Times(5), redact.JSON(d.Schedule.Args), d.Manage && !d.InCode
	return s.Pages.Render(w, r, "console/schedule", web.View{Title: name, Status: status, Data: d, Form: form})
}

// scheduleActInput says where the button was.
type scheduleActInput struct {
	From string `json:"from,omitempty"` // "list", or the schedule's page
}

// scheduleAct does something to a schedule, and shows the page again that it was asked on.
func (s *System) scheduleAct(done string, act func(ctx context.Context, name string) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[scheduleActInput](r)
		if err != nil {
			return err
		}
		name := r.PathValue("name")
		if err := act(r.Context(), name); err != nil {
			if e := web.AsError(err); e.Status == http.StatusConflict {
				return s.showSchedule(w, r, e.Status, &web.Form{Err: e})
			}
			return err
		}
		if in.From == "list" {
			return web.SeeOther(w, r, schedulesBase+"?done="+done)
		}
		return web.SeeOther(w, r, schedulesBase+"/"+name+"?done="+done)
	}
}

func (s *System) runSchedule(ctx context.Context, name string) error {
	_, err := s.Jobs.RunSchedule(ctx, name)
	return err
}

type removeInput struct {
	Confirm string `json:"confirm"`
}

func (s *System) removeSchedule(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[removeInput](r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if strings.TrimSpace(in.Confirm) != name {
		e := web.Invalid(web.Field{Field: "confirm", Code: "differs", Message: "Type the name of the schedule."})
		return s.showSchedule(w, r, e.Status, &web.Form{Values: map[string]string{"confirm": in.Confirm}, Err: e})
	}
	err = s.Jobs.RemoveSchedule(r.Context(), name)
	if e := web.AsError(err); err != nil && e.Status == http.StatusConflict {
		return s.showSchedule(w, r, e.Status, &web.Form{Err: e})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, schedulesBase+"?done=removed")
}
