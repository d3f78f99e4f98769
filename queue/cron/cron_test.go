package cron

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func must(t *testing.T, spec, zone string) Schedule {
	t.Helper()
	s, err := Parse(spec, zone)
	if err != nil {
		t.Fatalf("%s in %s: %v", spec, zone, err)
	}
	return s
}

// oracle walks every minute of the world's clock and asks what the one on the
// wall shows. It shares nothing with the calendar but the definition.
type oracle struct {
	matches   func(w time.Time) bool
	everyHour bool
}

// span is a stretch of time, minute by minute, as the clock on the wall shows it.
type span struct {
	from  time.Time
	walls []time.Time // from lookBack before from on
}

func newSpan(loc *time.Location, from, to time.Time) span {
	s := span{from: from}
	for t := from.Add(-lookBack); !t.After(to); t = t.Add(time.Minute) {
		y, m, d := t.In(loc).Date()
		h, min, sec := t.In(loc).Clock()
		s.walls = append(s.walls, time.Date(y, m, d, h, min, sec, 0, time.UTC))
	}
	return s
}

// due are the times after from, up to and including the end.
func (o oracle) due(s span) []time.Time {
	var all []time.Time
	seen := s.walls[0]
	for i, w := range s.walls {
		t := s.from.Add(time.Duration(i)*time.Minute - lookBack)
		due := o.everyHour && o.matches(w)
		for seen.Before(w) { // each minute that the clock has passed since
			seen = seen.Add(time.Minute)
			due = due || !o.everyHour && o.matches(seen)
		}
		if due && t.After(s.from) {
			all = append(all, t)
		}
	}
	return all
}

var oracleSpecs = []struct {
	spec      string
	everyHour bool
	matches   func(w time.Time) bool
}{
	{"30 2 * * *", false, func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 30 }},
	{"30 1 * * *", false, func(w time.Time) bool { return w.Hour() == 1 && w.Minute() == 30 }},
	{"0 0 * * *", false, func(w time.Time) bool { return w.Hour() == 0 && w.Minute() == 0 }},
	{"59 23 * * *", false, func(w time.Time) bool { return w.Hour() == 23 && w.Minute() == 59 }},
	{"*/20 0-3 * * *", false, func(w time.Time) bool { return w.Hour() <= 3 && w.Minute()%20 == 0 }},
	{"15 */2 * * *", false, func(w time.Time) bool { return w.Hour()%2 == 0 && w.Minute() == 15 }},
	{"0 * * * *", true, func(w time.Time) bool { return w.Minute() == 0 }},
	{"7,45 * * * *", true, func(w time.Time) bool { return w.Minute() == 7 || w.Minute() == 45 }},
	{"0 2 * * SUN", false, func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 0 && w.Weekday() == time.Sunday }},
	{"30 2 L * *", false, func(w time.Time) bool { return w.Hour() == 2 && w.Minute() == 30 && w.AddDate(0, 0, 1).Day() == 1 }},
	{"30 0 * * SUN#L", false, func(w time.Time) bool {
		return w.Hour() == 0 && w.Minute() == 30 && w.Weekday() == time.Sunday && w.AddDate(0, 0, 7).Month() != w.Month()
	}},
	{"0 3 LW * *", false, func(w time.Time) bool {
		for d := w; d.Month() == w.Month(); d = d.AddDate(0, 0, 1) { // no working day comes after it
			if d != w && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
				return false
			}
		}
		return w.Hour() == 3 && w.Minute() == 0 && w.Weekday() != time.Saturday && w.Weekday() != time.Sunday
	}},
	{"0 5 13 * 5", false, func(w time.Time) bool {
		return w.Hour() == 5 && w.Minute() == 0 && (w.Day() == 13 || w.Weekday() == time.Friday)
	}},
	{"0 5 */2 * 1", false, func(w time.Time) bool {
		return w.Hour() == 5 && w.Minute() == 0 && w.Day()%2 == 1 && w.Weekday() == time.Monday
	}},
}

// changes are the instants at which a zone's clocks change in a span.
func changes(loc *time.Location, from, to time.Time) []time.Time {
	var all []time.Time
	for t := from; t.Before(to); t = t.Add(time.Hour) {
		_, a := t.In(loc).Zone()
		if _, b := t.Add(time.Hour).In(loc).Zone(); a != b {
			all = append(all, t)
		}
	}
	return all
}

func TestAgreesWithAClockOnTheWall(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for _, zone := range []string{"UTC", "America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham",
		"America/St_Johns", "Africa/Casablanca", "America/Santiago", "Asia/Beirut", "Africa/Cairo", "Asia/Tehran", "America/Havana", "America/Sao_Paulo",
		"Antarctica/Troll", "Pacific/Apia", "Pacific/Kwajalein", "Atlantic/Azores"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, err := Zone(zone)
			if err != nil {
				t.Fatal(err)
			}
			var spans []time.Time // the middle of each
			for _, year := range []int{1993, 2011, 2024, 2027, 2044} {
				start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				spans = append(spans, start, time.Date(year, 6, 30, 0, 0, 0, 0, time.UTC))
				spans = append(spans, changes(loc, start, start.AddDate(1, 0, 0))...)
			}
			for _, middle := range spans {
				from, to := middle.Add(-2*day), middle.Add(3*day)
				around := newSpan(loc, from, to)
				for _, c := range oracleSpecs {
					want := oracle{c.matches, c.everyHour}.due(around)
					got := must(t, c.spec, zone).Between(from, to, 10_000)
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Fatalf("%s around %s:\n got %v\nwant %v", c.spec, middle, in(got, loc), in(want, loc))
					}
				}
			}
		})
	}
}

func in(times []time.Time, loc *time.Location) []string {
	var all []string
	for _, t := range times {
		all = append(all, t.In(loc).Format("Jan 2 15:04 -0700"))
	}
	return all
}

// TestAWholeYearAgrees asks from every minute on, not only from run to run.
func TestAWholeYearAgrees(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"} {
		loc, _ := Zone(zone)
		from := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC) // a leap year, with its last day
		year := newSpan(loc, from, from.AddDate(1, 0, 2))
		for _, c := range oracleSpecs[:7] {
			s := must(t, c.spec, zone)
			want := oracle{c.matches, c.everyHour}.due(year)
			at := from
			for _, next := range want {
				for ; at.Before(next); at = at.Add(min(37*time.Minute+time.Second, next.Sub(at))) {
					if got := s.Next(at); !got.Equal(next) {
						t.Fatalf("%s in %s after %s: %s, want %s", c.spec, zone, at.In(loc), got.In(loc), next.In(loc))
					}
				}
			}
		}
	}
}

func TestDST(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, spec, day, want string }{
		// 02:30 does not exist: at the first instant after the gap.
		{"Europe/Berlin", "30 2 * * *", "2027-03-28", "03:00 +0200"},
		{"America/New_York", "30 2 * * *", "2027-03-14", "03:00 -0400"},
		{"Australia/Lord_Howe", "15 2 * * *", "2027-10-03", "02:30 +1100"},
		{"America/Santiago", "0 0 * * *", "2027-09-05", "01:00 -0300"},
		// 01:30 or 02:30 comes twice: the first time only.
		{"Europe/Berlin", "30 2 * * *", "2027-10-31", "02:30 +0200"},
		{"America/New_York", "30 1 * * *", "2027-11-07", "01:30 -0400"},
		{"Australia/Lord_Howe", "45 1 * * *", "2027-04-04", "01:45 +1100"},
		// Those that were jumped over together run together.
		{"Europe/Berlin", "*/20 2 * * *", "2027-03-28", "03:00 +0200"},
		// Every hour runs every real hour.
		{"Europe/Berlin", "0 * * * *", "2027-03-28", "00:00 +0100 01:00 +0100 03:00 +0200 04:00 +0200 … 23"},
		{"Europe/Berlin", "0 * * * *", "2027-10-31", "00:00 +0200 01:00 +0200 02:00 +0200 02:00 +0100 … 25"},
	} {
		loc, _ := Zone(c.zone)
		from, _ := time.ParseInLocation("2006-01-02", c.day, loc)
		var got []string
		runs := must(t, c.spec, c.zone).Between(from.Add(-time.Second), from.AddDate(0, 0, 1).Add(-time.Second), 100)
		for i, at := range runs {
			if i < 4 {
				got = append(got, at.In(loc).Format("15:04 -0700"))
			}
		}
		if len(runs) > 4 {
			got = append(got, fmt.Sprintf("… %d", len(runs)))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s on %s in %s: %q, want %q", c.spec, c.day, c.zone, text, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for spec, why := range map[string]string{
		"":                        "empty",
		"   ":                     "empty",
		"* * * *":                 "five fields",
		"* * * * * *":             "five fields",
		"0 0 30 2 *":              "never",
		"0 0 31 4,6,9,11 *":       "never",
		"0 0 L-30 2 *":            "never",
		"0 0 31W 2 *":             "never",
		"60 * * * *":              "minute",
		"* 24 * * *":              "hour",
		"* * 0 * *":               "day of the month",
		"* * * 13 *":              "month",
		"* * * * 8":               "day of the week",
		"* * * * FRI#6":           "day of the week",
		"* * * FOO *":             "month",
		"1,,2 * * * *":            "empty place",
		", * * * *":               "empty place",
		"*-5 * * * *":             "star",
		"? * * * *":               "days only",
		"*/0 * * * *":             "minute",
		"*/60 * * * *":            "minute",
		"+5 * * * *":              "characters",
		"0 0 * * FRI-MON/2":       "ambiguous",
		"H * * * *":               "minute",
		"TZ=UTC * * * * *":        "leave TZ= out",
		"CRON_TZ=UTC":             "leave TZ= out",
		"TZ=0":                    "leave TZ= out",
		"@reboot":                 "not known",
		"@every":                  "duration",
		"@every1h":                "duration",
		"@every 500ms":            "a second",
		"@every 1.5s":             "whole seconds",
		"@every -1h":              "a second",
		"@every 99999h":           "a year",
		strings.Repeat("1,", 200): "longer",
	} {
		if s, err := Parse(spec, "UTC"); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v", spec, s.Describe(), err)
		}
	}
	for _, zone := range []string{"Europe/Atlantis", "Local", "../../etc/passwd", "/etc/localtime", "right/UTC", "europe berlin", strings.Repeat("A/", 60)} {
		if _, err := Parse("* * * * *", zone); err == nil || !strings.Contains(err.Error(), "time zone") {
			t.Errorf("zone %q: %v", zone, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"30 2 * * *":       "every day at 02:30, Europe/Berlin",
		"* * * * *":        "every minute, Europe/Berlin",
		"*/15 * * * *":     "every 15 minutes, Europe/Berlin",
		"@hourly":          "every hour, Europe/Berlin",
		"5 * * * *":        "every hour at minute 5, Europe/Berlin",
		"0 */2 * * *":      "every 2 hours, Europe/Berlin",
		"0 8,18 * * *":     "every day at 08:00 and 18:00, Europe/Berlin",
		"0 9-17 * * 1-5":   "every hour of 9 to 17, on Monday to Friday, Europe/Berlin",
		"*/10 9-17 * * *":  "every 10 minutes in the hours 9 to 17, Europe/Berlin",
		"@weekly":          "every Sunday at 00:00, Europe/Berlin",
		"0 8 * * MON,THU":  "every Monday and Thursday at 08:00, Europe/Berlin",
		"0 8 * * FRI-MON":  "on Monday and Friday to Sunday at 08:00, Europe/Berlin",
		"@monthly":         "on day 1 of the month at 00:00, Europe/Berlin",
		"0 0 1,15,L * *":   "on days 1 and 15 and the last day of the month at 00:00, Europe/Berlin",
		"0 6 15W * *":      "on the working day nearest to day 15 of the month at 06:00, Europe/Berlin",
		"@yearly":          "on day 1 in January at 00:00, Europe/Berlin",
		"0 9 * 6-8 *":      "every day in June to August at 09:00, Europe/Berlin",
		"0 9 * * FRI#3":    "on the third Friday of the month at 09:00, Europe/Berlin",
		"0 0 13 * 5":       "on day 13 of the month and every Friday at 00:00, Europe/Berlin",
		"@every 30s":       "every 30 seconds",
		"@every 1h30m":     "every 1 hour and 30 minutes",
		"@every 24h":       "every day",
		"3,17,40 * * * *":  "every hour at minutes 3, 17 and 40, Europe/Berlin",
		"0 0 LW * *":       "on the last working day of the month at 00:00, Europe/Berlin",
		"0 0 L-3 * *":      "on the day 3 days before the last of the month at 00:00, Europe/Berlin",
		"0 12 * * MON#L":   "on the last Monday of the month at 12:00, Europe/Berlin",
		"0 0 * JAN,JUL ?":  "every day in January and July at 00:00, Europe/Berlin",
		"30 22-2 * * *":    "every day at 00:30, 01:30, 02:30, 22:30 and 23:30, Europe/Berlin",
		"0 0 1-7 * */7":    "on days 1 to 7 of the month if it is Sunday at 00:00, Europe/Berlin",
		" 0  12\t* * sun ": "every Sunday at 12:00, Europe/Berlin",
	} {
		if got := must(t, spec, "Europe/Berlin").Describe(); got != want {
			t.Errorf("%s: %q, want %q", spec, got, want)
		}
	}
	if got := (Schedule{}).Describe(); got != "never" || !(Schedule{}).Next(time.Now()).IsZero() {
		t.Errorf("the zero schedule is %q", got)
	}
}

// TestEveryIsAnchored: a restart does not shift an interval.
func TestEveryIsAnchored(t *testing.T) {
	t.Parallel()
	s := must(t, "@every 7s", "")
	at := time.Unix(1_790_000_000, 500)
	for range 20 {
		next := s.Next(at)
		if next.Unix()%7 != 0 || !next.After(at) || next.Sub(at) > 7*time.Second {
			t.Fatalf("after %v: %v", at, next)
		}
		at = at.Add(1300 * time.Millisecond)
	}
}

func TestRareDatesAndTheEndOfTime(t *testing.T) {
	t.Parallel()
	from := time.Date(2096, 3, 2, 0, 0, 0, 0, time.UTC)
	if got := must(t, "0 12 29 2 *", "UTC").Next(from); got != time.Date(2104, 2, 29, 12, 0, 0, 0, time.UTC) {
		t.Errorf("29 February after 2096: %v", got)
	}
	if got := must(t, "0 * 29 2 *", "America/New_York").Next(from); got.Year() != 2104 || got.Hour() != 5 {
		t.Errorf("hourly on 29 February after 2096: %v", got)
	}
	if got := must(t, "0 0 * * *", "UTC").Next(time.Time{}); got.Unix() != 0 {
		t.Errorf("after the zero time: %v", got)
	}
	if got := must(t, "@every 1h", "UTC").Next(time.Time{}); got.Unix() != 0 {
		t.Errorf("interval after the zero time: %v", got)
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	to := time.Date(2027, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, spec := range []string{"@every 1s", "* * * * *", "0 * * * *", "30 2 * * *", "0 0 1 * *", "@every 40h", "* 2 * * *"} {
		s := must(t, spec, "Europe/Berlin")
		for _, span := range []time.Duration{0, time.Second, time.Hour, 73 * time.Hour} {
			all := s.Between(to.Add(-span), to, 1_000_000)
			for _, limit := range []int{0, 1, 3, 100} {
				want := all[max(0, len(all)-limit):]
				if got := s.Latest(to.Add(-span), to, limit); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s over %s, %d: %v, want %v", spec, span, limit, got, want)
				}
			}
		}
	}
	// Years off cost no more than what is asked for.
	if got := must(t, "@every 1s", "UTC").Latest(time.Time{}, to, 2); len(got) != 2 || got[1] != to {
		t.Errorf("since ever: %v", got)
	}
	if got := must(t, "@yearly", "UTC").Latest(time.Time{}, to, 1000); len(got) != 58 {
		t.Errorf("%d years", len(got))
	}
}

// FuzzParse: no bytes panic, and what is taken goes forward and reads well.
func FuzzParse(f *testing.F) {
	for _, c := range oracleSpecs {
		f.Add(c.spec, "Europe/Berlin", int64(1_800_000_000))
	}
	f.Add("TZ=0", "", int64(0))
	f.Add("CRON_TZ=UTC", "UTC", int64(-1))
	f.Add("@every 1s", "Australia/Lord_Howe", int64(1<<40))
	f.Add("0 0 15W,L-2 nov-feb FRI#2", "Pacific/Apia", int64(1_325_200_000))
	f.Fuzz(func(t *testing.T, spec, zone string, unix int64) {
		s, err := Parse(spec, zone)
		if err != nil {
			if s.fields != nil || err.Error() == "" {
				t.Errorf("%q: a schedule beside an error", spec)
			}
			return
		}
		if d := s.Describe(); d == "" || d == "never" {
			t.Errorf("%q is described as %q", spec, d)
		}
		at := time.Unix(unix%(1<<33), unix%1000)
		for range 3 {
			next := s.Next(at)
			if next.IsZero() || !next.After(at) {
				t.Fatalf("%q in %q after %v: %v", spec, zone, at, next)
			}
			if half := at.Add(next.Sub(at) / 2); half.After(at) && half.Before(next) && !s.Next(half).Equal(next) {
				t.Fatalf("%q in %q: %v after %v, but %v after %v", spec, zone, next, at, s.Next(half), half)
			}
			at = next
		}
	})
}
