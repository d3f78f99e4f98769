package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"seaworthy/store"
)

// settle brings the rows in line with what the program declares and with the
// clock: at the start, and after the clock was set back. It writes only what differs.
func (q *Queue) settle(ctx context.Context) error {
	rows, err := store.Read(ctx, q.db, allSchedules)
	if err != nil {
		return fmt.Errorf("read the schedules: %w", err)
	}
	byName := map[string]*scheduleRow{}
	for i := range rows {
		byName[rows[i].Name] = &rows[i]
	}
	for name := range q.plans.declared {
		if byName[name] == nil {
			byName[name] = nil // one without a row
		}
	}
	var failed error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		want, differs := q.settled(name, byName[name], q.db.Now())
		if !differs {
			continue
		}
		if want.fault != nil {
			q.log.Error("a schedule cannot run", "schedule", name, "spec", want.Spec, "zone", want.Zone, "err", *want.fault)
		}
		err := q.db.Write(ctx, func(tx *store.Tx) error { return q.settleRow(tx, name) })
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("schedule %s: %w", name, err))
		}
	}
	return failed
}

func (q *Queue) settleRow(tx *store.Tx, name string) error {
	var have *scheduleRow
	row, err := scheduleByName(tx, name)
	switch {
	case err == nil:
		have = &row
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if want, differs := q.settled(name, have, tx.Now()); differs {
		return putSchedule(tx, want)
	}
	return nil
}

// settled is how the row of a schedule should be, and whether that differs from
// what it is. Nil: there is none.
func (q *Queue) settled(name string, have *scheduleRow, now time.Time) (want scheduleRow, differs bool) {
	ms := now.UnixMilli()
	d := q.plans.declared[name]
	switch {
	case have == nil && d == nil: // removed meanwhile
		return want, false
	case have == nil:
		want = scheduleRow{NewSchedule: d.NewSchedule, source: "code", createdAt: ms, changeAt: ms}
		want.next = nextRun(d.calendar, now, 0)
		return want, true
	}
	want = *have
	switch {
	case d != nil && (want.source != "code" || want.retired != nil || !want.same(d.NewSchedule)):
		if want.Spec != d.Spec || want.Zone != d.Zone || want.retired != nil {
			want.next = nil
		}
		// A pause survives: it was somebody's decision.
		want.NewSchedule, want.source, want.retired, want.fault, want.changeAt = d.NewSchedule, "code", nil, nil, ms
		differs = true
	case d == nil && want.source == "code" && want.retired == nil:
		want.retired, want.next, want.fault, want.changeAt = &ms, nil, nil, ms
		return want, true
	}
	if want.paused != nil || want.retired != nil {
		return want, differs
	}
	if want.next != nil && *want.next <= ms {
		return want, differs // due: the tick decides
	}
	want.revive(now)
	return want, differs || !equal(want.next, have.next) || !equal(want.fault, have.fault)
}

// revive computes the next run of a schedule that may run, or says why it has none.
func (s *scheduleRow) revive(now time.Time) {
	calendar, err := s.calendar()
	if err != nil {
		text := clip(err.Error())
		s.next, s.fault = nil, &text
		return
	}
	if s.next == nil {
		s.fault = nil // of its spec; another is gone when it runs
	}
	s.next = nextRun(calendar, now, s.purgedTo)
}

func equal[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
