package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// TestDSTFixedHours: fault 19. A job of a fixed hour runs exactly once a day while
// clocks are set forward and back.
func TestDSTFixedHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, spec, before, want string }{
		{"Europe/Berlin", "30 2 * * *", "2027-03-26 12:00", "27 02:30, 28 03:00, 29 02:30"},
		{"Europe/Berlin", "30 2 * * *", "2027-10-29 12:00", "30 02:30, 31 02:30, 01 02:30"},
		{"America/New_York", "30 2 * * *", "2027-03-12 12:00", "13 02:30, 14 03:00, 15 02:30"},
		{"America/New_York", "30 1 * * *", "2027-11-05 12:00", "06 01:30, 07 01:30, 08 01:30"},
		{"Australia/Lord_Howe", "15 2 * * *", "2027-10-01 12:00", "02 02:15, 03 02:30, 04 02:15"},
		{"Australia/Lord_Howe", "45 1 * * *", "2027-04-02 12:00", "03 01:45, 04 01:45, 05 01:45"},
	} {
		t.Run(strings.ReplaceAll(c.zone+" "+c.before, "/", "_"), func(t *testing.T) {
			t.Parallel()
			for _, missed := range []Missed{Skip, Once, All(10)} {
				b := newBench(t)
				b.at(c.before, c.zone)
				loc, _ := time.LoadLocation(c.zone)
				var d dues
				CronFunc(b.q, "nightly", c.spec, c.zone, missed, d.run)
				b.drain()
				for range 3 { // as the dispatcher does, which sleeps until then
					b.clock.ms.Store(b.schedule("nightly").Next.UnixMilli())
					b.drain()
				}
				var got []string
				for _, at := range d.all {
					got = append(got, at.In(loc).Format("02 15:04"))
				}
				if text := strings.Join(got, ", "); text != c.want {
					t.Errorf("%s: ran at %s, want %s", missed, text, c.want)
				}
			}
		})
	}
}

// TestThreeDaysOff: fault 18.
func TestThreeDaysOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		missed     Missed
		after      time.Duration // past the full hour at the restart
		opts       []CronOption
		runs, left int
		newest     int // hours before the restart
	}{
		{Skip, 20 * time.Minute, nil, 0, 72, 0},
		{Skip, 30 * time.Second, nil, 1, 71, 0},
		{Once, 20 * time.Minute, nil, 1, 0, 0},
		{All(10), 20 * time.Minute, nil, 10, 62, 0},
		{All(1000), 20 * time.Minute, nil, 72, 0, 0},
		{All(10), 20 * time.Minute, []CronOption{NoOverlap}, 1, 71, 0},
	} {
		t.Run(fmt.Sprint(c.missed, c.after, len(c.opts)), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.at("2027-06-01 11:59", "UTC")
			var d dues
			CronFunc(b.q, "hourly", "@hourly", "UTC", c.missed, d.run, c.opts...)
			b.drain()
			b.clock.advance(time.Minute)
			b.drain()
			if len(d.all) != 1 {
				t.Fatalf("before: %v", d.all)
			}
			b.clock.advance(72*time.Hour + c.after)
			d.all = nil
			b.restart()
			CronFunc(b.q, "hourly", "@hourly", "UTC", c.missed, d.run, c.opts...)
			b.drain()
			s := b.schedule("hourly")
			newest := time.Date(2027, 6, 4, 12, 0, 0, 0, time.UTC)
			if len(d.all) != c.runs || s.LeftOut != c.left || !s.Next.Equal(newest.Add(time.Hour)) {
				t.Fatalf("%d runs, %d left out, next %v; want %d, %d", len(d.all), s.LeftOut, s.Next, c.runs, c.left)
			}
			if c.runs > 0 && !d.all[len(d.all)-1].Equal(newest) {
				t.Errorf("the newest run was due at %v", d.all[len(d.all)-1])
			}
			d.all = nil
			b.drain()
			if len(d.all) != 0 {
				t.Errorf("made up again: %v", d.all)
			}
		})
	}
}

// TestClockJumps: fault 10. Forward is no storm beyond the policy, back runs
// nothing twice.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		missed Missed
		made   int // at a jump of an hour
	}{{Skip, 2}, {Once, 1}, {All(7), 7}} {
		t.Run(c.missed.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.at("2027-06-01 12:00", "UTC")
			var d dues
			CronFunc(b.q, "minutely", "* * * * *", "UTC", c.missed, d.run)
			minutes := func(n int) {
				for range n {
					b.drain()
					b.clock.advance(time.Minute)
				}
				b.drain()
			}
			minutes(5)
			d.all = nil
			b.clock.advance(time.Hour)
			b.drain()
			if len(d.all) != c.made {
				t.Fatalf("after an hour's jump: %v", d.all)
			}
			b.clock.advance(-time.Hour)
			minutes(70)
			if twice := d.twice(); len(twice) > 0 {
				t.Errorf("twice: %v", twice)
			}
			// Once the clock is right again it goes on at once, not in an hour.
			if first := time.Date(2027, 6, 1, 12, 6, 0, 0, time.UTC); !slices.Contains(d.all, first) {
				t.Errorf("nothing ran at %v", first)
			}
			if want := 70; c.missed == Skip && len(d.all) != want { // 12:06 to 13:15
				t.Errorf("%d runs, want %d", len(d.all), want)
			}
		})
	}
}

// TestAClockThatWasAYearAhead must not stop a schedule for a year.
func TestAClockThatWasAYearAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var d dues
	b.at("2028-06-01 12:00", "UTC")
	CronFunc(b.q, "hourly", "@hourly", "UTC", Once, d.run)
	b.drain()
	b.clock.advance(time.Hour)
	b.drain()
	b.at("2027-06-01 12:00", "UTC")
	b.drain()
	if next := b.schedule("hourly").Next; !next.Equal(time.Date(2027, 6, 1, 13, 0, 0, 0, time.UTC)) {
		t.Errorf("next run %v", next)
	}
	b.clock.advance(time.Hour)
	b.drain()
	if len(d.all) != 2 {
		t.Errorf("ran at %v", d.all)
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

// TestDeclaredSchedulesFollowTheProgram over deploys.
func TestDeclaredSchedulesFollowTheProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	var d dues
	deploy := func(spec, zone string) {
		b.restart()
		if spec != "" {
			CronFunc(b.q, "job", spec, zone, Once, d.run)
		}
		b.drain()
	}
	next := func(want string) {
		t.Helper()
		s := b.schedule("job")
		got := "never"
		if !s.Next.IsZero() {
			got = s.Next.Format("02 15:04")
		}
		if got != want {
			t.Errorf("next %s, want %s (%+v)", got, want, s)
		}
	}
	deploy("0 18 * * *", "UTC")
	next("01 18:00")
	deploy("0 18 * * *", "Europe/Berlin")
	next("01 16:00")
	b.clock.advance(10 * time.Hour)
	deploy("0 18 * * *", "Asia/Tokyo") // 18:00 in Berlin is no time of this one
	if len(d.all) != 0 {
		t.Errorf("ran a time of the old zone: %v", d.all)
	}
	next("02 09:00")
	b.must(b.tx(func(tx *store.Tx) error { return PauseSchedule(tx, "job") }))
	deploy("0 19 * * *", "UTC")
	if s := b.schedule("job"); s.Paused.IsZero() || s.Spec != "0 19 * * *" {
		t.Errorf("the pause did not survive: %+v", s)
	}
	next("never")
	b.must(b.tx(func(tx *store.Tx) error { return ResumeSchedule(tx, "job") }))
	next("02 19:00")

	if err := b.tx(func(tx *store.Tx) error { return RemoveSchedule(tx, "job") }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("removed a declared one: %v", err)
	}
	deploy("", "")
	if s := b.schedule("job"); s.Retired.IsZero() || s.InCode {
		t.Errorf("not retired: %+v", s)
	}
	next("never")
	for name, fn := range map[string]func(tx *store.Tx) error{
		"paused": func(tx *store.Tx) error { return PauseSchedule(tx, "job") },
		"run":    func(tx *store.Tx) error { _, err := RunNow(tx, "job"); return err },
	} {
		if err := b.tx(fn); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a retired schedule was %s: %v", name, err)
		}
	}
	b.clock.advance(72 * time.Hour)
	deploy("0 19 * * *", "UTC")
	if s := b.schedule("job"); !s.Retired.IsZero() || len(d.all) != 0 {
		t.Errorf("back again: %+v, ran %v", s, d.all)
	}
	next("05 19:00")
	deploy("", "")
	b.must(b.tx(func(tx *store.Tx) error { return RemoveSchedule(tx, "job") }))
	if err := b.db.Read(t.Context(), func(tx *store.Tx) error { _, err := ScheduleNamed(tx, "job"); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
}

func TestDeclaringNonsensePanics(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	CronFunc(b.q, "taken", "@daily", "", Skip, func(context.Context, Job[Tick]) error { return nil })
	for name, declare := range map[string]func(){
		"spec":   func() { Cron(b.q, "a", "61 * * * *", "", Skip, note{}) },
		"zone":   func() { Cron(b.q, "a", "@daily", "Mars/Olympus", Skip, note{}) },
		"name":   func() { Cron(b.q, "A job", "@daily", "", Skip, note{}) },
		"twice":  func() { Cron(b.q, "taken", "@daily", "", Skip, note{}) },
		"unique": func() { Cron(b.q, "a", "@daily", "", Skip, note{}, Unique("k", 0)) },
		"at":     func() { Cron(b.q, "a", "@daily", "", Skip, note{}, In(time.Hour)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			declare()
		}()
	}
}
