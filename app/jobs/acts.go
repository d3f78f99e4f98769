package jobs

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// CancelJob ends a job that has not finished. One that runs is told, and final when
// its handler returns.
func (s *System) CancelJob(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.changeJob(tx, id, actCancelled, s.cancel) })
}

// RetryJob makes a finished job run again with fresh attempts, and one that waits
// for its time run now.
func (s *System) RetryJob(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.changeJob(tx, id, actRetried, retry) })
}

// changeJob does something to a job and records it.
func (s *System) changeJob(tx *store.Tx, id string, action audit.Action, do func(*store.Tx, queue.Record) error) error {
	j, err := queue.ByID(tx, id)
	if err != nil {
		return err
	}
	if err := do(tx, j); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "job", ID: j.ID}}, Details: map[string]any{"kind": j.Kind, "was": j.State}})
}

func (s *System) cancel(tx *store.Tx, j queue.Record) error {
	if j.State.Final() {
		return &web.Error{Status: http.StatusConflict, Code: "finished", Public: "This job has finished: it is " + string(j.State) + "."}
	}
	return s.Queue.Cancel(tx, j.ID)
}

func retry(tx *store.Tx, j queue.Record) error {
	switch {
	case j.State.Final():
		return queue.Replay(tx, j.ID)
	case j.State == queue.Scheduled || j.State == queue.Retryable:
		return queue.Hasten(tx, j.ID)
	}
	return &web.Error{Status: http.StatusConflict, Code: "not_waiting", Public: "This job is " + string(j.State) + ": it runs as soon as it can."}
}

// ReplayJobs makes all jobs of a final state that a filter names run again, by a
// job that goes through them in slices. It returns that job's id.
func (s *System) ReplayJobs(ctx context.Context, f queue.Filter) (string, error) {
	if !f.State.Final() {
		return "", web.BadRequest("bad_field", "Only finished jobs can be replayed: choose dead, cancelled or completed.")
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		ticket, err := queue.Enqueue(tx, queue.Replays{State: f.State, JobKind: f.Kind, Queue: f.Queue, Org: f.Org, Endpoint: f.Endpoint, Before: tx.NewID("job")})
		if err != nil {
			return "", err
		}
		details := map[string]any{"state": f.State}
		for name, value := range map[string]string{"kind": f.Kind, "queue": f.Queue, "org": f.Org, "endpoint": f.Endpoint} {
			if value != "" {
				details[name] = value
			}
		}
		return ticket.ID, s.Audit.Record(tx, audit.Event{Action: actReplayed, Targets: []audit.Ref{{Type: "job", ID: ticket.ID}}, Details: details})
	})
}
