// Package cron is the calendar of schedules: when a crontab line is due, exact to
// the minute and across the changes of clocks. It knows no database.
//
// A line whose hours are all ("0 * * * *", "*/5 * * * *") is due whenever the
// clock on the wall shows one of its minutes, so that it runs in every real hour.
// A line with hours of its own ("30 2 * * *", "0 9-17 * * *") is due once for each
// of its times: the first time that clock shows it, or, where the clock jumps over
// it, at the first instant after the jump.
package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the binary is static: it must not depend on the machine's zone files
)

// Schedule is a parsed line in its time zone. The zero value is never due.
type Schedule struct {
	fields *fields
	every  time.Duration // of "@every"; 0 otherwise
	loc    *time.Location
}

// maxSpec bounds a line, in bytes.
const maxSpec = 200

// maxEvery is the longest interval of @every; what is rarer is a date.
const maxEvery = 366 * 24 * time.Hour

// named are the lines that have a name, as crontab(5) gives them.
var named = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// Parse reads a line of five fields (minute, hour, day of the month, month, day of
// the week) in a time zone of the IANA database; "" is UTC. Beside numbers, names,
// lists, ranges and steps it takes L, L-3, LW and 15W as days of the month, and
// FRI#3 and FRI#L as days of the week. Where both days are given one of them is
// enough, as in crontab(5). @hourly to @yearly and "@every 90s" are lines too; the
// latter counts from the epoch, in whole seconds, so that a restart does not shift it.
//
// Errors are for whoever wrote the line. A line that can never be due is one.
func Parse(spec, zone string) (Schedule, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Schedule{}, err
	}
	spec = strings.TrimSpace(spec)
	switch {
	case spec == "":
		return Schedule{}, errors.New("the schedule is empty")
	case len(spec) > maxSpec:
		return Schedule{}, fmt.Errorf("the schedule is longer than %d characters", maxSpec)
	case strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ="):
		return Schedule{}, errors.New("the time zone has a place of its own: leave TZ= out of the schedule")
	case strings.HasPrefix(spec, "@every"):
		every, err := parseEvery(strings.TrimPrefix(spec, "@every"))
		return Schedule{every: every, loc: loc}, err
	case strings.HasPrefix(spec, "@"):
		line, ok := named[strings.ToLower(spec)]
		if !ok {
			return Schedule{}, fmt.Errorf("%q is not known: use @hourly, @daily, @weekly, @monthly, @yearly or @every", spec)
		}
		spec = line
	}
	f, err := parseFields(spec)
	if err != nil {
		return Schedule{}, err
	}
	if _, ok := f.after(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); !ok {
		return Schedule{}, errors.New("no such date: the schedule would never be due")
	}
	return Schedule{fields: f, loc: loc}, nil
}

// Zone finds a time zone by its name in the IANA database; "" is UTC.
func Zone(name string) (*time.Location, error) {
	// "Local" depends on the machine; "right/" counts leap seconds.
	bad := name == "Local" || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/") || len(name) > 64
	if !bad {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, nil
		}
	}
	return nil, fmt.Errorf("%.64q is not a time zone: use a name such as Europe/Berlin or UTC", name)
}

func parseEvery(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	switch {
	case err != nil || !strings.HasPrefix(text, " "):
		return 0, errors.New("@every needs a duration, such as @every 90s or @every 2h")
	case d < time.Second:
		return 0, errors.New("@every needs at least a second")
	case d%time.Second != 0:
		return 0, errors.New("@every needs whole seconds")
	case d > maxEvery:
		return 0, errors.New("@every takes at most a year")
	}
	return d, nil
}

// Next is the first time after the given one, in UTC. It is zero when there is
// none in the next hundred years, which happens to no line that Parse took.
func (s Schedule) Next(after time.Time) time.Time {
	after = clamp(after)
	switch {
	case s.every > 0:
		step := int64(s.every / time.Second)
		return time.Unix((after.Unix()+step)/step*step, 0).UTC()
	case s.fields == nil:
		return time.Time{}
	case s.fields.everyHour():
		return s.onTheWall(after)
	}
	return s.once(after)
}

// clamp keeps the arithmetic within what the calendar is good for. Nothing was
// scheduled before the epoch.
func clamp(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(-1, 0).Add(time.Second - 1).UTC()
	}
	return t.UTC()
}

// Between are the times after from, up to and including to, the oldest first, at most limit of them.
func (s Schedule) Between(from, to time.Time, limit int) []time.Time {
	var all []time.Time
	for at := s.Next(from); len(all) < limit && !at.IsZero() && !at.After(to); at = s.Next(at) {
		all = append(all, at)
	}
	return all
}

// Latest are the newest times after from, up to and including to, the oldest of
// them first, at most limit. It costs about as much as there are, not as lie between.
func (s Schedule) Latest(from, to time.Time, limit int) []time.Time {
	if limit <= 0 {
		return nil
	}
	for width := time.Duration(limit) * time.Minute; ; width *= 2 {
		start := to.Add(-width)
		whole := !start.After(from) || width > 100*maxEvery
		if whole {
			start = from
		}
		got := s.Between(start, to, int(width/time.Second)+1)
		if len(got) >= limit {
			return got[len(got)-limit:]
		}
		if whole {
			return got
		}
	}
}
