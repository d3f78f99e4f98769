package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/queue/cron"
	"seaworthy/store"
)

// Schedule is a schedule as people and the API see it. Those of people have an
// endpoint: no job of this program's own can be made with one.
type Schedule struct {
	queue.ScheduleInfo
	Where string // the endpoint's name, or its id if it was deleted; "" for a job of the program
	Gone  bool   // the endpoint was deleted: its jobs become dead letters
}

// The states of a schedule.
const (
	ScheduleActive  = "active"
	SchedulePaused  = "paused"
	ScheduleFaulty  = "faulty"
	ScheduleRetired = "retired"
)

// ScheduleStates are all of them.
var ScheduleStates = []string{ScheduleActive, SchedulePaused, ScheduleFaulty, ScheduleRetired}

// State says whether it runs.
func (c Schedule) State() string {
	switch {
	case !c.Retired.IsZero():
		return ScheduleRetired
	case !c.Paused.IsZero():
		return SchedulePaused
	case c.Fault != "":
		return ScheduleFaulty
	}
	return ScheduleActive
}

// ByPeople reports whether people may change it.
func (c Schedule) ByPeople() bool { return !c.InCode && c.Endpoint != "" }

// Lane is the queue of its jobs as their endpoint knows it.
func (c Schedule) Lane() string {
	if c.Endpoint == "" {
		return c.Queue
	}
	return unlane(c.Queue)
}

// Takes is how long one of its jobs may take.
func (c Schedule) Takes() time.Duration {
	if c.Endpoint == "" {
		return c.Timeout
	}
	return c.Timeout - slack
}

// Times are the next n times it is due, on the clocks of its zone; none while it
// does not run.
func (c Schedule) Times(n int) (all []time.Time) {
	calendar, err := cron.Parse(c.Spec, c.Zone)
	zone, err2 := cron.Zone(c.Zone)
	if err != nil || err2 != nil {
		return nil
	}
	for at := c.Next; !at.IsZero() && len(all) < n; at = calendar.Next(at) {
		all = append(all, at.In(zone))
	}
	return all
}

func named(c queue.ScheduleInfo, known map[string]string) Schedule {
	name, there := known[c.Endpoint]
	return Schedule{c, cmp.Or(name, c.Endpoint), c.Endpoint != "" && !there}
}

// Schedules are all schedules, by name.
func Schedules(tx *store.Tx) ([]Schedule, error) {
	known, err := names(tx)
	if err != nil {
		return nil, err
	}
	all, err := queue.Schedules(tx)
	out := make([]Schedule, len(all))
	for i, c := range all {
		out[i] = named(c, known)
	}
	return out, err
}

// ScheduleNamed is one schedule, or store.ErrNotFound.
func ScheduleNamed(tx *store.Tx, name string) (Schedule, error) {
	c, err := queue.ScheduleNamed(tx, name)
	if err != nil {
		return Schedule{}, err
	}
	known, err := names(tx)
	return named(c, known), err
}

// EndpointNames are the places a schedule can deliver to, by name.
func EndpointNames(tx *store.Tx) ([]string, error) {
	all, err := listEndpoints(tx, maxEndpoints)
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = e.name
	}
	return out, err
}

// ScheduleInput is a schedule as a person or a program asks for it.
type ScheduleInput struct {
	Name        string         `json:"name,omitempty" doc:"That of the address, if given"`
	Cron        string         `json:"cron" doc:"When, as a line of a crontab: 30 2 * * *"`
	Timezone    string         `json:"timezone,omitempty" doc:"As Europe/Berlin; UTC if left out"`
	Missed      string         `json:"missed,omitempty" doc:"What becomes of runs while the server was down: skip, once or all:N"`
	Overlap     *bool          `json:"overlap,omitempty" doc:"false: a run is left out while the last has not finished"`
	Kind        string         `json:"kind" doc:"Of the job"`
	Args        jsontext.Value `json:"args,omitempty" doc:"Of the job; the schedule's name and when it was due if left out"`
	Endpoint    string         `json:"endpoint,omitempty" doc:"Id or name; default if left out"`
	Queue       string         `json:"queue,omitempty" doc:"default if left out"`
	Priority    int            `json:"priority,omitempty" doc:"-9 to 9, higher first"`
	MaxAttempts int            `json:"max_attempts,omitempty" doc:"1 to 100"`
	Timeout     int            `json:"timeout_seconds,omitempty" doc:"Of an attempt; the endpoint's if left out"`
}

// newSchedule is a schedule that was checked, but for its name and its endpoint.
type newSchedule struct {
	plan    queue.NewSchedule
	job     jobInput
	timeout time.Duration // 0: the endpoint's
}

// check finds what is wrong with an input. What a job may be is what its jobs may be.
func (in ScheduleInput) check(now time.Time) (n newSchedule, err error) {
	var c web.Check
	_, err = cron.Zone(in.Timezone)
	c.Fault(err == nil, "timezone", "unknown", sentence(err))
	if err == nil {
		_, err = cron.Parse(in.Cron, in.Timezone)
		c.Fault(err == nil, "cron", "form", sentence(err))
	}
	missed, err := queue.ParseMissed(in.Missed)
	c.Fault(err == nil, "missed", "unknown", sentence(err))
	_, err = web.DecodeJSON[jsontext.Value](in.Args)
	if valid := in.Args == nil || err == nil; !valid {
		c.Fault(false, "args", "form", "This is not valid JSON in UTF-8.")
		in.Args = nil
	}
	job, err := jobInput{Kind: in.Kind, Args: slices.Clone(in.Args), Endpoint: in.Endpoint, Queue: in.Queue, Priority: in.Priority,
		MaxAttempts: in.MaxAttempts, Timeout: in.Timeout}.check(in.Args, now)
	for _, f := range fields(err) {
		c.Fault(false, f.Field, f.Code, f.Message)
	}
	n.job = job.jobInput
	n.plan = queue.NewSchedule{Name: in.Name, Spec: strings.Join(strings.Fields(in.Cron), " "), Zone: in.Timezone, Missed: missed, NoOverlap: !or(in.Overlap, true),
		Kind: n.job.Kind, Priority: n.job.Priority, MaxAttempts: cmp.Or(n.job.MaxAttempts, 20)}
	if in.Args != nil {
		n.plan.Args = json.RawMessage(n.job.Args)
	}
	n.timeout = time.Duration(n.job.Timeout) * time.Second
	return n, c.Err()
}

// to is the schedule for an endpoint: its jobs go where the app's other jobs go.
func (n newSchedule) to(e endpoint) queue.NewSchedule {
	n.plan.Endpoint, n.plan.Queue = e.id, lane(e.name, n.job.Queue)
	n.plan.Timeout = cmp.Or(n.timeout, e.timeout) + slack
	return n.plan
}

// fields are what a 422 says of each field.
func fields(err error) []web.Field {
	if err == nil {
		return nil
	}
	return web.AsError(err).Fields
}

// sentence is what an error of the engine says, for people.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	first, size := utf8.DecodeRuneInString(err.Error())
	return string(unicode.ToUpper(first)) + err.Error()[size:] + "."
}

// asFault is what the engine found wrong, by the name that people know the field by.
func asFault(err error) error {
	var e *queue.ScheduleError
	if !errors.As(err, &e) {
		return err
	}
	field := cmp.Or(map[string]string{"spec": "cron", "zone": "timezone"}[e.Field], e.Field)
	return web.Invalid(web.Field{Field: field, Code: "refused", Message: sentence(e.Err)})
}
