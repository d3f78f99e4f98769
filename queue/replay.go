package queue

import (
	"context"
	"errors"
	"time"

	"seaworthy/store"
)

// Replays is the job that replays the finished jobs of a filter, slice by slice, so that
// ten thousand dead letters hold nobody up. What ended after it was enqueued is left alone, so that
// a job which fails again is not replayed again, even when this one is tried again.
type Replays struct {
	State    State  `json:"state"`
	JobKind  string `json:"kind,omitempty"`
	Queue    string `json:"queue,omitempty"`
	Org      string `json:"org,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Before   string `json:"before"` // ids below it
}

// Kind implements Args.
func (Replays) Kind() string { return "queue.replay" }

// Defaults implements Enqueue's defaults: two of them would be in each other's way.
func (Replays) Defaults() []Option { return []Option{Key("queue.replay", 1), Priority(5)} }

// replaySlice is how many are replayed in one transaction.
const replaySlice = 200

func (q *Queue) replay(ctx context.Context, job Job[Replays]) error {
	a := job.Args
	f := Filter{State: a.State, Kind: a.JobKind, Queue: a.Queue, Org: a.Org, Endpoint: a.Endpoint, Before: a.Before, Limit: replaySlice}
	for {
		var next string
		err := q.db.Write(ctx, func(tx *store.Tx) (err error) {
			next, err = replayPage(tx, f, job.Enqueued)
			return err
		})
		switch {
		case errors.Is(err, store.ErrConflict):
			return Bury(errors.New("only finished jobs can be replayed"))
		case err != nil:
			return err
		case next == "":
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		f.Before = next
	}
}

// replayPage replays those jobs of one page of a list that had finished at a time, but for those
// that replay others and would do all over again what they once did. It returns where the next
// page begins: "" after the last.
func replayPage(tx *store.Tx, f Filter, at time.Time) (before string, err error) {
	if !f.State.Final() {
		return "", store.ErrConflict
	}
	page, err := List(tx, f)
	if err != nil {
		return "", err
	}
	for _, j := range page {
		if j.Kind == (Replays{}).Kind() || j.Finished.After(at) {
			continue
		}
		if err := Replay(tx, j.ID); err != nil {
			return "", err
		}
	}
	if len(page) == f.Limit {
		before = page[len(page)-1].ID
	}
	return before, nil
}
