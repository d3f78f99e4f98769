package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"seaworthy/store"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	started := make(chan struct{})
	Handle(b.q, func(ctx context.Context, j Job[note]) error { close(started); <-ctx.Done(); return context.Cause(ctx) })
	cancel := func(id string) error {
		return b.db.Write(t.Context(), func(tx *store.Tx) error { return b.q.Cancel(tx, id) })
	}
	waiting := b.enqueue(note{}, In(time.Hour)).ID
	b.must(cancel(waiting))
	if err := cancel(waiting); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("cancelled twice: %v", err)
	}
	id := b.enqueue(note{}).ID
	b.must(b.q.Start(t.Context()))
	<-started
	b.must(cancel(id))
	b.must(b.q.Stop(t.Context()))
	if b.job(waiting).State != Cancelled || b.job(id).State != Cancelled {
		t.Errorf("waiting %+v, running %+v", b.job(waiting), b.job(id))
	}
	b.invariant()
}

// A job is cancelled in the transaction after the one that claims it, before its worker has it.
func TestCancelReachesAJobThatWasJustClaimed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return errors.New("no") })
	id := b.enqueue(note{}).ID
	var claimed []*running
	var failed, refused error
	b.inOneGroup(
		func() { claimed, _, failed = b.q.claim(context.Background(), 1) },
		func() {
			refused = b.db.Write(context.Background(), func(tx *store.Tx) error { return b.q.Cancel(tx, id) })
		})
	b.must(errors.Join(failed, refused))
	if len(claimed) != 1 || !errors.Is(context.Cause(claimed[0].ctx), ErrCancelled) {
		t.Fatalf("its context does not end: %d claimed", len(claimed))
	}
	b.q.execute(claimed[0])
	if j := b.job(id); j.State != Cancelled || j.Outcomes != "cancelled" {
		t.Errorf("%+v", j)
	}
	b.invariant()
}

// Its time was over, or the process was about to stop, before somebody cancelled it: it does not run again.
func TestCancelledJobIsNotTriedAgainWhateverEndedIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  error // of its context
		said error // by the handler
	}{
		"failed":  {nil, errors.New("no")},
		"snoozed": {nil, Snooze(time.Hour)},
		"stopped": {ErrStopping, errors.New("no")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			runs := 0
			Handle(b.q, func(_ context.Context, j Job[note]) error {
				runs++
				b.must(b.db.Write(context.Background(), func(tx *store.Tx) error {
					_, err := tx.Exec(`UPDATE queue_job SET cancel_requested = 1 WHERE id = ?`, j.ID)
					return err
				}))
				return c.said
			})
			id := b.enqueue(note{}, Key("k", 1)).ID
			next := b.enqueue(note{}, Key("k", 1), On("other")).ID
			claimed, _, err := b.q.claim(t.Context(), 1)
			b.must(err)
			if c.end != nil {
				claimed[0].cancel(c.end)
			}
			if res := b.q.execute(claimed[0]); res.state != Cancelled {
				t.Errorf("told of %s", res.state)
			}
			b.clock.advance(48 * time.Hour)
			if j := b.job(id); j.State != Cancelled || j.Attempt != 1 || j.Outcomes != "cancelled" || runs != 1 {
				t.Errorf("%+v after %d runs", j, runs)
			}
			if j := b.job(next); j.State != Available {
				t.Errorf("its place was not given on: %+v", j)
			}
			b.invariant()
		})
	}
}

// The worker of a cancelled job fell silent: nobody starts it once more.
func TestCancelledJobOfALostWorkerIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { t.Error("it ran again"); return nil })
	id := b.enqueue(note{}).ID
	silent := New(b.db, Options{})
	Handle(silent, func(context.Context, Job[note]) error { return nil })
	if claimed, _, err := silent.claim(t.Context(), 1); err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	b.write(func(tx *store.Tx) error { return b.q.Cancel(tx, id) })
	b.clock.advance(2 * time.Minute)
	b.drain()
	if j := b.record(id); j.State != Cancelled || j.Cancelling {
		t.Errorf("%+v", j)
	}
}

// A handler that found out that no attempt can succeed is believed during a stop, too.
func TestStopKeepsWhatTheHandlerFoundOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return Bury(errors.New("refused for good")) })
	id := b.enqueue(note{}).ID
	claimed, _, err := b.q.claim(t.Context(), 1)
	b.must(err)
	claimed[0].cancel(ErrStopping)
	b.q.execute(claimed[0])
	if j := b.job(id); j.State != Dead || j.LastError != "refused for good" {
		t.Errorf("%+v", j)
	}
}
