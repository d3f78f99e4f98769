package observe_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/observe"
	"seaworthy/store"
)

// alone is a system without an app around it, and a logger into it.
func alone(t *testing.T, o observe.Options) (*observe.System, *slog.Logger) {
	t.Helper()
	if o.Folder == "" {
		o.Folder = filepath.Join(t.TempDir(), "telemetry")
	}
	s := observe.New(o)
	t.Cleanup(func() { s.Close() })
	return s, slog.New(s.Handler(slog.DiscardHandler))
}

func lines(t *testing.T, s *observe.System, text string) []observe.Line {
	t.Helper()
	found, _, err := s.Lines(t.Context(), observe.Search{Level: slog.LevelDebug, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func segments(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "seg-*.db"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSegmentsAreCappedAndRetired(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, log := alone(t, observe.Options{Folder: folder, SegmentBytes: 256 << 10, MostBytes: 1 << 20})
	for i := range 60 {
		for range 10 {
			log.Info(fmt.Sprintf("line of round %d %s", i, strings.Repeat("x", 4000)))
		}
		s.Flush()
	}
	total := int64(0)
	for _, name := range segments(t, folder) {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st.Size() > 256<<10 {
			t.Errorf("%s has %d bytes", name, st.Size())
		}
		total += st.Size()
	}
	if total > 1<<20+256<<10 || len(segments(t, folder)) < 3 {
		t.Errorf("%d segments of %d bytes in all", len(segments(t, folder)), total)
	}
	if len(lines(t, s, "round 59")) != 10 || len(lines(t, s, "round 0 ")) != 0 {
		t.Error("the newest are gone, or the oldest still there")
	}
	if d := s.Dropped(); len(d) != 0 {
		t.Errorf("dropped %v", d)
	}
}

// Fault 9: the clock jumps back, and what came later still comes later.
func TestFault09ClockJumpsBack(t *testing.T) {
	t.Parallel()
	var ms atomic.Int64
	ms.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMilli())
	folder := t.TempDir()
	open := func() (*observe.System, *slog.Logger) {
		return alone(t, observe.Options{Folder: folder, Clock: func() time.Time { return time.UnixMilli(ms.Load()) }})
	}
	s, log := open()
	log.Info("first")
	s.Flush()
	ms.Add(-time.Hour.Milliseconds())
	log.Info("second")
	s.Capture(context.Background(), os.ErrClosed)
	s.Flush()
	s.Close()
	ms.Add(-time.Hour.Milliseconds()) // and over a restart
	s, log = open()
	log.Info("third")
	s.Flush()
	got := lines(t, s, "")
	if len(got) != 3 || got[0].Message != "third" || got[1].Message != "second" || got[2].Message != "first" || got[1].At.Before(got[2].At) {
		t.Errorf("the log reads %+v", got)
	}
	page, err := s.Issues(t.Context(), observe.IssueFilter{Limit: 5})
	if err != nil || len(page.Errors) != 1 || page.Errors[0].LastSeen.Before(page.Errors[0].FirstSeen) {
		t.Errorf("issues %+v, %v", page, err)
	}
}

// Fault 10: a disk that is nearly full drops segments and then keeps nothing; with room it goes on.
func TestFault10DiskNearlyFull(t *testing.T) {
	t.Parallel()
	var free atomic.Int64
	free.Store(100 << 30)
	folder := t.TempDir()
	s, log := alone(t, observe.Options{Folder: folder, SegmentBytes: 128 << 10, Disk: func(string) (int64, int64, error) { return free.Load(), 200 << 30, nil }})
	for i := range 60 {
		log.Info(fmt.Sprintf("before %d %s", i, strings.Repeat("x", 4000)))
		s.Flush()
	}
	if len(segments(t, folder)) < 2 {
		t.Fatal("there is one segment alone")
	}
	free.Store(1 << 30) // below the floor of 2 GB
	log.Info("meanwhile")
	s.Capture(context.Background(), os.ErrClosed)
	s.Flush()
	if n := len(segments(t, folder)); n != 0 {
		t.Errorf("%d segments still take room", n)
	}
	if n := s.Dropped()[observe.Drop{Class: "log", Reason: "disk_floor"}]; n != 1 {
		t.Errorf("dropped: %v", s.Dropped())
	}
	if s.Status().Problem == "" {
		t.Error("nobody is told")
	}
	free.Store(100 << 30)
	log.Info("afterwards")
	s.Flush()
	if p := s.Status().Problem; p != "" {
		t.Errorf("afterwards: %s", p)
	}
	if len(lines(t, s, "afterwards")) != 1 {
		t.Error("it does not go on once there is room")
	}
	page, err := s.Issues(t.Context(), observe.IssueFilter{Limit: 5})
	if err != nil || len(page.Errors) != 1 || page.Errors[0].N != 1 {
		t.Errorf("the error of meanwhile was not counted: %+v, %v", page, err)
	}
}

// Fault 11: SQLite finds no room in the middle of a batch; it is rolled back and written once more elsewhere.
func TestFault11NoRoomWithinABatch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, log := alone(t, observe.Options{Folder: folder, SegmentBytes: 256 << 10})
	for range 3 {
		for i := range 40 { // 160 kB: the second batch does not fit beside the first
			log.Info(fmt.Sprintf("batch %02d %s", i, strings.Repeat("x", 3900)))
		}
		s.Flush()
	}
	if got := lines(t, s, "batch 07"); len(got) != 3 {
		t.Errorf("%d of three batches are there whole", len(got))
	}
	if len(segments(t, folder)) < 2 || len(s.Dropped()) != 0 {
		t.Errorf("%d segments, dropped %v", len(segments(t, folder)), s.Dropped())
	}
}

// Fault 12: a file that is no database any more is set aside, and a new one begun.
func TestFault12CorruptFileIsSetAside(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"telemetry.db", "seg-000001.db"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(strings.Repeat("rotten ", 4000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, log := alone(t, observe.Options{Folder: folder})
	log.Info("hello")
	s.Capture(context.Background(), os.ErrClosed)
	s.Flush()
	if len(lines(t, s, "hello")) != 1 {
		t.Error("the log does not go on")
	}
	if page, err := s.Issues(t.Context(), observe.IssueFilter{Limit: 5}); err != nil || len(page.Errors) != 1 {
		t.Errorf("issues %+v, %v", page, err)
	}
	if aside, _ := filepath.Glob(filepath.Join(folder, "*.corrupt-*")); len(aside) != 2 {
		t.Errorf("set aside: %v", aside)
	}
}

// However many segments rot, one of them is kept aside: the disk must not fill up with them.
func TestFault12RottenSegmentsDoNotPileUp(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for i := range 3 {
		for _, path := range append(segments(t, folder), filepath.Join(folder, fmt.Sprintf("seg-%06d.db", i+1))) {
			if err := os.WriteFile(path, []byte(strings.Repeat("rotten ", 4000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, log := alone(t, observe.Options{Folder: folder})
		log.Info(fmt.Sprintf("line %d", i))
		s.Flush()
		s.Close()
	}
	if aside, _ := filepath.Glob(filepath.Join(folder, "*.corrupt-*")); len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
}

// Fault 13: another process holds the file. Nobody waits, what does not fit is counted,
// and the rest is written when it lets go.
func TestFault13LockedByAnother(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, log := alone(t, observe.Options{Folder: folder, BusyWait: 20 * time.Millisecond})
	log.Info("before")
	s.Flush()
	other, err := store.OpenSide(segments(t, folder)[0], store.SideOptions{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const said = 40_000
	err = other.Write(t.Context(), func(*store.Tx) error {
		for i := range said {
			log.Info("meanwhile", "i", i)
			if i%10_000 == 0 {
				s.Flush()
			}
		}
		log.Error("an error meanwhile")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	dropped := s.Dropped()[observe.Drop{Class: "log", Reason: "ring_full"}]
	if dropped == 0 {
		t.Fatal("nothing was dropped: the ring has no bound")
	}
	s.Flush()
	s.Flush()
	kept := int64(0)
	cursor := int64(0)
	for {
		found, older, err := s.Lines(t.Context(), observe.Search{Level: slog.LevelDebug, Text: "meanwhile", Before: cursor})
		if err != nil {
			t.Fatal(err)
		}
		kept += int64(len(found))
		if cursor = older; older == 0 {
			break
		}
	}
	if kept+dropped != said+1 {
		t.Errorf("of %d lines %d are kept and %d counted as dropped", said+1, kept, dropped)
	}
	if len(lines(t, s, "an error meanwhile")) != 1 {
		t.Error("the error went before the others")
	}
}

// Fault 14: a segment is deleted while it is open, and another while it is not.
func TestFault14SegmentsDeletedLive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, log := alone(t, observe.Options{Folder: folder, SegmentBytes: 128 << 10})
	for i := range 80 {
		log.Info(fmt.Sprintf("before %d %s", i, strings.Repeat("x", 4000)))
		s.Flush()
	}
	all := segments(t, folder)
	os.Remove(all[0])
	if got := lines(t, s, "before"); len(got) == 0 || len(got) >= 80 {
		t.Errorf("%d lines without the first segment", len(got))
	}
	os.Remove(all[len(all)-1])
	log.Info("after")
	s.Flush()
	if len(lines(t, s, "after")) != 1 {
		t.Error("the log does not go on in a new segment")
	}
	if len(s.Dropped()) != 0 {
		t.Errorf("dropped %v", s.Dropped())
	}
}
