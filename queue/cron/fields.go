package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"

	parser "github.com/netresearch/go-cron"
)

// fields are the five fields of a line, as sets of bits.
type fields struct {
	minute, hour, dom, month, dow uint64

	domRules []parser.DomConstraint // L, L-3, LW, 15W
	dowRules []parser.DowConstraint // FRI#3, FRI#L
	either   bool                   // both days are given: one of them is enough
	anyDOM   bool                   // "*"
	anyDOW   bool
}

const (
	allMinutes = 1<<60 - 1
	allHours   = 1<<24 - 1
	allMonths  = 1<<13 - 2
)

// line is only the parser: what its schedules say of time is not exact across the
// changes of clocks (spec/jobs.md section 7).
var line = parser.MustNewParser(parser.Minute | parser.Hour | parser.Dom | parser.Month | parser.Dow | parser.Extended)

var fieldNames = [5]string{"minute", "hour", "day of the month", "month", "day of the week"}

func parseFields(spec string) (*fields, error) {
	texts := strings.Fields(strings.ToLower(spec)) // the parser takes an upper-case THU for a hash
	if len(texts) != 5 {
		return nil, fmt.Errorf("a schedule has five fields (minute, hour, day of the month, month, day of the week), this one has %d", len(texts))
	}
	for i, text := range texts {
		if err := wellFormed(i, text); err != nil {
			return nil, fmt.Errorf("%s: %w", fieldNames[i], err)
		}
	}
	parsed, err := line.Parse(strings.Join(texts, " "))
	if err != nil {
		return nil, blame(texts, err)
	}
	s, ok := parsed.(*parser.SpecSchedule)
	if !ok {
		return nil, errors.New("not a schedule of five fields")
	}
	star := func(text string) bool { return text[0] == '*' || text[0] == '?' }
	return &fields{
		minute: s.Minute & allMinutes, hour: s.Hour & allHours, dom: s.Dom & (1<<32 - 2), month: s.Month & allMonths, dow: s.Dow & (1<<7 - 1),
		domRules: s.DomConstraints, dowRules: s.DowConstraints,
		either: !star(texts[2]) && !star(texts[4]),
		anyDOM: texts[2] == "*" || texts[2] == "?", anyDOW: texts[4] == "*" || texts[4] == "?",
	}, nil
}

// blame says which field the parser did not like: it does not say so itself.
func blame(texts []string, err error) error {
	for i, text := range texts {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = text
		if _, err := line.Parse(strings.Join(alone, " ")); err != nil {
			return fmt.Errorf("%s: %q is not understood (%w)", fieldNames[i], text, err)
		}
	}
	return err
}

// wellFormed refuses what the parser takes without a meaning, or with a wrong one.
func wellFormed(i int, text string) error {
	if bad := strings.Trim(text, "0123456789abcdefghijklmnopqrstuvwxyz*?,-/#"); bad != "" {
		return fmt.Errorf("%q has characters that no schedule has", text)
	}
	for part := range strings.SplitSeq(text, ",") {
		bare, _, stepped := strings.Cut(part, "/")
		switch {
		case part == "":
			return fmt.Errorf("%q has an empty place in its list", text)
		case strings.ContainsAny(part, "*?") && bare != "*" && bare != "?":
			return fmt.Errorf("%q: a star stands alone or before a step", part)
		case strings.Contains(part, "?") && i != 2 && i != 4:
			return errors.New("? is for days only")
		case i == 4 && stepped && wraps(bare):
			return fmt.Errorf("%q: a step over the end of the week is ambiguous; list the days", part)
		}
	}
	return nil
}

// wraps reports whether a range of weekdays runs over Sunday, such as FRI-MON.
func wraps(text string) bool {
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		return false
	}
	place := func(day string) int { return strings.Index("0sun1mon2tue3wed4thu5fri6sat7", day) }
	return place(from) > place(to)
}

func (f *fields) everyHour() bool { return f.hour == allHours }

func has(set uint64, n int) bool { return set&(1<<n) != 0 }

// after is the first matching minute after x, both as a clock on the wall shows
// them: in UTC, whatever the zone is.
func (f *fields) after(x time.Time) (time.Time, bool) {
	x = x.Truncate(time.Minute).Add(time.Minute)
	first, minute := x.Day(), 60*x.Hour()+x.Minute()
	for year, month := x.Year(), x.Month(); year <= x.Year()+100; first = 1 {
		if has(f.month, int(month)) {
			for day, last := first, daysIn(year, month); day <= last; day++ {
				if f.day(year, month, day, last) {
					if at, ok := f.minuteFrom(minute); ok {
						return time.Date(year, month, day, 0, at, 0, 0, time.UTC), true
					}
				}
				minute = 0
			}
		}
		minute = 0
		if month++; month > time.December {
			year, month = year+1, time.January
		}
	}
	return time.Time{}, false
}

// minuteFrom is the first matching minute of a day from the given one on.
func (f *fields) minuteFrom(from int) (int, bool) {
	for at := from; at < 24*60; at++ {
		if !has(f.hour, at/60) {
			at += 59 - at%60
		} else if has(f.minute, at%60) {
			return at, true
		}
	}
	return 0, false
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func weekday(year int, month time.Month, day int) time.Weekday {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()
}

// day reports whether a date is one of the line's; last is its month's last day.
func (f *fields) day(year int, month time.Month, day, last int) bool {
	wd := weekday(year, month, day)
	ofMonth := has(f.dom, day)
	for _, r := range f.domRules {
		ofMonth = ofMonth || day == ruleDay(r, year, month, last)
	}
	ofWeek := has(f.dow, int(wd))
	for _, r := range f.dowRules {
		nth := (day-1)/7 + 1
		ofWeek = ofWeek || int(wd) == r.Weekday && (nth == r.N || r.N == -1 && day+7 > last)
	}
	if f.either {
		return ofMonth || ofWeek
	}
	return ofMonth && ofWeek
}

// ruleDay is the day of a month that a rule means; no day of it if it has none.
func ruleDay(r parser.DomConstraint, year int, month time.Month, last int) int {
	switch r.Type {
	case parser.DomLast:
		return last
	case parser.DomLastOffset:
		return last - r.N
	case parser.DomLastWeekday:
		return nearest(year, month, last, last)
	}
	return nearest(year, month, r.N, last)
}

// nearest is the working day, Monday to Friday, nearest to a day, in its month.
func nearest(year int, month time.Month, day, last int) int {
	if day > last {
		return 0
	}
	switch weekday(year, month, day) {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	}
	return day
}
