package queue

import (
	"context"
	"encoding/json"
	"fmt"

	"seaworthy/queue/cron"
)

// CronOption is an Option for the jobs of a schedule, or NoOverlap.
type CronOption interface{ plan(*declared) }

func (o Option) plan(d *declared) { o(&d.jobs) }

type noOverlap struct{}

func (noOverlap) plan(d *declared) { d.NoOverlap = true }

// NoOverlap leaves a run out while the job of an earlier one has not finished.
// Of missed runs at most one is then made up.
var NoOverlap CronOption = noOverlap{}

// declared is a schedule of the program.
type declared struct {
	NewSchedule
	jobs     spec
	calendar cron.Schedule
}

// Cron declares a schedule that enqueues args whenever it is due; args have a
// handler. Its row is brought up to date when the queue starts: with another spec
// or zone the next run is computed anew, and a schedule that is not declared any
// more is retired. It panics on what could not run: that is a mistake in the program.
func Cron(q *Queue, name, spec, zone string, missed Missed, args Args, opts ...CronOption) {
	if d, ok := args.(interface{ Defaults() []Option }); ok {
		var all []CronOption
		for _, o := range d.Defaults() {
			all = append(all, o)
		}
		opts = append(all, opts...)
	}
	body, err := json.Marshal(args)
	if err != nil {
		panic(fmt.Sprintf("queue: schedule %s: %v", name, err))
	}
	q.declare(NewSchedule{Name: name, Spec: spec, Zone: zone, Missed: missed, Kind: args.Kind(), Args: body}, opts)
}

// Kind of a schedule's own function is of no use: it is "schedule." and the name.
func (Tick) Kind() string { return "schedule" }

// CronFunc is Cron with a function of its own in place of a kind of job.
func CronFunc(q *Queue, name, spec, zone string, missed Missed, fn func(ctx context.Context, job Job[Tick]) error, opts ...CronOption) {
	h := newHandler("schedule."+name, fn, nil)
	q.declare(NewSchedule{Name: name, Spec: spec, Zone: zone, Missed: missed, Kind: h.kind}, opts)
	q.handlers[h.kind] = h
}

func (q *Queue) declare(n NewSchedule, opts []CronOption) {
	d := &declared{NewSchedule: n}
	for _, o := range opts {
		o.plan(d)
	}
	if d.jobs.uniq != "" || !d.jobs.runAt.IsZero() {
		panic("queue: schedule " + n.Name + ": when its jobs run, and that each is unique, is the schedule's")
	}
	d.Queue, d.Priority, d.MaxAttempts, d.Timeout = d.jobs.queue, d.jobs.priority, d.jobs.maxAttempts, d.jobs.timeout
	var err error
	if d.calendar, err = d.check(); err != nil {
		panic(fmt.Sprintf("queue: schedule %s: %v", n.Name, err))
	}
	if q.plans.declared == nil {
		q.plans.declared = map[string]*declared{}
	}
	if q.plans.declared[n.Name] != nil {
		panic("queue: two schedules are called " + n.Name)
	}
	q.plans.declared[n.Name] = d
}
