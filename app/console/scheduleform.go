package console

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/jobs"
	"seaworthy/app/web"
	"seaworthy/store"
)

// scheduleForm is a schedule as a person types it.
type scheduleForm struct {
	Name        string `json:"name,omitempty"`
	Cron        string `json:"cron"`
	Timezone    string `json:"timezone"`
	Missed      string `json:"missed"`
	Overlap     string `json:"overlap"` // yes or no
	Endpoint    string `json:"endpoint"`
	Kind        string `json:"kind"`
	Args        string `json:"args"`
	Queue       string `json:"queue"`
	Priority    string `json:"priority"`
	MaxAttempts string `json:"max_attempts"`
	Timeout     string `json:"timeout_seconds"`
}

// values are what the fields of the form show.
func (f scheduleForm) values() map[string]string {
	return map[string]string{"name": f.Name, "cron": f.Cron, "timezone": f.Timezone, "missed": f.Missed, "overlap": f.Overlap, "endpoint": f.Endpoint, "kind": f.Kind,
		"args": f.Args, "queue": f.Queue, "priority": f.Priority, "max_attempts": f.MaxAttempts, "timeout_seconds": f.Timeout}
}

// newForm is what a form begins with; what is left empty there has a default.
var newForm = scheduleForm{Timezone: "UTC", Missed: "skip", Overlap: "yes", Endpoint: "default", Queue: "default", Priority: "0", MaxAttempts: "20"}

func formOfSchedule(c jobs.Schedule) scheduleForm {
	f := scheduleForm{Name: c.Name, Cron: c.Spec, Timezone: c.Zone, Missed: c.Missed.String(), Overlap: "yes", Endpoint: c.Where, Kind: c.Kind, Args: string(c.Args),
		Queue: c.Lane(), Priority: strconv.Itoa(c.Priority), MaxAttempts: strconv.Itoa(c.MaxAttempts), Timeout: strconv.Itoa(int(c.Takes() / time.Second))}
	if c.NoOverlap {
		f.Overlap = "no"
	}
	return f
}

// input is what was typed as jobs takes it. What is no number is out of every range.
func (f scheduleForm) input(name string) jobs.ScheduleInput {
	number := func(text string) int {
		if strings.TrimSpace(text) == "" {
			return 0
		}
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return -1 << 30
		}
		return n
	}
	overlap := f.Overlap != "no"
	in := jobs.ScheduleInput{Name: name, Cron: f.Cron, Timezone: strings.TrimSpace(f.Timezone), Missed: f.Missed, Overlap: &overlap, Kind: strings.TrimSpace(f.Kind), Endpoint: f.Endpoint,
		Queue: strings.TrimSpace(f.Queue), Priority: number(f.Priority), MaxAttempts: number(f.MaxAttempts), Timeout: number(f.Timeout)}
	if text := strings.TrimSpace(f.Args); text != "" {
		in.Args = jsontext.Value(text)
	}
	return in
}

type scheduleFormData struct {
	Endpoints []string
	Policies  [][2]string // value and words
	Name      string      // of the schedule that is changed; "" for a new one
	Back      string
	More      bool // one of the fields that are folded away is faulty
}

// policies are what can become of missed runs, with one of an own number if the
// schedule has it.
func policies(chosen string) [][2]string {
	all := [][2]string{{"skip", "Leave them out"}, {"once", "Make up one, the newest"}, {"all:10", "Make up each, at most 10"}, {"all:100", "Make up each, at most 100"}, {"all:1000", "Make up each, at most 1,000"}}
	for _, p := range all {
		if p[0] == chosen {
			return all
		}
	}
	number, own := strings.CutPrefix(chosen, "all:")
	if n, err := strconv.Atoi(number); own && err == nil {
		return append(all, [2]string{chosen, "Make up each, at most " + strconv.Itoa(n)})
	}
	return all
}

func (s *System) showScheduleForm(w http.ResponseWriter, r *http.Request, name string, f scheduleForm, fault *web.Error) error {
	d := scheduleFormData{Name: name, Back: schedulesBase, Policies: policies(f.Missed)}
	v := web.View{Title: "New schedule", Form: &web.Form{Values: f.values(), Err: fault}}
	if name != "" {
		v.Title, d.Back = "Change "+name, schedulesBase+"/"+name
	}
	var err error
	if d.Endpoints, err = store.Read(r.Context(), s.DB, jobs.EndpointNames); err != nil {
		return err
	}
	if fault != nil {
		v.Status = fault.Status
		for _, field := range []string{"queue", "priority", "max_attempts", "timeout_seconds"} {
			d.More = d.More || fault.FieldMessage(field) != ""
		}
	}
	v.Data = d
	return s.Pages.Render(w, r, "console/scheduleform", v)
}

func (s *System) newSchedule(w http.ResponseWriter, r *http.Request) error {
	return s.showScheduleForm(w, r, "", newForm, nil)
}

func (s *System) editSchedule(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	c, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (jobs.Schedule, error) { return jobs.ScheduleNamed(tx, name) })
	if err != nil {
		return err
	}
	if !c.ByPeople() {
		return &web.Error{Status: http.StatusConflict, Code: "of_program", Public: "This schedule is the program's own: it can be paused, not changed."}
	}
	return s.showScheduleForm(w, r, name, formOfSchedule(c), nil)
}

func (s *System) makeSchedule(w http.ResponseWriter, r *http.Request) error {
	return s.saveSchedule(w, r, "made", "", s.Jobs.MakeSchedule)
}

func (s *System) changeSchedule(w http.ResponseWriter, r *http.Request) error {
	return s.saveSchedule(w, r, "changed", r.PathValue("name"), s.Jobs.ChangeSchedule)
}

// saveSchedule does what a form asks, or shows it again with what is wrong. old is
// the schedule's name, which does not change; "" for a new one.
func (s *System) saveSchedule(w http.ResponseWriter, r *http.Request, done, old string, save func(ctx context.Context, in jobs.ScheduleInput) error) error {
	f, err := web.Decode[scheduleForm](r)
	if err != nil {
		return err
	}
	name := old
	if name == "" {
		name = strings.TrimSpace(f.Name)
	}
	if err := save(r.Context(), f.input(name)); err != nil {
		if e, ok := mendable(err); ok {
			return s.showScheduleForm(w, r, old, f, e)
		}
		return err
	}
	return web.SeeOther(w, r, schedulesBase+"/"+name+"?done="+done)
}
