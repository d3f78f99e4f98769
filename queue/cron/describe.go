package cron

import (
	"fmt"
	"strings"
	"time"

	parser "github.com/netresearch/go-cron"
)

// Describe says in words when the schedule is due, such as "every day at 02:30,
// Europe/Berlin".
func (s Schedule) Describe() string {
	switch {
	case s.every > 0:
		return "every " + duration(s.every)
	case s.fields == nil:
		return "never"
	}
	f := s.fields
	day, when := f.describeDay(), f.describeTime()
	text := when
	switch {
	case strings.HasPrefix(when, "at ") && day == "":
		text = "every day " + when
	case strings.HasPrefix(when, "at "):
		text = day + " " + when
	case day != "":
		text = when + ", " + day
	}
	return text + ", " + s.loc.String()
}

// duration is a whole number of the largest unit that fits, or of two.
func duration(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	var parts []string
	for _, u := range units {
		if n := d / u.size; n > 0 {
			parts = append(parts, plural(int(n), u.name))
			d %= u.size
		}
	}
	if len(parts) == 1 {
		return strings.TrimPrefix(parts[0], "1 ")
	}
	return and(parts)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func and(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// members are the bits of a set from low to high.
func members(set uint64, low, high int) []int {
	var all []int
	for n := low; n <= high; n++ {
		if has(set, n) {
			all = append(all, n)
		}
	}
	return all
}

// step is n when the set is 0, n, 2n… up to size, and n divides it; otherwise 0.
func step(set uint64, size int) int {
	all := members(set, 0, size-1)
	if len(all) < 2 || all[0] != 0 || size%len(all) != 0 {
		return 0
	}
	for i, n := range all {
		if n != i*size/len(all) {
			return 0
		}
	}
	return size / len(all)
}

func texts(numbers []int, name func(int) string) []string {
	all := make([]string, len(numbers))
	for i, n := range numbers {
		all[i] = name(n)
	}
	return all
}

// runs joins neighbours: 1, 2, 3, 7 is "1 to 3 and 7".
func runs(numbers []int, name func(int) string) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if j-i >= 2 {
			parts = append(parts, name(numbers[i])+" to "+name(numbers[j]))
		} else {
			parts = append(parts, texts(numbers[i:j+1], name)...)
		}
		i = j + 1
	}
	return and(parts)
}

func plain(n int) string { return fmt.Sprint(n) }

// describeTime begins with "at" when it lists times of the day.
func (f *fields) describeTime() string {
	minutes, hours := members(f.minute, 0, 59), members(f.hour, 0, 23)
	if len(minutes)*len(hours) <= 6 {
		var at []string
		for _, h := range hours {
			at = append(at, texts(minutes, func(m int) string { return fmt.Sprintf("%02d:%02d", h, m) })...)
		}
		return "at " + and(at)
	}
	hourly := "every hour"
	if n := step(f.hour, 24); n > 1 {
		hourly = "every " + plural(n, "hour")
	} else if !f.everyHour() {
		hourly = "every hour of " + runs(hours, plain)
	}
	during := ""
	if !f.everyHour() {
		during = " in the hours " + runs(hours, plain)
	}
	switch n := step(f.minute, 60); {
	case n == 1:
		return "every minute" + during
	case n > 1:
		return "every " + plural(n, "minute") + during
	case len(minutes) == 1 && minutes[0] == 0:
		return hourly
	case len(minutes) == 1:
		return hourly + " at minute " + plain(minutes[0])
	}
	return hourly + " at minutes " + runs(minutes, plain)
}

func (f *fields) describeDay() string {
	month, week := f.describeDOM(), f.describeDOW()
	text := month + week
	if month != "" && week != "" {
		text = month + " if it is " + strings.TrimPrefix(strings.TrimPrefix(week, "every "), "on ")
		if f.either {
			text = month + " and " + week
		}
	}
	if f.month == allMonths {
		return text
	}
	in := "in " + runs(members(f.month, 1, 12), func(n int) string { return time.Month(n).String() })
	if text == "" {
		return "every day " + in
	}
	return strings.Replace(text, " of the month", "", 1) + " " + in
}

func (f *fields) describeDOM() string {
	if f.anyDOM {
		return ""
	}
	var parts []string
	if days := members(f.dom, 1, 31); len(days) == 1 {
		parts = append(parts, "day "+plain(days[0]))
	} else if len(days) > 1 {
		parts = append(parts, "days "+runs(days, plain))
	}
	for _, r := range f.domRules {
		switch r.Type {
		case parser.DomLast:
			parts = append(parts, "the last day")
		case parser.DomLastOffset:
			parts = append(parts, fmt.Sprintf("the day %s before the last", plural(r.N, "day")))
		case parser.DomLastWeekday:
			parts = append(parts, "the last working day")
		default:
			parts = append(parts, fmt.Sprintf("the working day nearest to day %d", r.N))
		}
	}
	return "on " + and(parts) + " of the month"
}

func (f *fields) describeDOW() string {
	if f.anyDOW {
		return ""
	}
	name := func(n int) string { return time.Weekday(n % 7).String() }
	var parts []string
	days := members(f.dow&^1, 1, 6)
	if has(f.dow, 0) {
		days = append(days, 7) // the week begins on Monday
	}
	if len(days) > 0 {
		parts = append(parts, runs(days, name))
	}
	nth := map[int]string{1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
	for _, r := range f.dowRules {
		parts = append(parts, fmt.Sprintf("the %s %s of the month", nth[r.N], name(r.Weekday)))
	}
	if len(f.dowRules) > 0 || len(days) > 2 {
		return "on " + and(parts)
	}
	return "every " + and(parts)
}
