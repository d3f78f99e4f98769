package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"seaworthy/store"
)

func (b *bench) set(n NewSchedule) {
	b.Helper()
	b.must(b.tx(func(tx *store.Tx) error { return SetSchedule(tx, n) }))
}

func TestSchedulesOfPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	var got []string
	Handle(b.q, func(_ context.Context, j Job[note]) error { got = append(got, j.Args.Text); return nil })
	b.set(NewSchedule{Name: "report", Spec: "0 8 * * MON", Zone: "Europe/Berlin", Kind: "test.note", Args: json.RawMessage(`{"Text":"report"}`), Priority: 3})
	s := b.schedule("report")
	if s.Words != "every Monday at 08:00, Europe/Berlin" || s.InCode || s.Next.Format("Mon 15:04") != "Mon 06:00" || s.Missed != Skip ||
		s.Queue != "default" || s.MaxAttempts != 20 || s.Timeout != time.Minute || s.Priority != 3 {
		t.Fatalf("%+v", s)
	}
	b.at("2027-06-07 06:00", "UTC")
	b.drain()

	// Changed: the next run is computed anew, and only if its time changed.
	changed := s.NewSchedule
	changed.Args = json.RawMessage(`{"Text":"other"}`)
	b.set(changed)
	if n := b.schedule("report").Next; n.Format("01-02 15:04") != "06-14 06:00" {
		t.Errorf("next %v", n)
	}
	changed.Spec = "0 8 * * *"
	b.set(changed)
	if n := b.schedule("report").Next; n.Format("01-02 15:04") != "06-08 06:00" {
		t.Errorf("next %v", n)
	}

	// Paused: what is due meanwhile is not made up; by hand it runs all the same.
	b.must(b.tx(func(tx *store.Tx) error { return PauseSchedule(tx, "report") }))
	changed.Spec = "0 9 * * *"
	b.set(changed)
	b.clock.advance(50 * time.Hour)
	b.drain()
	if _, err := store.Write(t.Context(), b.db, func(tx *store.Tx) (Ticket, error) {
		if _, err := RunNow(tx, "report"); err != nil { // in one millisecond
			return Ticket{}, err
		}
		return RunNow(tx, "report")
	}); err != nil {
		t.Fatal(err)
	}
	b.drain()
	b.must(b.tx(func(tx *store.Tx) error { return ResumeSchedule(tx, "report") }))
	b.drain()
	if want := "report other other"; strings.Join(got, " ") != want {
		t.Errorf("ran %q, want %q", got, want)
	}
	if runs := b.runs("report"); len(runs) != 3 || runs[0].Outcome != "by_hand" || runs[0].State != Completed || runs[0].Due.UnixMilli()%1000 == 0 {
		t.Errorf("%+v", runs)
	}
	all, err := store.Read(t.Context(), b.db, Schedules)
	if err != nil || len(all) != 1 || all[0].Next.Format("01-02 15:04") != "06-10 07:00" {
		t.Errorf("%+v, %v", all, err)
	}
	b.must(b.tx(func(tx *store.Tx) error { return RemoveSchedule(tx, "report") }))
	if left := b.runs("report"); len(left) != 0 {
		t.Errorf("runs without a schedule: %+v", left)
	}
	for name, fn := range map[string]func(tx *store.Tx) error{
		"pause":  func(tx *store.Tx) error { return PauseSchedule(tx, "report") },
		"resume": func(tx *store.Tx) error { return ResumeSchedule(tx, "report") },
		"remove": func(tx *store.Tx) error { return RemoveSchedule(tx, "report") },
		"run":    func(tx *store.Tx) error { _, err := RunNow(tx, "report"); return err },
	} {
		if err := b.tx(fn); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of one that is gone: %v", name, err)
		}
	}
}

func TestAScheduleWithoutArgumentsGetsItsTick(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("2027-06-01 12:00", "UTC")
	var got Tick
	b.q.handlers["raw"] = &handler{kind: "raw", run: func(_ context.Context, r *running) error { return json.Unmarshal(r.args, &got) }}
	b.set(NewSchedule{Name: "bare", Spec: "@every 1m", Kind: "raw"})
	b.clock.advance(time.Minute)
	b.drain()
	if want := (Tick{"bare", b.clock.now()}); got.Schedule != want.Schedule || !got.Due.Equal(want.Due) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSetScheduleSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	CronFunc(b.q, "ours", "@daily", "", Skip, func(context.Context, Job[Tick]) error { return nil })
	b.drain()
	for field, change := range map[string]func(n *NewSchedule){
		"name":         func(n *NewSchedule) { n.Name = "No Good" },
		"name ":        func(n *NewSchedule) { n.Name = "ours" },
		"spec":         func(n *NewSchedule) { n.Spec = "0 0 30 2 *" },
		"zone":         func(n *NewSchedule) { n.Zone = "Berlin" },
		"missed":       func(n *NewSchedule) { n.Missed = Missed{"all:0"} },
		"kind":         func(n *NewSchedule) { n.Kind = "" },
		"args":         func(n *NewSchedule) { n.Args = json.RawMessage(`{`) },
		"args ":        func(n *NewSchedule) { n.Args = json.RawMessage(`"` + strings.Repeat("x", MaxArgs) + `"`) },
		"max_attempts": func(n *NewSchedule) { n.MaxAttempts = -1 },
	} {
		n := NewSchedule{Name: "fine", Spec: "@daily", Kind: "test.note"}
		change(&n)
		err := b.tx(func(tx *store.Tx) error { return SetSchedule(tx, n) })
		var fault *ScheduleError
		if !errors.As(err, &fault) || fault.Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if all, err := store.Read(t.Context(), b.db, Schedules); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestMissedIsWrittenAndRead(t *testing.T) {
	t.Parallel()
	for _, m := range []Missed{Skip, Once, All(1), All(1000)} {
		if got, err := ParseMissed(m.String()); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if All(0) != All(1) || All(5000) != All(1000) {
		t.Error("All is not bounded")
	}
	for _, text := range []string{"all", "all:", "all:0", "all:1001", "all:-1", "ALL:3", "twice"} {
		if m, err := ParseMissed(text); err == nil {
			t.Errorf("%q is %v", text, m)
		}
	}
}
