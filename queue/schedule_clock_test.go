package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDSTFixedHours: fault 19. A job of a fixed hour runs exactly once a day while
// clocks are set forward and back.
func TestDSTFixedHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, spec, before, want string }{
		{"Europe/Berlin", "30 2 * * *", "2027-03-26 12:00", "27 02:30, 28 03:00, 29 02:30"},
		{"Europe/Berlin", "30 2 * * *", "2027-10-29 12:00", "30 02:30, 31 02:30, 01 02:30"},
		{"America/New_York", "30 2 * * *", "2027-03-12 12:00", "13 02:30, 14 03:00, 15 02:30"},
		{"America/New_York", "30 1 * * *", "2027-11-05 12:00", "06 01:30, 07 01:30, 08 01:30"},
		{"Australia/Lord_Howe", "15 2 * * *", "2027-10-01 12:00", "02 02:15, 03 02:30, 04 02:15"},
		{"Australia/Lord_Howe", "45 1 * * *", "2027-04-02 12:00", "03 01:45, 04 01:45, 05 01:45"},
	} {
		t.Run(strings.ReplaceAll(c.zone+" "+c.before, "/", "_"), func(t *testing.T) {
			t.Parallel()
			for _, missed := range []Missed{Skip, Once, All(10)} {
				b := newBench(t)
				b.at(c.before, c.zone)
				loc, _ := time.LoadLocation(c.zone)
				var d dues
				CronFunc(b.q, "nightly", c.spec, c.zone, missed, d.run)
				b.drain()
				for range 3 { // as the dispatcher does, which sleeps until then
					b.clock.ms.Store(b.schedule("nightly").Next.UnixMilli())
					b.drain()
				}
				var got []string
				for _, at := range d.all {
					got = append(got, at.In(loc).Format("02 15:04"))
				}
				if text := strings.Join(got, ", "); text != c.want {
					t.Errorf("%s: ran at %s, want %s", missed, text, c.want)
				}
			}
		})
	}
}

// TestThreeDaysOff: fault 18.
func TestThreeDaysOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		missed     Missed
		after      time.Duration // past the full hour at the restart
		opts       []CronOption
		runs, left int
		newest     int // hours before the restart
	}{
		{Skip, 20 * time.Minute, nil, 0, 72, 0},
		{Skip, 30 * time.Second, nil, 1, 71, 0},
		{Once, 20 * time.Minute, nil, 1, 0, 0},
		{All(10), 20 * time.Minute, nil, 10, 62, 0},
		{All(1000), 20 * time.Minute, nil, 72, 0, 0},
		{All(10), 20 * time.Minute, []CronOption{NoOverlap}, 1, 71, 0},
	} {
		t.Run(fmt.Sprint(c.missed, c.after, len(c.opts)), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.at("2027-06-01 11:59", "UTC")
			var d dues
			CronFunc(b.q, "hourly", "@hourly", "UTC", c.missed, d.run, c.opts...)
			b.drain()
			b.clock.advance(time.Minute)
			b.drain()
			if len(d.all) != 1 {
				t.Fatalf("before: %v", d.all)
			}
			b.clock.advance(72*time.Hour + c.after)
			d.all = nil
			b.restart()
			CronFunc(b.q, "hourly", "@hourly", "UTC", c.missed, d.run, c.opts...)
			b.drain()
			s := b.schedule("hourly")
			newest := time.Date(2027, 6, 4, 12, 0, 0, 0, time.UTC)
			if len(d.all) != c.runs || s.LeftOut != c.left || !s.Next.Equal(newest.Add(time.Hour)) {
				t.Fatalf("%d runs, %d left out, next %v; want %d, %d", len(d.all), s.LeftOut, s.Next, c.runs, c.left)
			}
			if c.runs > 0 && !d.all[len(d.all)-1].Equal(newest) {
				t.Errorf("the newest run was due at %v", d.all[len(d.all)-1])
			}
			d.all = nil
			b.drain()
			if len(d.all) != 0 {
				t.Errorf("made up again: %v", d.all)
			}
		})
	}
}

// TestClockJumps: fault 10. Forward is no storm beyond the policy, back runs
// nothing twice.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		missed Missed
		made   int // at a jump of an hour
	}{{Skip, 2}, {Once, 1}, {All(7), 7}} {
		t.Run(c.missed.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.at("2027-06-01 12:00", "UTC")
			var d dues
			CronFunc(b.q, "minutely", "* * * * *", "UTC", c.missed, d.run)
			minutes := func(n int) {
				for range n {
					b.drain()
					b.clock.advance(time.Minute)
				}
				b.drain()
			}
			minutes(5)
			d.all = nil
			b.clock.advance(time.Hour)
			b.drain()
			if len(d.all) != c.made {
				t.Fatalf("after an hour's jump: %v", d.all)
			}
			b.clock.advance(-time.Hour)
			minutes(70)
			if twice := d.twice(); len(twice) > 0 {
				t.Errorf("twice: %v", twice)
			}
			// Once the clock is right again it goes on at once, not in an hour.
			if first := time.Date(2027, 6, 1, 12, 6, 0, 0, time.UTC); !slices.Contains(d.all, first) {
				t.Errorf("nothing ran at %v", first)
			}
			if want := 70; c.missed == Skip && len(d.all) != want { // 12:06 to 13:15
				t.Errorf("%d runs, want %d", len(d.all), want)
			}
		})
	}
}

// TestAClockThatWasAYearAhead must not stop a schedule for a year.
func TestAClockThatWasAYearAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var d dues
	b.at("2028-06-01 12:00", "UTC")
	CronFunc(b.q, "hourly", "@hourly", "UTC", Once, d.run)
	b.drain()
	b.clock.advance(time.Hour)
	b.drain()
	b.at("2027-06-01 12:00", "UTC")
	b.drain()
	if next := b.schedule("hourly").Next; !next.Equal(time.Date(2027, 6, 1, 13, 0, 0, 0, time.UTC)) {
		t.Errorf("next run %v", next)
	}
	b.clock.advance(time.Hour)
	b.drain()
	if len(d.all) != 2 {
		t.Errorf("ran at %v", d.all)
	}
}
