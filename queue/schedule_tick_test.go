package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"
)

// TestAFaultyScheduleStopsNoOther: corrupt rows, a zone that is gone, a job that
// cannot be stored.
func TestAFaultyScheduleStopsNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	for _, name := range []string{"a-zone", "b-spec", "c-missed", "d-refused", "e-fine"} {
		b.set(NewSchedule{Name: name, Spec: "* * * * *", Kind: "test.note", Args: json.RawMessage(`{}`)})
	}
	exec := func(sql string) {
		t.Helper()
		b.must(b.tx(func(tx *store.Tx) error { _, err := tx.Exec(sql); return err }))
	}
	exec("UPDATE queue_schedule SET tz = 'Europe/Atlantis' WHERE name = 'a-zone'")
	exec("UPDATE queue_schedule SET spec = 'banana' WHERE name = 'b-spec'")
	exec("UPDATE queue_schedule SET missed = 'sometimes' WHERE name = 'c-missed'")
	exec("UPDATE queue_schedule SET kind = 'test.refused' WHERE name = 'd-refused'")
	exec("CREATE TRIGGER refuse BEFORE INSERT ON queue_job WHEN new.kind = 'test.refused' BEGIN SELECT RAISE(ABORT, 'no'); END")
	b.q.plans.settled = true // the process has run for a while
	b.clock.advance(time.Minute)
	b.drain()
	for name, runs := range map[string]int{"a-zone": 0, "b-spec": 0, "c-missed": 0, "d-refused": 0, "e-fine": 1} {
		s := b.schedule(name)
		if n := len(b.runs(name)); n != runs || (s.Fault == "") != (runs == 1) {
			t.Errorf("%s: %d runs, %+v", name, n, s)
		}
		if waits := name == "d-refused" || name == "e-fine"; s.Next.IsZero() == waits {
			t.Errorf("%s: next %v", name, s.Next)
		}
	}
	if s := b.schedule("a-zone"); !strings.Contains(s.Fault, "Europe/Atlantis") || s.Words != "" {
		t.Errorf("%+v", s)
	}
	// Mended: by a person, by the next start, by itself.
	exec("DROP TRIGGER refuse")
	exec("UPDATE queue_schedule SET tz = 'Europe/Berlin' WHERE name = 'a-zone'")
	b.set(NewSchedule{Name: "b-spec", Spec: "* * * * *", Kind: "test.note", Args: json.RawMessage(`{}`)})
	b.restart()
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	b.drain()
	b.clock.advance(time.Minute)
	b.drain()
	for _, name := range []string{"a-zone", "b-spec", "d-refused", "e-fine"} {
		if s := b.schedule(name); s.Fault != "" || len(b.runs(name)) == 0 {
			t.Errorf("%s was not mended: %+v", name, s)
		}
	}
}

// TestRunsAreBounded, and what is not kept is not run again when the clock goes back.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	CronFunc(b.q, "busy", "@every 1s", "", All(1000), func(context.Context, Job[Tick]) error { return nil })
	tick := func(d time.Duration) {
		t.Helper()
		b.clock.advance(d)
		_, err := b.q.tick(t.Context())
		b.must(err)
	}
	jobs := func(want int) { // each for a time of its own
		t.Helper()
		b.must(b.db.Read(t.Context(), func(tx *store.Tx) error {
			var all, times int
			err := tx.QueryRow("SELECT count(*), count(DISTINCT args) FROM queue_job WHERE kind = 'schedule.busy'").Scan(&all, &times)
			if all != want || times != want {
				t.Errorf("%d jobs for %d times, want %d", all, times, want)
			}
			return err
		}))
	}
	tick(0)
	for range 30 {
		tick(50 * time.Second)
	}
	if n := len(b.runs("busy")); n >= keepRuns+spareRuns || n < keepRuns {
		t.Errorf("%d runs are kept", n)
	}
	jobs(1500)
	kept := b.runs("busy")
	oldest := kept[len(kept)-1].Due
	tick(-time.Hour) // longer than runs are kept for
	for range 80 {
		tick(50 * time.Second)
		if kept := b.runs("busy"); kept[len(kept)-1].Due.Before(oldest) {
			t.Fatalf("ran what was due at %v, which may have run before", kept[len(kept)-1].Due)
		}
	}
	jobs(1500 + 400)
	tick(3 * 24 * time.Hour)
	if n := len(b.runs("busy")); n != keepRuns {
		t.Errorf("%d runs are kept after three days off", n)
	}
	jobs(1500 + 400 + 1000)
	if s := b.schedule("busy"); s.LeftOut != countLeftOut {
		t.Errorf("%d left out", s.LeftOut)
	}
}

// TestARunningQueueHearsOfSchedules that are made while it runs, and wakes for them.
func TestARunningQueueHearsOfSchedules(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ran := make(chan time.Time, 100)
	var idle atomic.Bool
	Handle(b.q, func(context.Context, Job[note]) error {
		if !idle.Load() {
			ran <- b.clock.now()
		}
		return nil
	})
	b.must(b.q.Start(t.Context()))
	t.Cleanup(func() { b.q.Stop(context.Background()) })
	b.set(NewSchedule{Name: "soon", Spec: "@every 1m", Kind: "test.note", Args: json.RawMessage(`{}`)})
	// Due by the fake clock; a job that is enqueued wakes the dispatcher.
	b.clock.advance(time.Minute)
	b.must(b.tx(func(tx *store.Tx) error { tx.Notify(Ready); return nil }))
	select {
	case <-ran:
	case <-time.After(time.Minute):
		t.Fatal("nothing ran")
	}
	idle.Store(true)
	if runs := b.runs("soon"); len(runs) != 1 {
		t.Errorf("%+v", runs)
	}
}

// TestARolledBackTickLeavesNothing: the run, its job and the next time are one transaction.
func TestARolledBackTickLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	b.set(NewSchedule{Name: "job", Spec: "* * * * *", Missed: All(5), Kind: "test.note", Args: json.RawMessage(`{}`)})
	b.clock.advance(3 * time.Minute)
	row, err := store.Read(t.Context(), b.db, func(tx *store.Tx) (scheduleRow, error) { return scheduleByName(tx, "job") })
	b.must(err)
	calendar, err := row.calendar()
	b.must(err)
	up := makeUp(calendar, row.NewSchedule, time.UnixMilli(*row.next), b.clock.now())
	boom := errors.New("boom")
	if err := b.tx(func(tx *store.Tx) error { return errors.Join(row.apply(tx, up), boom) }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if s := b.schedule("job"); len(b.runs("job")) != 0 || !s.Last.IsZero() || !s.Next.Equal(stamp(row.next)) {
		t.Errorf("left behind: %+v, %+v", s, b.runs("job"))
	}
	// Applied twice, as when a closure runs again after its commit was in doubt.
	for range 2 {
		b.must(b.tx(func(tx *store.Tx) error { return row.apply(tx, up) }))
	}
	if ran := b.drain(); len(ran) != 3 || len(b.runs("job")) != 3 {
		t.Errorf("%d ran: %s", len(ran), fmt.Sprint(ran))
	}
}
