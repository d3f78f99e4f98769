package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maragu.dev/goqite"

	"seaworthy/store"
)

func TestRollbackLeavesNoJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	err := b.db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := Enqueue(tx, note{"gone"}); err != nil {
			return err
		}
		return errors.New("no")
	})
	if err == nil {
		t.Fatal("the write succeeded")
	}
	if ran := b.drain(); len(ran) != 0 {
		t.Fatalf("ran %v", ran)
	}
}

func TestRunsInOrderOfPriorityAndTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var got []string
	Handle(b.q, func(_ context.Context, j Job[note]) error { got = append(got, j.Args.Text); return nil })
	b.enqueue(note{"first"})
	b.clock.advance(time.Millisecond)
	b.enqueue(note{"second"})
	b.enqueue(note{"urgent"}, Priority(5))
	b.enqueue(note{"later"}, In(time.Hour))
	b.enqueue(note{"at"}, At(b.clock.now().Add(2*time.Hour)))
	b.drain()
	b.clock.advance(time.Hour)
	b.drain()
	b.clock.advance(time.Hour)
	b.drain()
	if want := []string{"urgent", "first", "second", "later", "at"}; !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
}

func TestRetriesWithBackoffThenDead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return errors.New("not today") })
	id := b.enqueue(note{}, MaxAttempts(3)).ID
	b.drain()
	if j := b.job(id); j.State != Retryable || j.RunAt.Sub(b.clock.now()) != time.Second {
		t.Fatalf("after one: %+v", j)
	}
	b.clock.advance(time.Second)
	b.drain()
	if j := b.job(id); j.State != Retryable || j.RunAt.Sub(b.clock.now()) != 16*time.Second {
		t.Fatalf("after two: %+v", j)
	}
	b.clock.advance(16 * time.Second)
	b.drain()
	if j := b.job(id); j.State != Dead || j.Attempt != 3 || j.LastError != "not today" || j.Outcomes != "failed failed failed" {
		t.Fatalf("after three: %+v", j)
	}
	b.must(b.db.Write(t.Context(), func(tx *store.Tx) error { return Replay(tx, id) }))
	b.drain()
	if j := b.job(id); j.State != Retryable || j.Attempt != 1 {
		t.Fatalf("replayed: %+v", j)
	}
}

func TestAKindHasItsOwnBackoff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return errors.New("not today") },
		Backoff(func(attempt int) time.Duration { return time.Duration(attempt) * time.Hour }))
	id := b.enqueue(note{}).ID
	for attempt := 1; attempt <= 2; attempt++ {
		b.drain()
		if j := b.job(id); j.RunAt.Sub(b.clock.now()) != time.Duration(attempt)*time.Hour {
			t.Fatalf("after attempt %d: %+v", attempt, j)
		}
		b.clock.advance(time.Duration(attempt) * time.Hour)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler func(ctx context.Context, j Job[note]) error
		opts    []Option
		want    row
	}{
		"panics":   {func(context.Context, Job[note]) error { panic("boom") }, nil, row{State: Retryable, Attempt: 1, LastError: "panic: boom", Outcomes: "panicked"}},
		"snoozes":  {func(context.Context, Job[note]) error { return Snooze(time.Minute) }, nil, row{State: Scheduled, Attempt: 0, Outcomes: "snoozed"}},
		"gives up": {func(context.Context, Job[note]) error { return Bury(errors.New("never")) }, nil, row{State: Dead, Attempt: 1, LastError: "never", Outcomes: "failed"}},
		"cancels":  {func(context.Context, Job[note]) error { return Cancel(errors.New("moot")) }, nil, row{State: Cancelled, Attempt: 1, LastError: "moot", Outcomes: "cancelled"}},
		"times out": {func(ctx context.Context, _ Job[note]) error { <-ctx.Done(); return ctx.Err() },
			[]Option{Timeout(time.Millisecond)}, row{State: Retryable, Attempt: 1, LastError: "context deadline exceeded", Outcomes: "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			Handle(b.q, c.handler)
			id := b.enqueue(note{}, c.opts...).ID
			b.drain()
			got := b.job(id)
			got.RunAt = time.Time{}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCompleteIsOneTransactionWithTheEffect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	effect := func(tx *store.Tx) error { return store.SetMeta(tx, "effect", "done") }
	Handle(b.q, func(ctx context.Context, j Job[note]) error {
		if j.Args.Text == "stolen" { // as if another worker had taken it
			b.must(b.db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec("UPDATE queue_job SET attempt = 9 WHERE id = ?", j.ID)
				return err
			}))
		}
		return j.Complete(ctx, effect)
	})
	read := func() string {
		v, err := store.Read(t.Context(), b.db, func(tx *store.Tx) (string, error) { return store.Meta(tx, "effect") })
		b.must(err)
		return v
	}
	stolen := b.enqueue(note{"stolen"}).ID
	_, err := b.q.Drain(t.Context())
	b.must(err)
	if read() != "" || b.job(stolen).State != Running {
		t.Fatalf("a fenced worker left its effect: %q, %+v", read(), b.job(stolen))
	}
	id := b.enqueue(note{"mine"}).ID
	_, err = b.q.Drain(t.Context())
	b.must(err)
	if read() != "done" || b.job(id).State != Completed || b.job(id).Outcomes != "completed" {
		t.Fatalf("effect %q, %+v", read(), b.job(id))
	}
}

func TestUnique(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	first := b.enqueue(note{}, Unique("k", 10*time.Minute))
	if again := b.enqueue(note{}, Unique("k", 10*time.Minute)); !again.Duplicate || again.ID != first.ID {
		t.Fatalf("second: %+v", again)
	}
	if other := b.enqueue(note{}, Unique("other", 0)); other.Duplicate {
		t.Fatal("another key counts as the same")
	}
	b.drain()
	if again := b.enqueue(note{}, Unique("k", 0)); !again.Duplicate {
		t.Fatal("the window did not outlive the job")
	}
	if again := b.enqueue(note{}, Unique("other", 0)); again.Duplicate {
		t.Fatal("without a window a finished job still blocks")
	}
	b.clock.advance(11 * time.Minute)
	if again := b.enqueue(note{}, Unique("k", 0)); again.Duplicate {
		t.Fatal("the window does not end")
	}
}

func TestUnknownKindIsHeldThenDead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.enqueue(stranger{}).ID
	for range 5 {
		b.drain()
		if j := b.job(id); j.State != Scheduled || j.Attempt != 0 {
			t.Fatalf("held: %+v", j)
		}
		b.clock.advance(time.Hour)
	}
	// The release that knows it comes back: it runs.
	known := New(b.db, Options{})
	Handle(known, func(context.Context, Job[stranger]) error { return nil })
	other := b.enqueue(stranger{}).ID
	ran, err := known.Drain(t.Context())
	b.must(err)
	if len(ran) != 2 || b.job(id).State != Completed || b.job(other).State != Completed {
		t.Fatalf("ran %v", ran)
	}
	var told []Failure
	b.q = New(b.db, Options{Failed: func(f Failure) { told = append(told, f) }})
	dead := b.enqueue(stranger{}).ID
	b.drain()
	b.clock.advance(25 * time.Hour)
	b.drain()
	if j := b.job(dead); j.State != Dead || !strings.Contains(j.LastError, "test.stranger") {
		t.Fatalf("after a day: %+v", j)
	}
	if len(told) != 1 || told[0].Job.ID != dead || !told[0].Dead || !strings.Contains(told[0].Err, "test.stranger") {
		t.Errorf("told of %+v", told)
	}
}

func TestCorruptArgumentsFailOnlyThatJob(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	bad, good := b.enqueue(note{}).ID, b.enqueue(note{}).ID
	b.must(b.db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE queue_job SET args = ? WHERE id = ?", []byte("{"), bad)
		return err
	}))
	b.drain()
	if b.job(bad).State != Dead || b.job(good).State != Completed {
		t.Fatalf("bad %+v, good %+v", b.job(bad), b.job(good))
	}
}

func TestStopRefundsWhatItInterrupts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	started := make(chan struct{})
	Handle(b.q, func(ctx context.Context, _ Job[note]) error { close(started); <-ctx.Done(); return ctx.Err() })
	id := b.enqueue(note{}).ID
	b.must(b.q.Start(t.Context()))
	<-started
	now, cancel := context.WithCancel(t.Context())
	cancel()
	b.must(b.q.Stop(now))
	b.must(b.q.Stop(t.Context())) // as a second signal would
	if j := b.job(id); j.State != Scheduled || j.Attempt != 0 || j.Outcomes != "stopped" {
		t.Fatalf("got %+v", j)
	}
}

func TestWorkersPickUpAfterTheCommitAndFinishAll(t *testing.T) {
	t.Parallel()
	b := newLive(t)
	var ran atomic.Int64
	var all sync.WaitGroup
	Handle(b.q, func(_ context.Context, j Job[note]) error { ran.Add(1); all.Done(); return nil })
	b.must(b.q.Start(t.Context()))
	all.Add(300)
	for i := range 300 {
		go b.enqueue(note{fmt.Sprint(i)}, On(fmt.Sprintf("queue%d", i%3)))
	}
	all.Wait()
	b.must(b.q.Stop(t.Context()))
	b.invariant()
	if ran.Load() != 300 {
		t.Fatalf("ran %d", ran.Load())
	}
}

func TestGoqitesOwnAPIStillWorksOnTheTable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// goqite asks for a pool, but its Tx methods use only the transaction.
	theirs := goqite.New(goqite.NewOpts{DB: new(sql.DB), Name: "default"})
	id := b.enqueue(note{"ours"}).ID
	b.must(b.db.Write(t.Context(), func(tx *store.Tx) error {
		m, err := theirs.ReceiveTx(t.Context(), tx.SQL())
		if err != nil || m == nil || string(m.Body) != id {
			return fmt.Errorf("received %v, %v", m, err)
		}
		return theirs.SendTx(t.Context(), tx.SQL(), goqite.Message{Body: []byte("theirs")})
	}))
}
