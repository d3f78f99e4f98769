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
				if n := b.dies(settle, 1); n != 1 {
					b.Fatalf("claimed %d", n)
				}
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
	b := newLive(t)
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

// More work waits than there are workers, in more queues than two: each has its turn.
func TestEveryQueueHasItsTurnWhenAllWorkersAreBusy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.q = New(b.db, Options{Workers: 4, PerQueue: 2})
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	for range 8 {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			b.enqueue(note{}, On(name))
		}
	}
	started := map[string]int{}
	var run []*running
	for range 20 { // one ends, and one may begin
		b.clock.advance(time.Millisecond)
		claimed, _, err := b.q.claim(t.Context(), b.q.free())
		b.must(err)
		for _, r := range claimed {
			started[r.info.Queue]++
		}
		run = append(run, claimed...)
		b.q.execute(run[0])
		run = run[1:]
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if n := started[name]; n < 4 || n > 5 {
			t.Errorf("%d jobs of %s were started, of %v", n, name, started)
		}
	}
	for _, r := range run {
		b.q.execute(r)
	}
}
