package jobs

import (
	"context"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// What people do to queues.
const (
	actReplayed audit.Action = "jobs.replayed"
	actPaused   audit.Action = "queue.paused"
	actResumed  audit.Action = "queue.resumed"
	actLimited  audit.Action = "queue.limits_changed"
)

// queueActions are their part of the catalogue.
var queueActions = []audit.Kind{
	{Action: actReplayed, Title: "Jobs replayed", Means: "All finished jobs that a filter named were made to run again."},
	{Action: actPaused, Title: "Queue paused", Means: "Jobs of a queue do not start until it is resumed; those that ran went on."},
	{Action: actResumed, Title: "Queue resumed", Means: "Jobs of a paused queue start again."},
	{Action: actLimited, Title: "Queue's limits changed", Means: "How many jobs of a queue run at once, or how fast they start, was changed."},
}

// maxQueueName bounds the name of a queue, in bytes.
const maxQueueName = 200

func checkQueue(name string) error {
	if name == "" || web.CleanText(name, maxQueueName) != name {
		return store.ErrNotFound
	}
	return nil
}

// PauseQueue keeps jobs of a queue from starting, or lets them start again. What is
// already so is no change.
func (s *System) PauseQueue(ctx context.Context, name string, paused bool) error {
	if err := checkQueue(name); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := queue.SettingOf(tx, name)
		if err != nil || was.Paused == paused {
			return err
		}
		action := actResumed
		if paused {
			action, err = actPaused, queue.Pause(tx, name, web.IdentityOf(ctx).Actor())
		} else {
			err = queue.Resume(tx, name)
		}
		if err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "queue", ID: name}}})
	})
}

// Limits are how many jobs of a queue run at once, and how fast they start.
type Limits struct {
	Concurrency int // 0: the default
	Rate        int // jobs that may start in Per; 0: as fast as they can
	Per         time.Duration
	Burst       int // of them at once after a rest
}

// check says what is wrong with limits that a person typed.
func (l Limits) check() error {
	var c web.Check
	c.Fault(l.Concurrency >= 0 && l.Concurrency <= 1000, "concurrency", "out_of_range", "A number from 0, for the default, to 1000.")
	c.Fault(l.Rate >= 0 && l.Rate <= 100_000, "rate", "out_of_range", "A number from 0, for no limit, to 100000.")
	c.Fault(l.Per == time.Second || l.Per == time.Minute || l.Per == time.Hour, "per", "unknown", "Choose second, minute or hour.")
	c.Fault(l.Burst >= 1 && l.Burst <= 100_000, "burst", "out_of_range", "A number from 1 to 100000.")
	return c.Err()
}

// LimitQueue changes them.
func (s *System) LimitQueue(ctx context.Context, name string, l Limits) error {
	if err := checkQueue(name); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := queue.SettingOf(tx, name)
		if err != nil {
			return err
		}
		if err := queue.SetConcurrency(tx, name, l.Concurrency); err != nil {
			return err
		}
		if err := queue.SetRate(tx, name, l.Rate, l.Per, l.Burst); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actLimited, Targets: []audit.Ref{{Type: "queue", ID: name}}, Changes: l.since(was)})
	})
}

// since is what changed.
func (l Limits) since(was queue.Setting) map[string]audit.Change {
	changes := map[string]audit.Change{}
	for field, v := range map[string][2]int{"concurrency": {was.Concurrency, l.Concurrency}, "rate": {was.Rate, l.Rate},
		"per_seconds": {int(was.Per.Seconds()), int(l.Per.Seconds())}, "burst": {was.Burst, l.Burst}} {
		if v[0] != v[1] {
			changes[field] = audit.Change{From: v[0], To: v[1]}
		}
	}
	return changes
}
