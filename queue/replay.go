package queue

import (
	"context"
	"errors"

	"seaworthy/store"
)

// Replays is the job that replays the finished jobs of a filter, slice by slice, so that
// ten thousand dead letters hold nobody up.
type Replays struct {
	State    State  `json:"state"`
	JobKind  string `json:"kind,omitempty"`
	Queue    string `json:"queue,omitempty"`
	Org      string `json:"org,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Before   string `json:"before"` // ids below it: what fails again meanwhile is not replayed twice
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
			_, next, err = ReplayAll(tx, f)
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
