package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maragu.dev/goqite"

	"seaworthy/store"
)

type note struct{ Text string }

func (note) Kind() string { return "test.note" }

type stranger struct{}

func (stranger) Kind() string { return "test.stranger" }

// clock is a time that only tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

type bench struct {
	*testing.T
	db    *store.DB
	q     *Queue
	clock *clock
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock{}
	c.ms.Store(1_790_000_000_000)
	db, err := store.Open(filepath.Join(t.TempDir(), "q.db"), store.Options{Clock: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	return &bench{t, db, New(db, Options{Jitter: func() float64 { return 0.5 }}), c}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) enqueue(a Args, opts ...Option) Ticket {
	b.Helper()
	t, err := store.Write(b.Context(), b.db, func(tx *store.Tx) (Ticket, error) { return Enqueue(tx, a, opts...) })
	b.must(err)
	return t
}

func (b *bench) drain() []Ran {
	b.Helper()
	ran, err := b.q.Drain(b.Context())
	b.must(err)
	b.invariant()
	return ran
}

// runAll runs what is ready with the real workers: many at once, unlike drain.
func (b *bench) runAll() {
	b.Helper()
	b.must(b.q.Start(b.Context()))
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		lines, err := store.Read(b.Context(), b.db, func(tx *store.Tx) ([]Line, error) { return Lines(tx, 1) })
		b.must(err)
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.Ready > 0 }) {
			break
		}
		if time.Since(began) > time.Minute {
			b.Fatal("the queue does not run empty")
		}
	}
	b.must(b.q.Stop(b.Context()))
	b.invariant()
}

// invariant: goqite has a row exactly for each available or running job.
func (b *bench) invariant() {
	b.Helper()
	b.must(b.db.Read(b.Context(), func(tx *store.Tx) error {
		var jobs, messages, joined int
		if err := tx.QueryRow("SELECT count(*) FROM queue_job WHERE state IN ('available', 'running')").Scan(&jobs); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT count(*) FROM goqite").Scan(&messages); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT count(*) FROM goqite m JOIN queue_job j ON j.msg_id = m.id AND j.queue = m.queue").Scan(&joined); err != nil {
			return err
		}
		if jobs != messages || joined != jobs {
			b.Errorf("%d ready jobs, %d messages, %d of them matched", jobs, messages, joined)
		}
		keys, err := store.All(tx, func(s store.Scanner) (k string, err error) { return k, s.Scan(&k) },
			"SELECT DISTINCT ckey FROM queue_job WHERE ckey IS NOT NULL")
		for _, k := range keys {
			var held, limit, blocked int
			if err := tx.QueryRow("SELECT coalesce(sum(state IN ('available', 'running')), 0), max(climit), coalesce(sum(state = 'blocked'), 0) FROM queue_job WHERE ckey = ?", k).Scan(&held, &limit, &blocked); err != nil {
				return err
			}
			if held > limit || blocked > 0 && held < limit {
				b.Errorf("key %s: %d hold a place, the limit is %d, %d are blocked", k, held, limit, blocked)
			}
		}
		return err
	}))
}

type row struct {
	State              State
	Attempt, Crashes   int
	RunAt              time.Time
	LastError          string
	Outcomes, Finished string
}

func (b *bench) job(id string) row {
	b.Helper()
	r, err := store.Read(b.Context(), b.db, func(tx *store.Tx) (r row, err error) {
		var at int64
		err = tx.QueryRow("SELECT state, attempt, crashes, run_at, coalesce(last_error, '') FROM queue_job WHERE id = ?", id).
			Scan(&r.State, &r.Attempt, &r.Crashes, &at, &r.LastError)
		r.RunAt = time.UnixMilli(at)
		if err == nil {
			var all []string
			all, err = store.All(tx, func(s store.Scanner) (o string, err error) { return o, s.Scan(&o) },
				"SELECT outcome FROM queue_attempt WHERE job_id = ? ORDER BY started_at, attempt", id)
			r.Outcomes = strings.Join(all, " ")
		}
		return r, err
	})
	b.must(err)
	return r
}

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
	dead := b.enqueue(stranger{}).ID
	b.drain()
	b.clock.advance(25 * time.Hour)
	b.drain()
	if j := b.job(dead); j.State != Dead || !strings.Contains(j.LastError, "test.stranger") {
		t.Fatalf("after a day: %+v", j)
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
	if j := b.job(id); j.State != Scheduled || j.Attempt != 0 || j.Outcomes != "stopped" {
		t.Fatalf("got %+v", j)
	}
}

func TestWorkersPickUpAfterTheCommitAndFinishAll(t *testing.T) {
	t.Parallel()
	db, err := store.Open(filepath.Join(t.TempDir(), "q.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, db: db, q: New(db, Options{})}
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
