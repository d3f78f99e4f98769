package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/queue/cron"
	"seaworthy/store"
)

const (
	// late is how much later than it was due a run still counts as on time.
	late = time.Minute
	// keepRuns is how many runs of a schedule are kept, and spareRuns how many more
	// there are before the oldest go.
	keepRuns, spareRuns = 500, 100
	// countLeftOut bounds the counting of runs that are not made up.
	countLeftOut = 1000
)

// plans are the schedules as one queue sees them. But for declared, only the
// goroutine that ticks touches it.
type plans struct {
	declared map[string]*declared
	changed  <-chan struct{}
	settled  bool
	clock    time.Time // at the last tick
	looked   time.Time // when next was read
	next     time.Time
}

// withSchedules enqueues what is due by schedule, and returns the sooner of next
// and the time the next schedule is due. It looks into the database only when a
// schedule is due or was changed, and as often as the safety poll.
func (q *Queue) withSchedules(ctx context.Context, next time.Time) time.Time {
	p := &q.plans
	if p.changed == nil {
		p.changed = q.db.Listen(schedulesChanged)
	}
	select {
	case <-p.changed:
		p.looked = time.Time{}
	default:
	}
	now := q.db.Now()
	since := now.Sub(p.looked)
	if since < 0 || since >= safetyPoll || !p.next.IsZero() && !p.next.After(now) {
		var err error
		p.looked = now
		if p.next, err = q.tick(ctx); err != nil {
			q.log.Error("schedules cannot be run", "err", err)
			p.next = now.Add(time.Second)
		}
	}
	if next.IsZero() || !p.next.IsZero() && p.next.Before(next) {
		return p.next
	}
	return next
}

// tick enqueues what is due by schedule and returns when the next one is due; zero:
// none. It looks before it writes, so that an idle tick costs no commit.
func (q *Queue) tick(ctx context.Context) (next time.Time, err error) {
	const slice = 100
	// A clock that was set back may have left a next run far in the future.
	if now := q.db.Now(); !q.plans.settled || now.Before(q.plans.clock.Add(-late)) {
		if err := q.settle(ctx); err != nil {
			return time.Time{}, err
		}
		q.plans.settled = true
	}
	q.plans.clock = q.db.Now()
	var failed error
	for failed == nil {
		due, err := store.Read(ctx, q.db, func(tx *store.Tx) ([]scheduleRow, error) { return dueSchedules(tx, slice) })
		if err != nil {
			return time.Time{}, fmt.Errorf("look for due schedules: %w", err)
		}
		if len(due) == 0 {
			break
		}
		for _, row := range due {
			if err := q.fire(ctx, row); err != nil {
				failed = errors.Join(failed, fmt.Errorf("schedule %s: %w", row.Name, err))
			}
		}
	}
	at, err := store.Read(ctx, q.db, nextSchedule)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, failed
	}
	return time.UnixMilli(at).UTC(), errors.Join(failed, err)
}

// calendar is what a stored schedule means now: a zone may be gone since.
func (s scheduleRow) calendar() (cron.Schedule, error) {
	if _, err := ParseMissed(s.Missed.text); err != nil {
		return cron.Schedule{}, err
	}
	return cron.Parse(s.Spec, s.Zone)
}

// fire makes the runs of a schedule that is due. A schedule that cannot run is
// marked and out of the way of the others; an error is the database's.
func (q *Queue) fire(ctx context.Context, row scheduleRow) error {
	calendar, err := row.calendar()
	if err == nil {
		up := makeUp(calendar, row.NewSchedule, time.UnixMilli(*row.next), q.db.Now())
		err = q.db.Write(WithCause(ctx, Cause{Actor: "schedule:" + row.Name}), func(tx *store.Tx) error { return row.apply(tx, up) })
	}
	if err == nil || store.Retryable(err) {
		return err
	}
	q.log.Error("a schedule cannot run", "schedule", row.Name, "spec", row.Spec, "zone", row.Zone, "err", err)
	return q.db.Write(ctx, func(tx *store.Tx) error {
		fresh, same, err2 := row.again(tx)
		if err2 != nil || !same {
			return err2
		}
		text := clip(err.Error())
		fresh.fault, fresh.next = &text, nextRun(calendar, tx.Now(), fresh.purgedTo) // none without a calendar
		return putSchedule(tx, fresh)
	})
}

// again reads the row in a write, and whether it is still as it was.
func (s scheduleRow) again(tx *store.Tx) (scheduleRow, bool, error) {
	fresh, err := scheduleByName(tx, s.Name)
	if errors.Is(err, store.ErrNotFound) {
		return fresh, false, nil // removed meanwhile
	}
	return fresh, fresh.next != nil && *fresh.next == *s.next && fresh.same(s.NewSchedule), err
}

// makingUp is what a tick does for a schedule.
type makingUp struct {
	runs    []time.Time // the oldest first
	leftOut int         // earlier ones that are not made up
	next    time.Time
}

// makeUp says which of the runs that were due from due to now are made.
func makeUp(calendar cron.Schedule, n NewSchedule, due, now time.Time) makingUp {
	from := due.Add(-1)
	up := makingUp{next: calendar.Next(now)}
	limit := n.Missed.limit()
	switch {
	case n.Missed == Once:
		up.runs = calendar.Latest(from, now, 1)
	case limit > 0:
		up.runs = calendar.Latest(from, now, limit)
	default:
		onTime := now.Add(-late - 1)
		if onTime.Before(from) {
			onTime = from
		}
		up.runs = calendar.Between(onTime, now, countLeftOut)
	}
	if n.NoOverlap && len(up.runs) > 1 {
		up.runs = up.runs[len(up.runs)-1:]
	}
	if n.Missed != Once {
		first := now
		if len(up.runs) > 0 {
			first = up.runs[0].Add(-1)
		}
		up.leftOut = len(calendar.Between(from, first, countLeftOut))
	}
	return up
}

// apply makes the runs and moves the schedule on, unless somebody has done so.
func (s scheduleRow) apply(tx *store.Tx, up makingUp) error {
	row, same, err := s.again(tx)
	if err != nil || !same {
		return err
	}
	for _, due := range up.runs {
		made, err := row.run(tx, due)
		if err != nil {
			return err
		}
		if made {
			row.kept++
		}
		ms := due.UnixMilli()
		row.last = &ms
	}
	if up.leftOut > 0 {
		now := tx.Now().UnixMilli()
		row.leftOut, row.leftOutAt = up.leftOut, &now
	}
	row.fault, row.next = nil, nil
	if !up.next.IsZero() {
		next := up.next.UnixMilli()
		row.next = &next
	}
	if err := row.trim(tx); err != nil {
		return err
	}
	return putSchedule(tx, row)
}

// run makes one run: its row and its job, or why there is none. It reports false
// if the run was there already.
func (s scheduleRow) run(tx *store.Tx, due time.Time) (bool, error) {
	fresh, err := insertRun(tx, s.Name, due.UnixMilli(), "enqueued")
	if err != nil || !fresh {
		return false, err
	}
	if s.NoOverlap {
		if busy, err := unfinished(tx, s.Name); err != nil {
			return false, err
		} else if busy {
			return true, setRun(tx, s.Name, due.UnixMilli(), "overlap", nil)
		}
	}
	ticket, err := s.enqueue(tx, due)
	if err != nil {
		return false, err
	}
	return true, setRun(tx, s.Name, due.UnixMilli(), "enqueued", &ticket.ID)
}

// trim deletes the oldest runs when there are too many. Up to where they went is
// remembered, because a run without a row could happen again.
func (s *scheduleRow) trim(tx *store.Tx) error {
	if s.kept < keepRuns+spareRuns {
		return nil
	}
	gone, err := purgeRuns(tx, s.Name, s.kept-keepRuns)
	for _, due := range gone {
		s.purgedTo = max(s.purgedTo, due)
	}
	s.kept -= len(gone)
	return err
}
