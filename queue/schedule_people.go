package queue

import (
	"errors"
	"math"
	"time"

	"seaworthy/queue/cron"
	"seaworthy/store"
)

// schedulesChanged is the topic on which the dispatcher hears of new times.
const schedulesChanged = "queue.schedules"

// maxSchedules bounds how many there are.
const maxSchedules = 1000

// ErrOverlap says that the last run's job has not finished.
var ErrOverlap = errors.New("queue: the last run has not finished")

// ScheduleInfo is a schedule as a page shows it.
type ScheduleInfo struct {
	NewSchedule
	Words     string    // when it is due, in plain words; "" if that cannot be read
	InCode    bool      // the program declares it: it can be paused but neither changed nor removed
	Next      time.Time // zero while it is paused, retired or faulty
	Last      time.Time // when the last run was due
	Paused    time.Time // zero: it is not
	Retired   time.Time // the program does not declare it any more since
	Fault     string    // why it does not run
	LeftOut   int       // runs that were missed and not made up, the last time that happened; counted up to 1,000
	LeftOutAt time.Time
	Changed   time.Time
}

// ScheduleRun is one time a schedule was due.
type ScheduleRun struct {
	Due, Made time.Time // when it was to be, when its job was enqueued
	Outcome   string    // enqueued, by_hand, or overlap: left out because the last one had not finished
	Job       string    // "" for none
	State     State     // of the job; "" when it is not kept any more
}

// Schedules are all schedules by name.
func Schedules(tx *store.Tx) ([]ScheduleInfo, error) {
	rows, err := allSchedules(tx)
	all := make([]ScheduleInfo, len(rows))
	for i, r := range rows {
		all[i] = r.info()
	}
	return all, err
}

// ScheduleNamed is one schedule, or store.ErrNotFound.
func ScheduleNamed(tx *store.Tx, name string) (ScheduleInfo, error) {
	r, err := scheduleByName(tx, name)
	return r.info(), err
}

func (s scheduleRow) info() ScheduleInfo {
	i := ScheduleInfo{NewSchedule: s.NewSchedule, InCode: s.source == "code" && s.retired == nil, LeftOut: s.leftOut,
		Next: stamp(s.next), Last: stamp(s.last), Paused: stamp(s.paused), Retired: stamp(s.retired), LeftOutAt: stamp(s.leftOutAt), Changed: stamp(&s.changeAt)}
	if s.fault != nil {
		i.Fault = *s.fault
	}
	if calendar, err := cron.Parse(s.Spec, s.Zone); err == nil {
		i.Words = calendar.Describe()
	}
	return i
}

func stamp(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}

// ScheduleRuns are runs of a schedule that were due before a time (the zero time:
// all), the newest first. About the last 500 are kept.
func ScheduleRuns(tx *store.Tx, name string, before time.Time, limit int) ([]ScheduleRun, error) {
	at := int64(math.MaxInt64)
	if !before.IsZero() {
		at = before.UnixMilli()
	}
	return listRuns(tx, name, at, limit)
}

// TickOf is the schedule and due time that a job stands for, or store.ErrNotFound.
func TickOf(tx *store.Tx, job string) (Tick, error) { return tickOfJob(tx, job) }

// SetSchedule makes a schedule of a person's, or changes one. What is wrong with it
// is a *ScheduleError; so is the name of one that the program declares. The caller
// records who did it.
func SetSchedule(tx *store.Tx, n NewSchedule) error {
	calendar, err := n.check()
	if err != nil {
		return err
	}
	now := tx.Now().UnixMilli()
	row, err := scheduleByName(tx, n.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if count, err := countSchedules(tx, maxSchedules); err != nil {
			return err
		} else if count == maxSchedules {
			return &ScheduleError{"name", errors.New("there are 1,000 schedules already")}
		}
		row = scheduleRow{createdAt: now}
	case err != nil:
		return err
	case row.info().InCode:
		return &ScheduleError{"name", errors.New("a schedule of the program has this name; it can be paused, not changed")}
	}
	again := row.next == nil || row.Spec != n.Spec || row.Zone != n.Zone
	row.NewSchedule, row.source, row.retired, row.fault, row.changeAt = n, "person", nil, nil, now
	if again && row.paused == nil {
		row.next = nextRun(calendar, tx.Now(), row.purgedTo)
	}
	return row.change(tx)
}

// change writes a row and wakes the dispatcher.
func (s scheduleRow) change(tx *store.Tx) error {
	tx.Notify(schedulesChanged)
	tx.Notify(Ready)
	return putSchedule(tx, s)
}

// nextRun is the next due time in unix ms. Times of which it is not known any more
// whether they were run are past, whatever the clock says now.
func nextRun(calendar cron.Schedule, now time.Time, purgedTo int64) *int64 {
	at := calendar.Next(time.UnixMilli(max(now.UnixMilli(), purgedTo)))
	if at.IsZero() {
		return nil
	}
	ms := at.UnixMilli()
	return &ms
}

// PauseSchedule keeps a schedule from running until ResumeSchedule; what is due
// in the meantime is not made up. It returns store.ErrConflict for a retired one.
func PauseSchedule(tx *store.Tx, name string) error {
	row, err := scheduleByName(tx, name)
	switch {
	case err != nil:
		return err
	case row.retired != nil:
		return store.ErrConflict
	case row.paused != nil:
		return nil
	}
	now := tx.Now().UnixMilli()
	row.paused, row.next, row.changeAt = &now, nil, now
	return row.change(tx)
}

// ResumeSchedule ends a pause: the next run is the next one from now on.
func ResumeSchedule(tx *store.Tx, name string) error {
	row, err := scheduleByName(tx, name)
	if err != nil || row.paused == nil {
		return err
	}
	row.paused, row.changeAt = nil, tx.Now().UnixMilli()
	if row.retired == nil {
		row.revive(tx.Now())
	}
	return row.change(tx)
}

// RemoveSchedule deletes a schedule of a person's, or a retired one, and its runs;
// the jobs stay. It returns store.ErrConflict for one that the program declares.
func RemoveSchedule(tx *store.Tx, name string) error {
	row, err := scheduleByName(tx, name)
	if err != nil {
		return err
	}
	if row.info().InCode {
		return store.ErrConflict
	}
	return deleteSchedule(tx, name)
}

// RunNow enqueues a schedule's job now, whether or not it is due or paused. It
// returns ErrOverlap if the last run must finish first, and store.ErrConflict for
// a retired schedule.
func RunNow(tx *store.Tx, name string) (Ticket, error) {
	row, err := scheduleByName(tx, name)
	if err != nil {
		return Ticket{}, err
	}
	if row.retired != nil {
		return Ticket{}, store.ErrConflict
	}
	if row.NoOverlap {
		if busy, err := unfinished(tx, name); err != nil || busy {
			return Ticket{}, errors.Join(err, ErrOverlap)
		}
	}
	// A whole second may be one of the schedule's own times.
	due := tx.Now().UnixMilli()
	for fresh := false; !fresh; due++ {
		if due%1000 == 0 {
			continue
		}
		if fresh, err = insertRun(tx, name, due, "by_hand"); err != nil {
			return Ticket{}, err
		}
	}
	due--
	ticket, err := row.enqueue(tx, time.UnixMilli(due).UTC())
	if err != nil {
		return Ticket{}, err
	}
	if err := setRun(tx, name, due, "by_hand", &ticket.ID); err != nil {
		return Ticket{}, err
	}
	row.kept++
	if err := row.trim(tx); err != nil {
		return Ticket{}, err
	}
	return ticket, putSchedule(tx, row)
}
