package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"seaworthy/store"
)

func TestReplayKeepsPriorityKeyAndHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fail := true
	var order []string
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		order = append(order, j.Args.Text)
		if fail {
			return Bury(errors.New("no"))
		}
		return nil
	})
	low, high := b.enqueue(note{"low"}).ID, b.enqueue(note{"high"}, Priority(5), Key("k", 1)).ID
	holder := b.enqueue(note{"holder"}, Key("k", 1), In(time.Hour)).ID
	b.drain()
	fail, order = false, nil
	b.clock.advance(time.Second)
	b.write(func(tx *store.Tx) error { return errors.Join(Replay(tx, low), Replay(tx, high)) })
	b.drain()
	if !slices.Equal(order, []string{"high", "low"}) {
		t.Errorf("order %v", order)
	}
	if j := b.job(high); j.State != Completed || j.Outcomes != "failed completed" {
		t.Errorf("%+v", j)
	}
	if err := b.db.Write(t.Context(), func(tx *store.Tx) error { return Replay(tx, holder) }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("one that waits was replayed: %v", err)
	}
	b.write(func(tx *store.Tx) error { return Hasten(tx, holder) })
	b.drain()
	if b.job(holder).State != Completed {
		t.Errorf("hastened: %+v", b.job(holder))
	}
}

// A replay of what was completed does not replay the replays before it.
func TestReplayLeavesReplaysAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	runs := 0
	Handle(b.q, func(context.Context, Job[note]) error { runs++; return nil })
	b.enqueue(note{})
	b.drain()
	for want := 2; want < 4; want++ {
		b.enqueue(Replays{State: Completed})
		b.drain()
		if runs != want {
			t.Fatalf("%d runs, want %d", runs, want)
		}
	}
}

// A replay that is tried again, because the process died in it, leaves alone what it replayed and failed again.
func TestReplayTriedAgainRunsNothingTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	runs := 0
	Handle(b.q, func(context.Context, Job[note]) error { runs++; return Bury(errors.New("no")) })
	b.enqueue(note{})
	b.drain()
	b.clock.advance(time.Second)
	asked := Job[Replays]{Info: Info{Enqueued: b.clock.now()}, Args: Replays{State: Dead}}
	for range 2 {
		b.clock.advance(time.Second)
		b.must(b.q.replay(t.Context(), asked))
		b.drain()
	}
	if runs != 2 {
		t.Errorf("%d runs, want 2", runs)
	}
}
