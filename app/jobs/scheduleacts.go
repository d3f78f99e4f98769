package jobs

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// What people do to schedules.
const (
	actScheduleMade    audit.Action = "schedule.created"
	actScheduleChanged audit.Action = "schedule.changed"
	actSchedulePaused  audit.Action = "schedule.paused"
	actScheduleResumed audit.Action = "schedule.resumed"
	actScheduleRemoved audit.Action = "schedule.removed"
	actScheduleRun     audit.Action = "schedule.run_by_hand"
)

// scheduleActions are their part of the catalogue.
var scheduleActions = []audit.Kind{
	{Action: actScheduleMade, Title: "Schedule made", Means: "A job of the app was given times at which it is enqueued."},
	{Action: actScheduleChanged, Title: "Schedule changed", Means: "When a schedule enqueues its job, or what job that is, was changed."},
	{Action: actSchedulePaused, Title: "Schedule paused", Means: "A schedule enqueues nothing until it is resumed; what is due meanwhile is not made up."},
	{Action: actScheduleResumed, Title: "Schedule resumed", Means: "A paused schedule enqueues its job again, from its next time on."},
	{Action: actScheduleRemoved, Title: "Schedule removed", Means: "A schedule and the list of its runs were deleted; its jobs stay."},
	{Action: actScheduleRun, Title: "Schedule run by hand", Means: "The job of a schedule was enqueued at once, whether or not it was due."},
}

var (
	errOfProgram = &web.Error{Status: http.StatusConflict, Code: "of_program",
		Public: "This schedule is the program's own: it can be paused, not changed or removed."}
	errRetired = &web.Error{Status: http.StatusConflict, Code: "retired",
		Public: "This schedule is retired: the program does not have it any more."}
	errOverlap = &web.Error{Status: http.StatusConflict, Code: "overlap",
		Public: "The job of the last run has not finished, and this schedule runs one at a time. Nothing was enqueued."}
)

// MakeSchedule makes a schedule for an endpoint of the app.
func (s *System) MakeSchedule(ctx context.Context, in ScheduleInput) error {
	_, err := s.setSchedule(ctx, in, func(exists bool) error {
		if exists {
			return web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a schedule with this name."})
		}
		return nil
	})
	return err
}

// ChangeSchedule changes one of a person's.
func (s *System) ChangeSchedule(ctx context.Context, in ScheduleInput) error {
	_, err := s.setSchedule(ctx, in, func(exists bool) error {
		if !exists {
			return store.ErrNotFound
		}
		return nil
	})
	return err
}

// setSchedule makes or changes a schedule and reports whether it is a new one. What
// is already so is no change.
func (s *System) setSchedule(ctx context.Context, in ScheduleInput, may func(exists bool) error) (made bool, err error) {
	n, err := in.check(s.DB.Now())
	if err != nil {
		return false, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) { return s.putSchedule(tx, n, may) })
}

// putSchedule stores a schedule that was checked, and reports whether it is a new one.
func (s *System) putSchedule(tx *store.Tx, n newSchedule, may func(exists bool) error) (made bool, err error) {
	was, err := queue.ScheduleNamed(tx, n.plan.Name)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if err := may(exists); err != nil {
		return false, err
	}
	if was.InCode {
		return false, errOfProgram
	}
	e, err := targets{}.find(tx, n.job.Endpoint)
	if errors.Is(err, store.ErrNotFound) {
		return false, errNoEndpoint
	}
	if err != nil {
		return false, err
	}
	want := n.to(e)
	changes, details := scheduleChanges(was.NewSchedule, want)
	if exists && len(changes)+len(details) == 0 && was.Retired.IsZero() && was.Fault == "" {
		return false, nil
	}
	if err := queue.SetSchedule(tx, want); err != nil {
		return false, asFault(err)
	}
	if exists {
		return false, s.recordSchedule(tx, actScheduleChanged, want.Name, changes, details)
	}
	return true, s.recordSchedule(tx, actScheduleMade, want.Name, nil,
		map[string]any{"cron": want.Spec, "timezone": want.Zone, "kind": want.Kind, "endpoint": e.name})
}

// scheduleChanges is what changed. Of arguments it says only that they did: they may
// hold what the log should not keep.
func scheduleChanges(was, n queue.NewSchedule) (changes map[string]audit.Change, details map[string]any) {
	changes = map[string]audit.Change{}
	for field, v := range map[string][2]any{"cron": {was.Spec, n.Spec}, "timezone": {was.Zone, n.Zone}, "missed": {was.Missed.String(), n.Missed.String()},
		"overlap": {!was.NoOverlap, !n.NoOverlap}, "kind": {was.Kind, n.Kind}, "endpoint": {was.Endpoint, n.Endpoint}, "queue": {was.Queue, n.Queue},
		"priority": {was.Priority, n.Priority}, "max_attempts": {was.MaxAttempts, n.MaxAttempts},
		"timeout_seconds": {int((was.Timeout - slack) / time.Second), int((n.Timeout - slack) / time.Second)}} {
		if v[0] != v[1] {
			changes[field] = audit.Change{From: v[0], To: v[1]}
		}
	}
	if !bytes.Equal(was.Args, n.Args) {
		details = map[string]any{"args": "changed"}
	}
	return changes, details
}

func (s *System) recordSchedule(tx *store.Tx, action audit.Action, name string, changes map[string]audit.Change, details map[string]any) error {
	return s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "schedule", ID: name}}, Changes: changes, Details: details})
}

// PauseSchedule keeps a schedule from running, or lets it run again. What is already
// so is no change.
func (s *System) PauseSchedule(ctx context.Context, name string, paused bool) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := queue.ScheduleNamed(tx, name)
		if err != nil || !was.Paused.IsZero() == paused {
			return err
		}
		action := actScheduleResumed
		if paused {
			action, err = actSchedulePaused, queue.PauseSchedule(tx, name)
		} else {
			err = queue.ResumeSchedule(tx, name)
		}
		if errors.Is(err, store.ErrConflict) {
			return errRetired
		}
		if err != nil {
			return err
		}
		return s.recordSchedule(tx, action, name, nil, nil)
	})
}

// RemoveSchedule deletes a schedule of a person's, or a retired one.
func (s *System) RemoveSchedule(ctx context.Context, name string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.removeSchedule(tx, name) })
}

func (s *System) removeSchedule(tx *store.Tx, name string) error {
	was, err := queue.ScheduleNamed(tx, name)
	if err != nil {
		return err
	}
	err = queue.RemoveSchedule(tx, name)
	if errors.Is(err, store.ErrConflict) {
		return errOfProgram
	}
	if err != nil {
		return err
	}
	return s.recordSchedule(tx, actScheduleRemoved, name, nil, map[string]any{"cron": was.Spec, "timezone": was.Zone, "kind": was.Kind})
}

// RunSchedule enqueues a schedule's job now and returns the job's id.
func (s *System) RunSchedule(ctx context.Context, name string) (string, error) {
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		ticket, err := queue.RunNow(tx, name)
		switch {
		case errors.Is(err, queue.ErrOverlap):
			return "", errOverlap
		case errors.Is(err, store.ErrConflict):
			return "", errRetired
		case err != nil:
			return "", err
		}
		return ticket.ID, s.Audit.Record(tx, audit.Event{Action: actScheduleRun,
			Targets: []audit.Ref{{Type: "schedule", ID: name}, {Type: "job", ID: ticket.ID}}})
	})
}
