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
		// A process that dies while the job runs: it claims and is never heard of again.
		died := New(b.db, Options{})
		Handle(died, func(context.Context, Job[note]) error { return nil })
		claimed, _, err := died.claim(t.Context(), 1)
		b.must(err)
		if len(claimed) != 1 {
			t.Fatalf("crash %d: claimed %d", crash, len(claimed))
		}
		b.clock.advance(time.Second)
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
		died := New(b.db, Options{})
		Handle(died, func(context.Context, Job[note]) error { return nil })
		claimed, _, err := died.claim(t.Context(), 9)
		b.must(err)
		if len(claimed) != 3 {
			t.Fatalf("claimed %d of 3", len(claimed))
		}
		b.clock.advance(time.Second)
		b.must(New(b.db, Options{}).Rescue(t.Context()))
	}
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
