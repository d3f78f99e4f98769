package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/manifest"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// endpointDoc is an endpoint as seaworthy.yml has it. Its secret is made with it, and is in
// no file: rotating shows a new one.
type endpointDoc struct {
	URL         string `json:"url"`
	Concurrency int    `json:"concurrency,omitempty"`
	Timeout     int    `json:"timeout_seconds,omitempty"`
	Enabled     *bool  `json:"enabled,omitempty"` // as it is without one
}

// Parts are the sections of seaworthy.yml with where jobs are delivered, and when. What is
// paused, or was disabled because the app said that it is gone, stays so.
func (s *System) Parts() []manifest.Part {
	return []manifest.Part{
		{Name: "endpoints", Noun: "endpoint", Manage: permEndpoints, Read: permEndpoints, Prepare: s.prepareEndpoints, State: endpointsState},
		{Name: "schedules", Noun: "schedule", Manage: permManage, Read: permRead, Page: "/-/admin/jobs/schedules", Prepare: s.prepareSchedules, State: schedulesState},
	}
}

// wantedEndpoint is an endpoint of a file that was checked.
type wantedEndpoint struct {
	in      endpointInput
	enabled *bool
	secret  webhook.Secret // if it is made
	it      manifest.Item
}

func (s *System) prepareEndpoints(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("endpoints")
	var wanted []wantedEndpoint
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[endpointDoc](it)
		w := wantedEndpoint{in: endpointInput{Name: it.Name, URL: doc.URL, Concurrency: doc.Concurrency, Timeout: doc.Timeout}, enabled: doc.Enabled, secret: webhook.NewSecret(), it: it}
		if err == nil {
			err = it.Fault(s.checkEndpoint(&w.in))
		}
		wanted, faults = append(wanted, w), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for _, w := range wanted {
			if err := s.takeEndpoint(tx, w); err != nil {
				return w.it.Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error { return s.pruneEndpoints(tx, section.Names()) }
	}
	return act, nil
}

func (s *System) takeEndpoint(tx *store.Tx, w wantedEndpoint) error {
	e, err := findEndpoint(tx, w.in.Name)
	if errors.Is(err, store.ErrNotFound) {
		e, err = s.addEndpoint(tx, w.in, w.secret)
	}
	if err != nil {
		return err
	}
	return s.change(tx, e, endpointChange{URL: &w.in.URL, Concurrency: &w.in.Concurrency, Timeout: &w.in.Timeout, Enabled: w.enabled})
}

func (s *System) pruneEndpoints(tx *store.Tx, kept map[string]bool) error {
	all, err := listEndpoints(tx, maxEndpoints)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.configured || kept[e.name] {
			continue
		}
		if err := s.removeEndpoint(tx, e); err != nil {
			return err
		}
	}
	return nil
}

// endpointsState are the endpoints that people made; what the configuration names is there.
func endpointsState(tx *store.Tx) (all []manifest.Entry, err error) {
	endpoints, err := listEndpoints(tx, maxEndpoints)
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if e.configured {
			continue
		}
		doc := endpointDoc{URL: e.url, Concurrency: e.concurrency, Timeout: int(e.timeout / time.Second)}
		if e.disabledAt != nil && e.disabledWhy == "operator" {
			off := false
			doc.Enabled = &off
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: e.name, JSON: raw})
	}
	return all, nil
}

// scheduleDoc is a schedule as seaworthy.yml has it: ScheduleInput without its name.
type scheduleDoc struct {
	Cron        string         `json:"cron"`
	Timezone    string         `json:"timezone,omitempty"`
	Missed      string         `json:"missed,omitempty"`
	Overlap     *bool          `json:"overlap,omitempty"`
	Kind        string         `json:"kind"`
	Args        jsontext.Value `json:"args,omitempty"`
	Endpoint    string         `json:"endpoint,omitempty"`
	Queue       string         `json:"queue,omitempty"`
	Priority    int            `json:"priority,omitempty"`
	MaxAttempts int            `json:"max_attempts,omitempty"`
	Timeout     int            `json:"timeout_seconds,omitempty"`
}

// wantedSchedule is a schedule of a file that was checked.
type wantedSchedule struct {
	n  newSchedule
	it manifest.Item
}

func (s *System) prepareSchedules(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("schedules")
	var wanted []wantedSchedule
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[scheduleDoc](it)
		w := wantedSchedule{it: it}
		if err == nil {
			in := ScheduleInput{it.Name, doc.Cron, doc.Timezone, doc.Missed, doc.Overlap, doc.Kind, doc.Args, doc.Endpoint, doc.Queue, doc.Priority, doc.MaxAttempts, doc.Timeout}
			w.n, err = in.check(s.DB.Now())
			err = it.Fault(err)
		}
		wanted, faults = append(wanted, w), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for _, w := range wanted {
			if err := s.takeSchedule(tx, w.n); err != nil {
				return w.it.Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error { return s.pruneSchedules(tx, section.Names()) }
	}
	return act, nil
}

// takeSchedule makes a schedule what a file says. Arguments that say the same stay as they
// were written.
func (s *System) takeSchedule(tx *store.Tx, n newSchedule) error {
	was, err := queue.ScheduleNamed(tx, n.plan.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if manifest.Same(string(was.Args), string(n.plan.Args)) {
		n.plan.Args = was.Args
	}
	_, err = s.putSchedule(tx, n, func(bool) error { return nil })
	return err
}

func (s *System) pruneSchedules(tx *store.Tx, kept map[string]bool) error {
	all, err := Schedules(tx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ByPeople() && !kept[c.Name] {
			if err := s.removeSchedule(tx, c.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// schedulesState are the schedules that people made, but for those that deliver nowhere.
func schedulesState(tx *store.Tx) (all []manifest.Entry, err error) {
	schedules, err := Schedules(tx)
	if err != nil {
		return nil, err
	}
	for _, c := range schedules {
		if !c.ByPeople() || c.Gone {
			continue
		}
		overlap := !c.NoOverlap
		raw, err := json.Marshal(scheduleDoc{Cron: c.Spec, Timezone: c.Zone, Missed: c.Missed.String(), Overlap: &overlap, Kind: c.Kind, Args: jsontext.Value(c.Args),
			Endpoint: c.Where, Queue: c.Lane(), Priority: c.Priority, MaxAttempts: c.MaxAttempts, Timeout: int(c.Takes() / time.Second)})
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: c.Name, JSON: raw})
	}
	return all, nil
}
