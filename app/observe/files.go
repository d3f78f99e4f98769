package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/store"
)

// files are telemetry.db and the segments. Only a flush opens, rotates and deletes;
// pages read beside it.
type files struct {
	o       Options
	trouble atomic.Value // string: why nothing can be kept now, "" when it can

	mu     sync.RWMutex // of the following: readers hold it while they read
	main   *store.Side
	seg    *store.Side // that is written; nil until something is to be
	number int         // of seg, and of the last one made
	base   int64       // seq of what was kept before this process
	opened os.FileInfo // of seg, to notice that somebody deleted it
}

const segmentPrefix, segmentSuffix = "seg-", ".db"

// ready makes sure that there is room, and files to write to.
func (f *files) ready(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.main == nil || f.seg == nil {
		if err := os.MkdirAll(f.o.Folder, 0o700); err != nil {
			return fmt.Errorf("telemetry folder: %w", err)
		}
	}
	if err := f.makeRoom(); err != nil {
		return err
	}
	if f.main == nil {
		if _, err := f.openMain(now); err != nil {
			return err
		}
	}
	if f.seg != nil && f.goneOrGrown() {
		f.seal()
	}
	if f.seg == nil {
		return f.next(now)
	}
	return nil
}

func (f *files) mainPath() string { return filepath.Join(f.o.Folder, "telemetry.db") }

// mostMain bounds telemetry.db, in bytes.
const mostMain = 256 << 20

func (f *files) openMain(now time.Time) (main *store.Side, err error) {
	if main, err = f.open(f.mainPath(), mainSchema, mostMain, now); err == nil {
		f.main = main
	}
	return main, err
}

func (f *files) segmentPath(n int) string {
	return filepath.Join(f.o.Folder, fmt.Sprintf("%s%06d%s", segmentPrefix, n, segmentSuffix))
}

// open opens a file; one that is no sound database, or of a later version, is set aside and made anew.
func (f *files) open(path string, schema []string, most int64, now time.Time) (*store.Side, error) {
	o := store.SideOptions{Clock: f.o.Clock, MaxBytes: most, BusyWait: f.o.BusyWait, Schema: schema}
	side, err := store.OpenSide(path, o)
	if err == nil {
		if err = side.Check(context.Background()); err == nil {
			return side, nil
		}
		side.Close()
	}
	if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrNewer) {
		return nil, err
	}
	if err := quarantine(path, now); err != nil {
		return nil, err
	}
	return store.OpenSide(path, o)
}

// quarantine sets a file aside, with what SQLite put beside it. One is kept of each kind: a
// disk that rots must not fill up with what it rotted.
func quarantine(path string, now time.Time) error {
	kind := path
	if folder, name := filepath.Split(path); strings.HasPrefix(name, segmentPrefix) {
		kind = folder + segmentPrefix + "*" + segmentSuffix
	}
	old, _ := filepath.Glob(kind + ".corrupt-*")
	for _, o := range old {
		os.Remove(o)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	err := os.Rename(path, path+".corrupt-"+now.UTC().Format("20060102T150405"))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("set a corrupt file aside: %w", err)
	}
	return nil
}

// next opens the segment to write to: the last one there is when the process starts, else a new one.
func (f *files) next(now time.Time) error {
	numbers := f.numbers()
	first := f.number == 0
	if len(numbers) > 0 {
		f.number = max(f.number, numbers[len(numbers)-1])
	}
	if !first || f.number == 0 {
		f.number++
	}
	path := f.segmentPath(f.number)
	seg, err := f.open(path, segmentSchema, f.o.SegmentBytes, now)
	if err != nil {
		return err
	}
	if first {
		if f.base, err = f.lastSeq(seg, numbers); err != nil {
			seg.Close()
			return err
		}
	}
	f.seg = seg
	f.opened, err = os.Stat(path)
	return err
}

// lastSeq is the highest number of what is kept: that of the newest segment that has any.
func (f *files) lastSeq(seg *store.Side, numbers []int) (seq int64, err error) {
	if seq, err = highest(seg); err != nil || seq > 0 {
		return seq, err
	}
	for _, n := range slices.Backward(numbers) {
		old, err := store.OpenSide(f.segmentPath(n), store.SideOptions{Existing: true, BusyWait: f.o.BusyWait})
		if err != nil {
			continue // unreadable: what it held is not counted on
		}
		seq, err := highest(old)
		old.Close()
		if err == nil && seq > 0 {
			return seq, nil
		}
	}
	return 0, nil
}

func highest(side *store.Side) (seq int64, err error) {
	err = side.Read(context.Background(), func(tx *store.Tx) error {
		var events int64
		if err := tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM observe_log`).Scan(&seq); err != nil {
			return err
		}
		if err := tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM observe_event`).Scan(&events); err != nil {
			return err
		}
		seq = max(seq, events)
		if known, err := hasTraces(tx); err != nil || !known {
			return err // a segment of an earlier release, which is not written any more
		}
		var spans, traces, slow int64
		err := errors.Join(tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM observe_span`).Scan(&spans),
			tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM observe_trace`).Scan(&traces),
			tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM observe_slow`).Scan(&slow))
		seq = max(seq, spans, traces, slow)
		return err
	})
	return seq, err
}

// numbers are the segments there are, the oldest first.
func (f *files) numbers() (all []int) {
	names, _ := filepath.Glob(filepath.Join(f.o.Folder, segmentPrefix+"*"+segmentSuffix))
	for _, name := range names {
		digits := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), segmentPrefix), segmentSuffix)
		if n, err := strconv.Atoi(digits); err == nil && n > 0 {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// goneOrGrown reports whether the segment was deleted under us, or is nearly as large as it may be.
func (f *files) goneOrGrown() bool {
	now, err := os.Stat(f.seg.Path())
	return err != nil || !os.SameFile(now, f.opened) || now.Size() >= f.o.SegmentBytes*9/10
}

// seal closes the segment; the next is made when something is written.
func (f *files) seal() {
	f.seg.Close()
	f.seg = nil
}

// usable reports whether the files are open.
func (f *files) usable() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.main != nil && f.seg != nil
}

// failed closes what cannot be written any more, so that it is opened anew.
func (f *files) failed(err error) {
	if errors.Is(err, store.ErrBusy) || errors.Is(err, errNoRoom) {
		return
	}
	f.close()
}

func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, side := range []**store.Side{&f.seg, &f.main} {
		if *side != nil {
			errs = append(errs, (*side).Close())
			*side = nil
		}
	}
	return errors.Join(errs...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
