package queue

import (
	"context"
	"fmt"
)

// Ran is a job that Drain ran.
type Ran struct {
	ID, Kind string
	State    State // what became of it
	Err      string
}

// Drain runs every job that is due by the store's clock, one after another in
// the caller's goroutine, including those they enqueue, until none is left. It
// is for tests and commands; never use it beside Start.
func (q *Queue) Drain(ctx context.Context) ([]Ran, error) {
	var ran []Ran
	for len(ran) < 10_000 {
		if _, err := q.promote(ctx); err != nil {
			return ran, err
		}
		claimed, _, err := q.claim(ctx, 1)
		if err != nil {
			return ran, err
		}
		if len(claimed) == 0 {
			return ran, nil
		}
		res := q.execute(claimed[0])
		ran = append(ran, Ran{ID: claimed[0].info.ID, Kind: claimed[0].info.Kind, State: res.state, Err: res.err})
	}
	return ran, fmt.Errorf("drain: still not empty after %d jobs", len(ran))
}
