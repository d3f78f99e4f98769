package observe

import (
	"testing"
	"time"
)

// The hours of a class hold all of its series: what is stored, what is not yet, and both after a restart.
func TestHoursOfAClass(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	start := s.now().Truncate(time.Hour)
	count := func(s *System) (by map[Class]int64, hours map[time.Time]int64) {
		t.Helper()
		by, hours = map[Class]int64{}, map[time.Time]int64{}
		if err := s.Hours(t.Context(), start, func(at time.Time, class Class, f *Figures) {
			by[class] += f.Count
			hours[at] += f.Count
		}); err != nil {
			t.Fatal(err)
		}
		return by, hours
	}
	for range 3 {
		s.Count(Series{Ours, "GET /a"}, time.Millisecond, false)
		s.Count(Series{Ours, "GET /b"}, time.Millisecond, true)
		s.Count(Series{Jobs, "chart.render"}, time.Millisecond, false)
	}
	h.advance(10 * time.Second)
	s.Flush()
	h.advance(2 * time.Hour)
	s.Flush() // as every ten seconds in life: what is counted is stored under when that began
	s.Count(Series{Ours, "GET /a"}, time.Millisecond, false)
	if by, hours := count(s); by[Ours] != 7 || by[Jobs] != 3 || by[App] != 0 || len(hours) != 2 || hours[start] != 9 {
		t.Errorf("%v, %v", by, hours)
	}
	h.advance(10 * time.Second)
	s.Flush()
	s.Flush()
	folder := s.o.Folder
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := New(Options{Folder: folder, Clock: h.now})
	defer again.Close()
	if by, hours := count(again); by[Ours] != 7 || by[Jobs] != 3 || len(hours) != 2 {
		t.Errorf("after a restart: %v, %v", by, hours)
	}
}
