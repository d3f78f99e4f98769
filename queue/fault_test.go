package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"seaworthy/store"
)

// The fault suite of spec/jobs.md section 5, as far as one process can play it;
// app/apptest/faults kills real ones.

// Row 6: a worker that is slower than its lease while the heartbeat cannot write.
// Row 11: the machine stood still for ten minutes.
func TestFault11PauseOfTheMachineRunsNothingTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	started, finish := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	runs := 0
	Handle(b.q, func(context.Context, Job[note]) error {
		mu.Lock()
		runs++
		mu.Unlock()
		close(started)
		<-finish
		return nil
	})
	id := b.enqueue(note{}).ID
	claimed, _, err := b.q.claim(t.Context(), 1)
	b.must(err)
	done := make(chan struct{})
	go func() { b.q.execute(claimed[0]); close(done) }()
	<-started
	b.clock.advance(10 * time.Minute)
	if again, _, err := b.q.claim(t.Context(), 9); err != nil || len(again) != 0 {
		t.Fatalf("claimed its own job again: %d, %v", len(again), err)
	}
	close(finish)
	<-done
	if j := b.job(id); j.State != Completed || j.Outcomes != "completed" || runs != 1 {
		t.Fatalf("%+v after %d runs", j, runs)
	}
}

// Row 7: a handler ignores the end of its time.
func TestFault7StuckJobIsCountedAndOthersRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	finish := make(chan struct{})
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		if j.Args.Text == "stuck" {
			<-finish
		}
		return nil
	})
	b.enqueue(note{"stuck"}, Timeout(time.Second))
	claimed, _, err := b.q.claim(t.Context(), 1)
	b.must(err)
	done := make(chan struct{})
	go func() { b.q.execute(claimed[0]); close(done) }()
	b.clock.advance(2 * time.Second)
	if b.q.Stuck() != 0 {
		t.Error("stuck within its lease")
	}
	b.clock.advance(2 * time.Minute)
	b.q.heartbeat()
	if b.q.Stuck() != 1 {
		t.Error("a job that ignores its timeout is not counted")
	}
	good := b.enqueue(note{"good"}).ID
	b.drain()
	if b.job(good).State != Completed {
		t.Error("another job does not run")
	}
	close(finish)
	<-done
}

// Row 10: the clock goes back an hour. Nothing runs twice, and what is ready runs.
func TestFault10ClockGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	runs := map[string]int{}
	Handle(b.q, func(_ context.Context, j Job[note]) error { runs[j.Args.Text]++; return nil })
	b.enqueue(note{"done"})
	b.drain()
	b.enqueue(note{"ready"})
	b.clock.advance(-time.Hour)
	before := b.enqueue(note{"new"}).ID
	b.drain()
	if b.job(before).State != Completed {
		t.Error("a new job waits for the old time")
	}
	b.clock.advance(2 * time.Hour)
	b.drain()
	for text, n := range runs {
		if n != 1 {
			t.Errorf("%s ran %d times", text, n)
		}
	}
	if len(runs) != 3 {
		t.Errorf("ran %v", runs)
	}
}

// Row 12 (unknown kind) and 13 (corrupt arguments) are in queue_test.go, 4 (poison)
// and 6 (fence) in rescue_test.go.

// Cancelling races with finishing: whoever commits first decides, and the job is final once.
func TestFaultCancelAgainstFinish(t *testing.T) {
	t.Parallel()
	b := newLive(t)
	Handle(b.q, func(ctx context.Context, _ Job[note]) error { return context.Cause(ctx) })
	b.must(b.q.Start(t.Context()))
	var ids []string
	var wg sync.WaitGroup
	for range 100 {
		id := b.enqueue(note{}, Key("k", 4)).ID
		ids = append(ids, id)
		wg.Go(func() {
			err := b.db.Write(context.Background(), func(tx *store.Tx) error { return b.q.Cancel(tx, id) })
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		open := slices.ContainsFunc(ids, func(id string) bool { return !b.job(id).State.Final() })
		if !open {
			break
		}
		if time.Since(began) > 60*time.Second {
			t.Fatal("some never ended")
		}
	}
	b.must(b.q.Stop(t.Context()))
	b.invariant()
}

// Replay of ten thousand dead letters, in slices, while the queue runs.
func TestFaultReplayOfManyDead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dead := true
	Handle(b.q, func(context.Context, Job[note]) error {
		if dead {
			return Bury(errors.New("no"))
		}
		return nil
	})
	const jobs = 1200
	b.write(func(tx *store.Tx) error {
		for range jobs {
			if _, err := Enqueue(tx, note{}); err != nil {
				return err
			}
		}
		return nil
	})
	b.runAll()
	dead = false
	b.enqueue(Replays{State: Dead, JobKind: "test.note"})
	b.runAll()
	left, err := store.Read(t.Context(), b.db, func(tx *store.Tx) (int, error) { return CountState(tx, Completed, 1e6) })
	b.must(err)
	if left != jobs+1 { // and the job that replayed them
		t.Errorf("%d completed", left)
	}
	live := b.enqueue(Replays{State: Running}).ID
	b.drain()
	if b.job(live).State != Dead {
		t.Errorf("what runs was replayed: %+v", b.job(live))
	}
}

// Row 16: what waits and what is dead is never looked at by a claim. The figures are
// in BenchmarkPickUpBesideMany; here a claim among many takes no more steps than alone.
func TestFault16ClaimsDoNotFeelWhatWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	measure := func() time.Duration {
		best := time.Hour
		for range 30 {
			b.enqueue(note{})
			began := time.Now()
			claimed, _, err := b.q.claim(t.Context(), 1)
			best = min(best, time.Since(began))
			b.must(err)
			b.q.execute(claimed[0])
		}
		return best
	}
	alone := measure()
	crowd(t, b.db, 20_000)
	among := measure()
	if among > 5*alone+20*time.Millisecond {
		t.Errorf("a claim takes %v among forty thousand jobs, %v alone", among, alone)
	}
}
