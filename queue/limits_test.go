package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"
)

func (b *bench) write(fn func(tx *store.Tx) error) {
	b.Helper()
	b.must(b.db.Write(b.Context(), fn))
}

// states are those of some jobs, in order.
func (b *bench) states(ids ...string) []State {
	b.Helper()
	var all []State
	for _, id := range ids {
		all = append(all, b.job(id).State)
	}
	return all
}

func TestKeyLetsInTheNextAtTheEndOfEachLife(t *testing.T) {
	t.Parallel()
	run := func(err error) func(context.Context, Job[note]) error {
		return func(_ context.Context, j Job[note]) error {
			if j.Args.Text == "first" {
				return err
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		handler func(context.Context, Job[note]) error
		end     func(b *bench, id string)
	}{
		"completed": {run(nil), nil},
		"failed":    {run(errors.New("no")), nil},
		"dead":      {run(Bury(errors.New("never"))), nil},
		"snoozed":   {run(Snooze(time.Hour)), nil},
		"panicked":  {func(context.Context, Job[note]) error { panic("x") }, nil},
		"cancelled": {run(nil), func(b *bench, id string) { b.write(func(tx *store.Tx) error { return b.q.Cancel(tx, id) }) }},
		"crashed": {run(nil), func(b *bench, id string) {
			for range 3 {
				died := New(b.db, Options{})
				Handle(died, run(nil))
				if claimed, _, err := died.claim(b.Context(), 1); err != nil || len(claimed) != 1 {
					b.Fatalf("claimed %d, %v", len(claimed), err)
				}
				b.clock.advance(time.Second)
				b.must(New(b.db, Options{}).Rescue(b.Context()))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			Handle(b.q, c.handler)
			ids := []string{b.enqueue(note{"first"}, Key("k", 1)).ID, b.enqueue(note{"second"}, Key("k", 1)).ID, b.enqueue(note{"third"}, Key("k", 1), Priority(9)).ID}
			if got := b.states(ids...); !slices.Equal(got, []State{Available, Blocked, Blocked}) {
				t.Fatalf("enqueued: %v", got)
			}
			if c.end != nil {
				c.end(b, ids[0])
			} else {
				claimed, _, err := b.q.claim(t.Context(), 1)
				b.must(err)
				b.q.execute(claimed[0])
			}
			// The more urgent one of those that wait is let in.
			if got := b.states(ids[1:]...); !slices.Equal(got, []State{Blocked, Available}) {
				t.Fatalf("after the first: %v", got)
			}
			b.invariant()
			b.drain()
			if name != "panicked" && !slices.Equal(b.states(ids[1:]...), []State{Completed, Completed}) {
				t.Fatalf("at the end: %v", b.states(ids...))
			}
		})
	}
}

func TestKeyHoldsUnderLoadAcrossQueuesAndRetries(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.TempDir()+"/q.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, db: db, q: New(db, Options{})}
	var running, most, ended atomic.Int64
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		if j.Attempt == 1 && j.Args.Text[0] == '3' {
			return RetryAfter(time.Millisecond, errors.New("once more"))
		}
		ended.Add(1)
		return nil
	})
	b.must(b.q.Start(t.Context()))
	const jobs = 200
	for i := range jobs {
		b.enqueue(note{fmt.Sprint(i)}, Key("k", 3), On(fmt.Sprintf("q%d", i%4)))
	}
	for began := time.Now(); ended.Load() < jobs; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 60*time.Second {
			t.Fatalf("%d of %d ended", ended.Load(), jobs)
		}
	}
	b.must(b.q.Stop(t.Context()))
	b.invariant()
	if most.Load() != 3 {
		t.Errorf("%d ran at once, the limit is 3", most.Load())
	}
}

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

func (b *bench) lines() []Line {
	b.Helper()
	lines, err := store.Read(b.Context(), b.db, func(tx *store.Tx) ([]Line, error) { return Lines(tx, 10) })
	b.must(err)
	return lines
}

func TestHaltedIsNotBehind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	for range 3 {
		b.enqueue(note{})
	}
	b.clock.advance(4 * time.Minute)
	if got := b.q.Halted(b.lines(), 5*time.Minute); len(got) != 0 {
		t.Fatalf("too early: %v", got)
	}
	b.clock.advance(2 * time.Minute)
	if got := b.q.Halted(b.lines(), 5*time.Minute); !slices.Equal(got, []string{"default"}) {
		t.Fatalf("nothing started for six minutes: %v", got)
	}
	claimed, _, err := b.q.claim(t.Context(), 1)
	b.must(err)
	if got := b.q.Halted(b.lines(), 5*time.Minute); len(got) != 0 || Oldest(b.lines()) != 6*time.Minute {
		t.Fatalf("one started, and the rest is only behind: %v", got)
	}
	b.q.execute(claimed[0])
	b.drain()
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

func TestUniqueAmong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	waiting := []Option{Unique("w", 0), UniqueAmong(Scheduled, Available)}
	first := b.enqueue(note{}, waiting...)
	if again := b.enqueue(note{}, waiting...); !again.Duplicate || again.ID != first.ID {
		t.Fatalf("while one waits: %+v", again)
	}
	claimed, _, err := b.q.claim(t.Context(), 1)
	b.must(err)
	second := b.enqueue(note{}, waiting...)
	if second.Duplicate {
		t.Fatal("while one runs, none may wait")
	}
	if again := b.enqueue(note{}, waiting...); !again.Duplicate || again.ID != second.ID {
		t.Fatalf("a third: %+v", again)
	}
	b.q.execute(claimed[0])
	ever := []Option{Unique("e", 0), UniqueAmong(Available, Running, Completed)}
	b.enqueue(note{}, ever...)
	b.drain()
	if again := b.enqueue(note{}, ever...); !again.Duplicate {
		t.Fatal("completed, and made again")
	}
}

func TestIdempotencyKeyOutlivesTheJobAndKnowsItsRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	first := b.enqueue(note{"a"}, From("api", "k1", []byte("f1")))
	b.drain()
	b.clock.advance(6 * 24 * time.Hour)
	b.q.purge(nil)
	if again := b.enqueue(note{"a"}, From("api", "k1", []byte("f1"))); !again.Duplicate || again.ID != first.ID {
		t.Fatalf("again: %+v", again)
	}
	if other := b.enqueue(note{"a"}, From("outbox", "k1", nil)); other.Duplicate {
		t.Fatal("another source's key is the same")
	}
	err := b.db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := Enqueue(tx, note{"b"}, From("api", "k1", []byte("f2")))
		return err
	})
	if !errors.Is(err, ErrFingerprint) {
		t.Fatalf("another request: %v", err)
	}
}
