package observe

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hand is a clock that tests set.
type hand struct{ ms atomic.Int64 }

func (h *hand) now() time.Time          { return time.UnixMilli(h.ms.Load()).UTC() }
func (h *hand) advance(d time.Duration) { h.ms.Add(d.Milliseconds()) }

func withHand(t *testing.T, folder string) (*System, *hand) {
	h := &hand{}
	h.ms.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	s := New(Options{Folder: folder, Clock: h.now, BusyWait: time.Millisecond})
	t.Cleanup(func() { s.Close() })
	return s, h
}

var invoices = Series{App, "GET /invoices"}

// sum is what a range has of a series, and in how many steps.
func sum(t *testing.T, s *System, span time.Duration, one Series) (n int64, steps int) {
	t.Helper()
	seen := map[time.Time]bool{}
	_, err := s.History(context.Background(), span, func(at time.Time, series Series, f *Figures) {
		if series == one {
			n += f.Count
			seen[at] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, len(seen)
}

func TestHistoryAtEveryResolution(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	for range 60 {
		s.Count(invoices, 5*time.Millisecond, false)
		s.Flush()
		h.advance(10 * time.Second)
		s.Flush()
	}
	for span, want := range map[time.Duration]int{time.Hour: 60, 12 * time.Hour: 10, 7 * 24 * time.Hour: 1, 365 * 24 * time.Hour: 1} {
		if n, steps := sum(t, s, span, invoices); n != 60 || steps != want {
			t.Errorf("%v has %d in %d steps, not 60 in %d", span, n, steps, want)
		}
	}
	// What is not stored yet is there as well, and is stored when the process ends.
	s.Count(invoices, time.Millisecond, true)
	if n, _ := sum(t, s, time.Hour, invoices); n != 61 {
		t.Errorf("what was counted just now is missing: %d", n)
	}
	folder := s.o.Folder
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := New(Options{Folder: folder, Clock: h.now})
	defer again.Close()
	if n, _ := sum(t, again, time.Hour, invoices); n != 61 {
		t.Errorf("after a restart there are %d", n)
	}
}

func TestHistoryIsForgottenInTime(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	rows := func() (n int) {
		db, err := sql.Open("sqlite", filepath.Join(s.o.Folder, "telemetry.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(`SELECT count(*) FROM observe_metric`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	s.Count(invoices, time.Millisecond, false)
	for i, left := range []int{5, 4, 3, 1, 0} { // a row at each resolution, and the hour of the class for fifteen days
		h.advance([]time.Duration{10 * time.Second, 3 * time.Hour, 73 * time.Hour, 91 * 24 * time.Hour, 2 * 366 * 24 * time.Hour}[i])
		s.Flush()
		if n := rows(); n != left {
			t.Errorf("step %d: %d rows are left, not %d", i, n, left)
		}
	}
}

// TestClockBack is fault 9: nothing is lost, nothing is negative, and time goes on.
func TestClockBack(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	s.Count(invoices, time.Millisecond, false)
	h.advance(10 * time.Second)
	s.Flush()
	h.advance(-time.Hour)
	s.Count(invoices, -time.Second, false)
	s.Flush()
	h.advance(time.Hour + 10*time.Second)
	s.Flush()
	if n, steps := sum(t, s, time.Hour, invoices); n != 2 || steps != 2 {
		t.Errorf("%d in %d steps", n, steps)
	}
	s.History(context.Background(), time.Hour, func(_ time.Time, _ Series, f *Figures) {
		if f.Total < 0 || f.Most < 0 || f.Quantile(.5) < 0 {
			t.Errorf("a time is negative: %v %v", f.Total, f.Most)
		}
	})
}

// TestFiguresWaitForALock is fault 13: another process locks the file, and no count is lost.
func TestFiguresWaitForALock(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	s.Count(invoices, time.Millisecond, false)
	h.advance(10 * time.Second)
	s.Flush()
	db, err := sql.Open("sqlite", filepath.Join(s.o.Folder, "telemetry.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.Count(invoices, time.Millisecond, false)
		h.advance(10 * time.Second)
		s.Flush()
	}
	if len(s.red.held) != 1 || s.red.held[invoices].Count != 3 {
		t.Fatalf("the lock did not hold the figures back: %v", s.red.held)
	}
	if n, _ := sum(t, s, time.Hour, invoices); n != 4 {
		t.Errorf("while they wait there are %d", n)
	}
	if _, err := db.Exec(`ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	h.advance(10 * time.Second)
	s.Flush()
	if n, _ := sum(t, s, time.Hour, invoices); n != 4 || len(s.red.held) != 0 {
		t.Errorf("afterwards there are %d, %d held", n, len(s.red.held))
	}
}

// TestManyRoutes is fault 17: what is too many counts as one, exactly, and leaves our own alone.
func TestManyRoutes(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	const many = 20_000
	for i := range many {
		s.Count(Series{App, fmt.Sprintf("GET /r%d", i)}, time.Millisecond, false)
	}
	s.Count(Series{Ours, "GET /-/login"}, time.Millisecond, false)
	page, err := s.Performance(context.Background(), App, time.Hour)
	if err != nil || len(page.Series) != mostSeries+1 || page.Series[0].Name != otherName || page.Series[0].Count != many-mostSeries {
		t.Fatalf("%d series (%v), the first %+v", len(page.Series), err, page.Series[0])
	}
	if n, _ := sum(t, s, time.Hour, Series{Ours, "GET /-/login"}); n != 1 {
		t.Error("a route of ours has no place")
	}
	// Those nobody uses for an hour make room.
	for range forgetAfter + 2 {
		h.advance(10 * time.Second)
		s.Flush()
	}
	s.Count(invoices, time.Millisecond, false)
	if n, _ := sum(t, s, 15*time.Minute, invoices); n != 1 {
		t.Error("there is no room again")
	}
}

func TestCountsAreExactUnderWay(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 5000 {
				s.Count(invoices, time.Duration(i)*time.Microsecond, i%10 == 0)
			}
		})
	}
	for range 20 {
		h.advance(10 * time.Second)
		s.Flush()
	}
	all.Wait()
	page, err := s.Performance(context.Background(), App, time.Hour)
	if err != nil || len(page.Series) != 1 || page.Series[0].Count != 20_000 || page.Series[0].Errors != 2000 {
		t.Fatalf("counted %+v (%v)", page.Series, err)
	}
}

// BenchmarkCount is what a request pays for its place in the figures, from all cores at once.
func BenchmarkCount(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Request("GET", "/v1/invoices/17/lines", 1250*time.Microsecond, false)
		}
	})
}
