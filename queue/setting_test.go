package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"seaworthy/store"
)

func TestRateIsKeptAndItsBurst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var at []time.Duration
	start := b.clock.now()
	Handle(b.q, func(context.Context, Job[note]) error { at = append(at, b.clock.now().Sub(start)); return nil })
	b.write(func(tx *store.Tx) error { return SetRate(tx, "default", 2, time.Second, 3) })
	for range 7 {
		b.enqueue(note{})
	}
	free := b.enqueue(note{}, On("other")).ID
	for range 40 {
		b.drain()
		b.clock.advance(100 * time.Millisecond)
	}
	half := 500 * time.Millisecond
	if want := []time.Duration{0, 0, 0, 0, half, 2 * half, 3 * half, 4 * half}; !slices.Equal(at, want) { // three at once, the other queue's, then two a second
		t.Errorf("started at %v, want %v", at, want)
	}
	if b.job(free).State != Completed {
		t.Error("another queue was held back")
	}
	// The wait is known exactly, so that the dispatcher sleeps no longer than that.
	for range 4 {
		b.enqueue(note{})
	}
	b.drain()
	_, next, err := b.q.claim(t.Context(), 9)
	b.must(err)
	if wait := next.Sub(b.clock.now()); wait <= 0 || wait > half {
		t.Errorf("the next token is in %v", wait)
	}
}

// A rate that cannot be kept is refused: stored, it would end the process at every look.
func TestRateThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, c := range map[string]struct {
		n     int
		per   time.Duration
		burst int
	}{
		"less than none":            {-1, time.Second, 1},
		"in no time":                {1, 0, 1},
		"in less than is kept":      {1, 500 * time.Microsecond, 1},
		"more than one microsecond": {1001, time.Millisecond, 1},
		"a burst of ages":           {1, time.Hour, 1 << 40},
	} {
		err := b.db.Write(t.Context(), func(tx *store.Tx) error { return SetRate(tx, "default", c.n, c.per, c.burst) })
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	b.write(func(tx *store.Tx) error { return SetRate(tx, "default", 1000, time.Millisecond, 1) })
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	id := b.enqueue(note{}).ID
	b.drain()
	if b.job(id).State != Completed {
		t.Error("the highest rate lets nothing through")
	}
}

func TestPausedQueueWaitsAndSoDoesReadiness(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	b.write(func(tx *store.Tx) error { return Pause(tx, "default", "user:usr_x") })
	id, other := b.enqueue(note{}).ID, b.enqueue(note{}, On("other")).ID
	b.drain()
	if got := b.states(id, other); !slices.Equal(got, []State{Available, Completed}) {
		t.Fatalf("paused: %v", got)
	}
	b.clock.advance(time.Hour)
	age, err := store.Read(t.Context(), b.db, OldestReady)
	b.must(err)
	if age != 0 {
		t.Errorf("a paused queue counts as stuck: %v", age)
	}
	lines := b.lines()
	if len(b.q.Halted(lines, time.Minute)) != 0 {
		t.Error("a paused queue counts as halted")
	}
	if len(lines) != 1 || !lines[0].Paused || lines[0].PausedBy != "user:usr_x" || lines[0].Ready != 1 || lines[0].Oldest != time.Hour {
		t.Errorf("lines %+v", lines)
	}
	b.write(func(tx *store.Tx) error { return Resume(tx, "default") })
	b.drain()
	if b.job(id).State != Completed {
		t.Error("resumed, and it does not run")
	}
}

// Nothing starts once a pause is saved, though the workers looked before.
func TestPauseHoldsAgainstAClaimThatHadLooked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	b.enqueue(note{})
	var claimed []*running
	var failed error
	b.inOneGroup(
		func() {
			failed = b.db.Write(context.Background(), func(tx *store.Tx) error { return Pause(tx, "default", "user:usr_x") })
		},
		func() {
			var err error
			claimed, _, err = b.q.claim(context.Background(), 1)
			if err != nil {
				t.Error(err)
			}
		})
	b.must(failed)
	if len(claimed) != 0 {
		t.Errorf("%d jobs started after the pause", len(claimed))
	}
	b.invariant()
}

func TestConcurrencyOfAQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	b.write(func(tx *store.Tx) error { return SetConcurrency(tx, "default", 2) })
	for range 5 {
		b.enqueue(note{})
	}
	claimed, _, err := b.q.claim(t.Context(), 32)
	b.must(err)
	if len(claimed) != 2 {
		t.Fatalf("claimed %d", len(claimed))
	}
	if more, _, err := b.q.claim(t.Context(), 32); err != nil || len(more) != 0 {
		t.Fatalf("claimed %d more, %v", len(more), err)
	}
	for _, r := range claimed {
		b.q.execute(r)
	}
	b.drain()
}
