package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestPoisonJobIsDeadAtTheThirdCrash(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.enqueue(note{}).ID
	var told []Failure
	for crash := 1; crash <= 3; crash++ {
		if n := b.dies(settle, 1); n != 1 {
			t.Fatalf("crash %d: claimed %d", crash, n)
		}
		b.must(New(b.db, Options{Failed: func(f Failure) { told = append(told, f) }}).Rescue(t.Context()))
		b.invariant()
		if j := b.job(id); j.Crashes != crash || (j.State == Dead) != (crash == 3) {
			t.Fatalf("crash %d: %+v", crash, j)
		}
	}
	if j := b.job(id); j.Outcomes != "crashed crashed crashed" {
		t.Fatalf("history: %+v", j)
	}
	if len(told) != 1 || told[0].Job.ID != id || !told[0].Dead || told[0].Job.Kind != (note{}).Kind() {
		t.Fatalf("told of %+v", told)
	}
}

func TestSuspectsRunOneAtATime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := []string{b.enqueue(note{}).ID, b.enqueue(note{}, On("other")).ID, b.enqueue(note{}).ID}
	for range 2 {
		if n := b.dies(0, 9); n != 3 {
			t.Fatalf("claimed %d of 3", n)
		}
		b.must(New(b.db, Options{}).Rescue(t.Context()))
	}
	b.clock.advance(settle)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	fresh := b.enqueue(note{}).ID
	for left := 3; left > 0; left-- {
		claimed, _, err := b.q.claim(t.Context(), 9)
		b.must(err)
		b.invariant()
		suspects := 0
		for _, r := range claimed {
			if r.suspect {
				suspects++
			} else if r.info.ID != fresh {
				t.Fatalf("claimed %+v", r.info)
			}
		}
		if suspects != 1 {
			t.Fatalf("%d suspects at once, %d left", suspects, left)
		}
		if again, _, err := b.q.claim(t.Context(), 9); err != nil || len(again) != 0 {
			t.Fatalf("claimed beside a suspect: %d, %v", len(again), err)
		}
		for _, r := range claimed {
			b.q.execute(r)
		}
		b.clock.advance(awaitTurn)
		_, err = b.q.promote(t.Context())
		b.must(err)
	}
	for _, id := range append(ids, fresh) {
		if j := b.job(id); j.State != Completed {
			t.Fatalf("%+v", j)
		}
	}
}

// dies has a process claim up to n notes once it has run for so long, and be never heard of
// again. It returns how many it claimed.
func (b *bench) dies(after time.Duration, n int) int {
	b.Helper()
	died := New(b.db, Options{})
	Handle(died, func(context.Context, Job[note]) error { return nil })
	b.clock.advance(after)
	_, err := died.promote(b.Context())
	b.must(err)
	claimed, _, err := died.claim(b.Context(), n)
	b.must(err)
	b.clock.advance(time.Second)
	return len(claimed)
}

// A process that something else kills again and again, soon after each start, makes no dead
// letters of the jobs that it takes up first.
func TestShortLivesBlameNoJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.enqueue(note{}).ID
	for range 20 {
		b.dies(100*time.Millisecond, 1)
		b.must(New(b.db, Options{}).Rescue(t.Context()))
		b.invariant()
	}
	if j := b.job(id); j.State.Final() || j.Crashes != 2 || j.Attempt != 2 {
		t.Fatalf("after 20 short lives: %+v", j)
	}
	q := New(b.db, Options{})
	Handle(q, func(context.Context, Job[note]) error { return nil })
	if ran, err := q.Drain(t.Context()); err != nil || len(ran) != 0 {
		t.Fatalf("before the process had settled ran %v, %v", ran, err)
	}
	b.clock.advance(settle)
	if ran, err := q.Drain(t.Context()); err != nil || len(ran) != 1 {
		t.Fatalf("ran %v, %v", ran, err)
	}
	if j := b.job(id); j.State != Completed || j.Outcomes != "crashed crashed completed" {
		t.Fatalf("%+v", j)
	}
}

func TestStaleWorkerIsFenced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	id := b.enqueue(note{}).ID
	slow := New(b.db, Options{})
	Handle(slow, func(context.Context, Job[note]) error { return errors.New("too late") })
	claimed, _, err := slow.claim(t.Context(), 1)
	b.must(err)
	b.clock.advance(2 * time.Minute) // its lease runs out
	b.drain()
	if j := b.job(id); j.State != Completed || j.Outcomes != "lost completed" {
		t.Fatalf("second worker: %+v", j)
	}
	slow.execute(claimed[0])
	if j := b.job(id); j.State != Completed || j.LastError != "" {
		t.Fatalf("the stale worker changed it: %+v", j)
	}
}

// A job that may run once has run once when the process dies in it, or its worker falls silent.
func TestLastAttemptThatIsLostIsTheLast(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(b *bench, o Options){
		"the process dies": func(b *bench, o Options) { b.must(New(b.db, o).Rescue(b.Context())) },
		"the worker falls silent": func(b *bench, o Options) {
			b.clock.advance(2 * time.Minute)
			other := New(b.db, o)
			Handle(other, func(context.Context, Job[note]) error { b.Error("it ran again"); return nil })
			if ran, err := other.Drain(b.Context()); err != nil || len(ran) != 0 {
				b.Errorf("ran %v, %v", ran, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			id := b.enqueue(note{}, MaxAttempts(1)).ID
			gone := New(b.db, Options{})
			Handle(gone, func(context.Context, Job[note]) error { return nil })
			if claimed, _, err := gone.claim(t.Context(), 1); err != nil || len(claimed) != 1 {
				t.Fatalf("%d claimed, %v", len(claimed), err)
			}
			var told []Failure
			lose(&bench{t, b.db, b.q, b.clock}, Options{Failed: func(f Failure) { told = append(told, f) }})
			b.invariant()
			if j := b.job(id); j.State != Dead || j.Attempt != 1 || j.LastError == "" {
				t.Errorf("%+v", j)
			}
			if len(told) != 1 || !told[0].Dead || told[0].Job.ID != id {
				t.Errorf("told of %+v", told)
			}
		})
	}
}
