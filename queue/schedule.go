package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"seaworthy/queue/cron"
	"seaworthy/store"
)

// A schedule enqueues a job whenever it is due. The program declares schedules with
// Cron and CronFunc, people make others with SetSchedule; both are rows, so that
// both are seen, paused and run by hand in the same way. There is no leader: the
// row of a run is unique, and it and its job are one transaction (spec/jobs.md
// section 2).

// NewSchedule is what a schedule is to do. Spec and Zone are as cron.Parse takes them.
type NewSchedule struct {
	Name   string // a-z, 0-9, dot, dash and underscore
	Spec   string
	Zone   string // "" is UTC
	Missed Missed
	// NoOverlap leaves a run out while the job of an earlier one has not finished.
	NoOverlap bool

	Kind     string          // of its jobs
	Args     json.RawMessage // nil: a Tick
	Endpoint string          // of the customer's app; "" for a handler of the program

	// As the options of the same names; 0 and "" are what a job has without them.
	Queue       string
	Priority    int
	MaxAttempts int
	Timeout     time.Duration
}

// Tick is what a job of a schedule without arguments of its own is given.
type Tick struct {
	Schedule string    `json:"schedule"`
	Due      time.Time `json:"due"`
}

// Missed says what becomes of runs that were due while nothing ran: the program
// was off, or the machine's clock jumped.
type Missed struct{ text string }

var (
	// Skip makes up nothing that was missed by more than a minute.
	Skip = Missed{"skip"}
	// Once makes up all that was missed by one run, the newest.
	Once = Missed{"once"}
)

// maxMadeUp bounds the runs that a schedule makes up at a time.
const maxMadeUp = 1000

// All makes up each missed run, but at most the newest limit (1 to 1,000).
func All(limit int) Missed { return Missed{"all:" + strconv.Itoa(min(max(limit, 1), maxMadeUp))} }

// String is how the policy is written: skip, once or all:N.
func (m Missed) String() string { return m.text }

// ParseMissed reads what String wrote. "" is Skip.
func ParseMissed(text string) (Missed, error) {
	switch text {
	case "", "skip":
		return Skip, nil
	case "once":
		return Once, nil
	}
	number, ok := strings.CutPrefix(text, "all:")
	if n, err := strconv.Atoi(number); ok && err == nil && n >= 1 && n <= maxMadeUp {
		return All(n), nil
	}
	return Missed{}, fmt.Errorf("missed runs are skip, once or all:N with N from 1 to %d", maxMadeUp)
}

// limit is how many runs All makes up; 0 for the other policies.
func (m Missed) limit() int {
	n, _ := strconv.Atoi(strings.TrimPrefix(m.text, "all:")) // 0 for those without a number
	return n
}

// ScheduleError says what is wrong with a schedule, for the person who made it.
type ScheduleError struct {
	Field string // as JSON and forms name it: name, spec, zone, missed, kind, args…
	Err   error
}

func (e *ScheduleError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *ScheduleError) Unwrap() error { return e.Err }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// check fills in what was left out, and refuses what could not run.
func (n *NewSchedule) check() (cron.Schedule, error) {
	fault := func(field, text string) error { return &ScheduleError{field, errors.New(text)} }
	if !nameForm.MatchString(n.Name) {
		return cron.Schedule{}, fault("name", "a name has 1 to 100 of a-z, 0-9, dot, dash and underscore, and begins with a letter or digit")
	}
	if _, err := cron.Zone(n.Zone); err != nil {
		return cron.Schedule{}, &ScheduleError{"zone", err}
	}
	calendar, err := cron.Parse(n.Spec, n.Zone)
	if err != nil {
		return calendar, &ScheduleError{"spec", err}
	}
	if n.Missed, err = ParseMissed(n.Missed.text); err != nil {
		return calendar, &ScheduleError{"missed", err}
	}
	n.Spec = strings.Join(strings.Fields(n.Spec), " ")
	n.Queue, n.MaxAttempts, n.Timeout = or(n.Queue, "default"), or(n.MaxAttempts, 20), or(n.Timeout, time.Minute)
	switch {
	case n.Kind == "" || len(n.Kind) > 200:
		return calendar, fault("kind", "a kind of job is needed, of at most 200 characters")
	case n.Args != nil && (len(n.Args) > MaxArgs || !json.Valid(n.Args)):
		return calendar, fault("args", fmt.Sprintf("the arguments must be JSON of at most %d bytes", MaxArgs))
	case n.MaxAttempts < 1 || n.Timeout < time.Millisecond:
		return calendar, fault("max_attempts", "at least one attempt is needed, and time for it")
	}
	return calendar, nil
}

// same reports whether two checked schedules do the same.
func (n NewSchedule) same(o NewSchedule) bool {
	return bytes.Equal(n.Args, o.Args) && n.Name == o.Name && n.Spec == o.Spec && n.Zone == o.Zone && n.Missed == o.Missed && n.NoOverlap == o.NoOverlap &&
		n.Kind == o.Kind && n.Endpoint == o.Endpoint && n.Queue == o.Queue && n.Priority == o.Priority &&
		n.MaxAttempts == o.MaxAttempts && n.Timeout == o.Timeout
}

// enqueue makes the job of a run.
func (n NewSchedule) enqueue(tx *store.Tx, due time.Time) (Ticket, error) {
	args := n.Args
	if args == nil {
		args, _ = json.Marshal(Tick{n.Name, due}) // a text and a time
	}
	opts := []Option{On(n.Queue), Priority(n.Priority), MaxAttempts(n.MaxAttempts), Timeout(n.Timeout),
		// A schedule that was removed and made anew has no rows of what it did.
		Unique(n.Name+"\x00"+strconv.FormatInt(due.UnixMilli(), 10), 48*time.Hour)}
	if n.Endpoint != "" {
		opts = append(opts, ToEndpoint(n.Endpoint))
	}
	return EnqueueRaw(tx, n.Kind, args, opts...)
}
