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

// at sets the bench's clock.
func (b *bench) at(text, zone string) {
	b.Helper()
	loc, err := time.LoadLocation(zone)
	b.must(err)
	t, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	b.must(err)
	b.clock.ms.Store(t.UnixMilli())
}

func (b *bench) tx(fn func(tx *store.Tx) error) error { return b.db.Write(b.Context(), fn) }

func (b *bench) schedule(name string) ScheduleInfo {
	b.Helper()
	s, err := store.Read(b.Context(), b.db, func(tx *store.Tx) (ScheduleInfo, error) { return ScheduleNamed(tx, name) })
	b.must(err)
	return s
}

func (b *bench) runs(name string) []ScheduleRun {
	b.Helper()
	all, err := store.Read(b.Context(), b.db, func(tx *store.Tx) ([]ScheduleRun, error) { return ScheduleRuns(tx, name, time.Time{}, 10_000) })
	b.must(err)
	return all
}

// restart is a new process on the same database.
func (b *bench) restart() { b.q = New(b.db, b.q.o) }

// dues collects when the runs of a schedule were due.
type dues struct {
	mu  sync.Mutex
	all []time.Time
}

func (d *dues) run(_ context.Context, j Job[Tick]) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, j.Args.Due)
	return nil
}

// twice are the times that came more than once.
func (d *dues) twice() (all []time.Time) {
	seen := map[time.Time]bool{}
	for _, t := range d.all {
		if seen[t] {
			all = append(all, t)
		}
		seen[t] = true
	}
	return all
}

func TestAScheduleRunsWhenItIsDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	var ticks dues
	var notes []string
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		notes = append(notes, j.Args.Text+" "+j.Queue+" "+j.Cause.Actor)
		return nil
	})
	CronFunc(b.q, "ticks", "*/5 * * * *", "", Skip, ticks.run)
	Cron(b.q, "notes", "@hourly", "Asia/Kathmandu", Once, note{"hello"}, On("slow"), MaxAttempts(3), Timeout(2*time.Minute))
	for range 61 {
		b.drain()
		b.clock.advance(time.Minute)
	}
	if len(ticks.all) != 12 || !ticks.all[0].Equal(time.Date(2027, 6, 1, 12, 5, 0, 0, time.UTC)) || len(ticks.twice()) > 0 {
		t.Errorf("ticks at %v", ticks.all)
	}
	// Kathmandu is 45 minutes off: its hours begin at a quarter past ours.
	if want := []string{"hello slow schedule:notes"}; !slices.Equal(notes, want) {
		t.Errorf("notes %q", notes)
	}
	s := b.schedule("notes")
	if s.Last.Minute() != 15 || s.Next.Sub(s.Last) != time.Hour || s.Words != "every hour, Asia/Kathmandu" || !s.InCode || s.MaxAttempts != 3 || s.Timeout != 2*time.Minute {
		t.Errorf("%+v", s)
	}
	runs := b.runs("notes")
	if len(runs) != 1 || runs[0].Outcome != "enqueued" || runs[0].State != Completed || !runs[0].Due.Equal(s.Last) {
		t.Fatalf("%+v", runs)
	}
	tick, err := store.Read(t.Context(), b.db, func(tx *store.Tx) (Tick, error) { return TickOf(tx, runs[0].Job) })
	if err != nil || tick.Schedule != "notes" || !tick.Due.Equal(s.Last) {
		t.Errorf("the job's tick is %+v, %v", tick, err)
	}
}

func TestAnIdleTickCostsNoCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	CronFunc(b.q, "rare", "@yearly", "Europe/Berlin", Once, func(context.Context, Job[Tick]) error { return nil })
	b.drain()
	commits := b.db.Listen(store.Commits)
	for range 20 {
		next, err := b.q.tick(t.Context())
		if err != nil || !next.Equal(b.schedule("rare").Next) {
			t.Fatalf("%v, %v", next, err)
		}
		b.clock.advance(time.Hour)
	}
	select {
	case <-commits:
		t.Error("an idle tick wrote")
	default:
	}
	b.restart()
	CronFunc(b.q, "rare", "@yearly", "Europe/Berlin", Once, func(context.Context, Job[Tick]) error { return nil })
	b.drain()
	select {
	case <-commits:
		t.Error("a restart without a change wrote")
	default:
	}
}

// TestTwoQueuesTickAtOnce: fault 15. Old and new process overlap.
func TestTwoQueuesTickAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	var d dues
	queues := []*Queue{b.q, New(b.db, Options{}), New(b.db, Options{})}
	for _, q := range queues {
		CronFunc(q, "every", "@every 10s", "", All(1000), d.run)
		CronFunc(q, "minutely", "* * * * *", "Europe/Berlin", Once, d.run)
	}
	for range 40 {
		var group sync.WaitGroup
		for _, q := range queues {
			group.Go(func() {
				if _, err := q.tick(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		b.clock.advance(30 * time.Second)
	}
	b.drain()
	if n := len(b.runs("every")); n != 3*40 {
		t.Errorf("%d runs every ten seconds, want 120", n)
	}
	if n := len(b.runs("minutely")); n != 20 {
		t.Errorf("%d runs a minute, want 20", n)
	}
	if len(d.all) != 140 {
		t.Errorf("%d jobs, want 140", len(d.all))
	}
}

func TestNoOverlapLeavesOutRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	fail := true
	CronFunc(b.q, "slow", "* * * * *", "UTC", Once, func(context.Context, Job[Tick]) error {
		if fail {
			return Snooze(150 * time.Second)
		}
		return nil
	}, NoOverlap)
	step := func() { b.clock.advance(time.Minute); b.drain() }
	b.drain()
	step() // 12:01: snoozes until 12:03:30
	step() // 12:02: left out
	if _, err := store.Write(t.Context(), b.db, func(tx *store.Tx) (Ticket, error) { return RunNow(tx, "slow") }); !errors.Is(err, ErrOverlap) {
		t.Errorf("by hand: %v", err)
	}
	fail = false
	step() // 12:03: left out
	step() // 12:04: the first one ends, but after the tick
	step() // 12:05: runs
	var got []string
	for _, r := range b.runs("slow") {
		got = append(got, r.Due.Format("15:04 ")+r.Outcome+" "+string(r.State))
	}
	want := []string{"12:05 enqueued completed", "12:04 overlap ", "12:03 overlap ", "12:02 overlap ", "12:01 enqueued completed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
