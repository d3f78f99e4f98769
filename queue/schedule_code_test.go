package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"seaworthy/store"
)

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
