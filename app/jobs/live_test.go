package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"seaworthy/queue"
)

// Whoever was told that he came in time is believed, also where the attempt ends at that moment;
// and nobody is told so once it has ended.
func TestWordAtTheDeadlineCounts(t *testing.T) {
	t.Parallel()
	for range 50 { // of two things that are so at once a select takes any
		ctx, cancel := context.WithTimeout(t.Context(), slack) // the time of the delivery is up
		cancel()
		d := &delivering{done: make(chan done, 1)}
		d.spoken.Store(true)
		d.done <- done{failed: "no paper"}
		if err := (&System{}).await(ctx, queue.Job[json.RawMessage]{}, d); err == nil || err.Error() != "no paper" {
			t.Fatalf("the app's word is passed over: %v", err)
		}
	}
	ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now(), queue.ErrStopping)
	defer cancel()
	d := &delivering{done: make(chan done, 1)}
	if err := (&System{}).await(ctx, queue.Job[json.RawMessage]{}, d); err == nil || !d.spoken.Load() {
		t.Errorf("%v; somebody can still say how it ended: %t", err, !d.spoken.Load())
	}
	if err := (done{failed: "no printer", permanent: true}).end(queue.Job[json.RawMessage]{}); err == nil || errors.Is(err, queue.ErrStopping) {
		t.Error(err)
	}
}
