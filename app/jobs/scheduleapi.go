package jobs

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

func (s *System) scheduleRoutes() []web.Route {
	const all, one = "/-/api/v1/jobs/schedules", "/-/api/v1/jobs/schedules/{name}"
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.schedulesAPI, Doc: web.Doc{Summary: "List schedules, by name", Out: scheduleList{}}},
		{Method: "GET", Pattern: one, Access: read, Handler: s.scheduleAPI, Doc: web.Doc{Summary: "One schedule, with the next five times it is due", Out: scheduleJSON{}}},
		{Method: "PUT", Pattern: one, Access: manage, Handler: s.setScheduleAPI, Body: queue.MaxArgs + 64<<10, Audit: actions(actScheduleMade, actScheduleChanged),
			Doc: web.Doc{Summary: "Make a schedule that enqueues a job of your app, or change it; what is left out is set to its default", In: ScheduleInput{}, Out: scheduleJSON{}}},
		{Method: "DELETE", Pattern: one, Access: manage, Handler: s.removeScheduleAPI, Audit: actions(actScheduleRemoved),
			Doc: web.Doc{Summary: "Remove a schedule; its jobs stay", Status: http.StatusNoContent}},
		{Method: "POST", Pattern: one + "/pause", Access: manage, Handler: s.pauseScheduleAPI(true), Audit: actions(actSchedulePaused),
			Doc: web.Doc{Summary: "Pause a schedule; what is due meanwhile is not made up", Out: scheduleJSON{}}},
		{Method: "POST", Pattern: one + "/resume", Access: manage, Handler: s.pauseScheduleAPI(false), Audit: actions(actScheduleResumed),
			Doc: web.Doc{Summary: "Resume a schedule from its next time on", Out: scheduleJSON{}}},
		{Method: "POST", Pattern: one + "/run", Access: manage, Handler: s.runScheduleAPI, Audit: actions(actScheduleRun),
			Doc: web.Doc{Summary: "Enqueue the schedule's job now", Out: scheduleRan{}, Status: http.StatusCreated}},
		{Method: "GET", Pattern: one + "/runs", Access: read, Handler: s.runsAPI,
			Doc: web.Doc{Summary: "Runs of a schedule, newest first; about 500 are kept; query: cursor, limit", Out: runList{}}},
	}
}

// scheduleJSON is a schedule as the API gives it.
type scheduleJSON struct {
	Name        string         `json:"name"`
	Cron        string         `json:"cron"`
	Timezone    string         `json:"timezone"`
	Description string         `json:"description"` // the two in words
	State       string         `json:"state"`       // active, paused, faulty or retired
	Fault       string         `json:"fault,omitempty"`
	OfProgram   bool           `json:"of_program"` // it can be paused, not changed or removed
	Missed      string         `json:"missed"`
	Overlap     bool           `json:"overlap"`
	Kind        string         `json:"kind"`
	Args        jsontext.Value `json:"args,omitempty"`     // of one of the app's schedules, not in lists
	Endpoint    string         `json:"endpoint,omitempty"` // its name, or its id if it was deleted; none for jobs of Seaworthy's own
	Queue       string         `json:"queue"`
	Priority    int            `json:"priority"`
	MaxAttempts int            `json:"max_attempts"`
	Timeout     int            `json:"timeout_seconds"`
	Next        *time.Time     `json:"next_at,omitempty"`
	Last        *time.Time     `json:"last_at,omitempty"`
	Times       []time.Time    `json:"next_times,omitempty"` // five, not in lists
	Paused      *time.Time     `json:"paused_at,omitempty"`
	Retired     *time.Time     `json:"retired_at,omitempty"`
	LeftOut     int            `json:"left_out,omitempty"` // runs that were missed and not made up, the last time that happened
	LeftOutAt   *time.Time     `json:"left_out_at,omitempty"`
	Changed     time.Time      `json:"changed_at"`
}

type scheduleList struct {
	Schedules []scheduleJSON `json:"schedules"`
}

// scheduleRan names the job that a run by hand enqueued.
type scheduleRan struct {
	Job string `json:"job_id"`
}

// runJSON is one time a schedule was due.
type runJSON struct {
	Due     time.Time   `json:"due_at"`
	Made    time.Time   `json:"made_at"`
	Outcome string      `json:"outcome"` // enqueued, by_hand, or overlap: left out because the last had not finished
	Job     string      `json:"job_id,omitempty"`
	State   queue.State `json:"job_state,omitempty"` // none when the job is not kept any more
}

type runList struct {
	Runs []runJSON `json:"runs"`
	Next string    `json:"next_cursor,omitempty"`
}

// nextTimes is how many times ahead are told.
const nextTimes = 5

func (c Schedule) json() scheduleJSON {
	zone := c.Zone
	if zone == "" {
		zone = "UTC"
	}
	return scheduleJSON{Name: c.Name, Cron: c.Spec, Timezone: zone, Description: c.Words, State: c.State(), Fault: c.Fault, OfProgram: c.InCode, Missed: c.Missed.String(), Overlap: !c.NoOverlap,
		Kind: c.Kind, Endpoint: c.Where, Queue: c.Lane(), Priority: c.Priority, MaxAttempts: c.MaxAttempts, Timeout: int(c.Takes() / time.Second), Next: timeOrNil(c.Next), Last: timeOrNil(c.Last),
		Paused: timeOrNil(c.Paused), Retired: timeOrNil(c.Retired), LeftOut: c.LeftOut, LeftOutAt: timeOrNil(c.LeftOutAt), Changed: c.Changed}
}

func (s *System) schedulesAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, Schedules)
	if err != nil {
		return err
	}
	out := scheduleList{Schedules: []scheduleJSON{}}
	for _, c := range all {
		out.Schedules = append(out.Schedules, c.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) scheduleAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellSchedule(w, r, http.StatusOK)
}

// tellSchedule answers with the schedule as it is now. What our own jobs are given is
// nobody's business.
func (s *System) tellSchedule(w http.ResponseWriter, r *http.Request, status int) error {
	c, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Schedule, error) { return ScheduleNamed(tx, r.PathValue("name")) })
	if err != nil {
		return err
	}
	out := c.json()
	out.Times = c.Times(nextTimes)
	if c.Endpoint != "" && len(c.Args) > 0 {
		out.Args = jsontext.Value(c.Args)
	}
	return web.JSON(w, status, out)
}

func (s *System) setScheduleAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return err
	}
	in, err := web.DecodeJSON[ScheduleInput](raw)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if in.Name != "" && in.Name != name {
		return web.Invalid(web.Field{Field: "name", Code: "differs", Message: "The name is that of the address: leave it out, or give the same."})
	}
	in.Name = name
	made, err := s.setSchedule(r.Context(), in, func(bool) error { return nil })
	if err != nil {
		return err
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
		w.Header().Set("Location", "/-/api/v1/jobs/schedules/"+name)
	}
	return s.tellSchedule(w, r, status)
}

func (s *System) removeScheduleAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.RemoveSchedule(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) pauseScheduleAPI(paused bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.PauseSchedule(r.Context(), r.PathValue("name"), paused); err != nil {
			return err
		}
		return s.tellSchedule(w, r, http.StatusOK)
	}
}

func (s *System) runScheduleAPI(w http.ResponseWriter, r *http.Request) error {
	id, err := s.RunSchedule(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/-/api/v1/jobs/"+id)
	return web.JSON(w, http.StatusCreated, scheduleRan{id})
}

// runsPage reads which runs a query asks for.
func runsPage(q url.Values) (before time.Time, limit int, err error) {
	var c web.Check
	limit = 50
	if text := q.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		c.Fault(err == nil && limit >= 1 && limit <= 200, "limit", "range", "From 1 to 200.")
	}
	if text := q.Get("cursor"); text != "" {
		ms, err := strconv.ParseInt(text, 10, 64)
		c.Fault(err == nil && ms > 0, "cursor", "form", "Use next_cursor of the page before.")
		before = time.UnixMilli(ms)
	}
	return before, limit, c.Err()
}

func (s *System) runsAPI(w http.ResponseWriter, r *http.Request) error {
	before, limit, err := runsPage(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := s.runs(r.Context(), r.PathValue("name"), before, limit+1)
	if err != nil {
		return err
	}
	out := runList{Runs: []runJSON{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = strconv.FormatInt(all[limit-1].Due.UnixMilli(), 10)
	}
	for _, run := range all {
		out.Runs = append(out.Runs, runJSON(run))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) runs(ctx context.Context, name string, before time.Time, limit int) ([]queue.ScheduleRun, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) ([]queue.ScheduleRun, error) {
		if _, err := queue.ScheduleNamed(tx, name); err != nil {
			return nil, err
		}
		return queue.ScheduleRuns(tx, name, before, limit)
	})
}
