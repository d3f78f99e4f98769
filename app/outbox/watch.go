package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

const (
	safetyPoll = 250 * time.Millisecond // beside events of the folder
	fastPoll   = 5 * time.Millisecond   // without them
	identity   = 50 * time.Millisecond  // at most so often is looked which file is there
)

// After an event the file is looked at again and again, an eighth of the time later
// that has gone by, because the event of a write comes before the commit can be
// seen: by the time that the app's fsync takes.
const (
	firstRung = 500 * time.Microsecond
	lastRung  = 250 * time.Millisecond
)

// nextLook is how long to wait when the last event is so long ago.
func nextLook(ago, every time.Duration) time.Duration {
	if ago >= lastRung {
		return every
	}
	return min(max(ago/8, firstRung), every)
}

// watch follows one file, in one goroutine.
type watch struct {
	File
	db      *store.DB
	audit   *audit.Log
	log     *slog.Logger
	enqueue Enqueue
	status  status

	shape *shape // nil: no table, or one that cannot be relayed
	taken taken
	aside map[int64]string // bad rows of the last pass, by rowid: what was wrong

	absent bool // there was no file when it was last looked for

	relayed func(int) // for tests: n rows are jobs and still in the file
	looked  func()    // for tests: the file is about to be looked at
	poll    bool      // for tests: without events
}

func newWatch(d Deps, f File) *watch {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	w := &watch{File: f, db: d.DB, audit: d.Audit, log: d.Log.With("outbox", f.Name), enqueue: d.Enqueue, relayed: func(int) {}, looked: func() {}}
	w.status.s = FileStatus{Name: f.Name, Path: f.Path, State: NoFile, Since: d.DB.Now()}
	return w
}

// source is the first half of the idempotency key of the file's rows.
func (w *watch) source() string { return "outbox:" + w.Name }

// run follows the file until ctx ends. Whatever goes wrong with it, it is closed
// and opened again.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.session(ctx)
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(w.failed(err))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// failed notes what ended a session, and returns how long to wait before the next.
func (w *watch) failed(err error) time.Duration {
	if errors.Is(err, errReplaced) || codeOf(err) == codeMoved {
		w.log.Info("the file was replaced and is opened anew", "path", w.Path)
		w.taken, w.aside = taken{}, nil
		return identity
	}
	state, problem := explain(err)
	if w.status.set(w.db.Now(), state, problem) && state == Failed {
		w.log.Warn("the outbox cannot be relayed", "path", w.Path, "problem", problem)
	}
	switch {
	case state == NoFile:
		w.taken, w.aside, w.absent = taken{}, nil, true
		w.status.waits(w.db.Now(), 0)
		return safetyPoll
	case state == Locked:
		return 100 * time.Millisecond
	case errors.As(err, new(*storeError)):
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}

// session opens the file and follows it until something is wrong.
func (w *watch) session(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.log.Error("panic in the outbox", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err := w.newcomer(ctx); err != nil {
		return err
	}
	f, err := openFile(w.Path, w.db.Path())
	if err != nil {
		return err
	}
	defer f.close()
	events, err := w.events(f)
	if err != nil {
		w.log.Warn("changes of the folder are not told, so the file is looked at every 5 ms", "path", w.Path, "err", err)
	}
	w.status.polling(events == nil)
	if events == nil {
		return w.follow(ctx, f, nil, fastPoll)
	}
	defer events.close()
	return w.follow(ctx, f, events.C, safetyPoll)
}

// newborn is for how long a file that appears is left alone. The app is making it:
// a change to WAL needs the file for itself, and fails at once if it is not alone.
const newborn = time.Second

// newcomer waits until a file that was not there before may be opened.
func (w *watch) newcomer(ctx context.Context) error {
	if !w.absent {
		return nil
	}
	if _, _, err := locate(w.Path); err != nil {
		return err
	}
	timer := time.NewTimer(newborn)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	}
	w.absent = false
	return nil
}

func (w *watch) events(f *file) (*notifier, error) {
	if w.poll {
		return nil, nil
	}
	n, err := notify(filepath.Dir(f.real), filepath.Base(f.real))
	if err != nil {
		return nil, err
	}
	return n, nil
}

// follow looks at the file whenever another process has committed to it.
func (w *watch) follow(ctx context.Context, f *file, events <-chan struct{}, every time.Duration) error {
	var version, schema int64 = -1, -1
	checked, event := time.Now(), time.Now().Add(-lastRung)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.looked()
		v, err := f.version()
		if err != nil {
			return err
		}
		quiet := v == version
		if !quiet {
			version = v
			if err := w.look(ctx, f, &schema); err != nil || ctx.Err() != nil {
				return err
			}
		}
		if w.shape != nil {
			again, err := w.settle(f, quiet)
			if err == nil && again {
				err = w.pass(ctx, f)
			}
			if err != nil {
				return err
			}
		}
		timer.Reset(nextLook(time.Since(event), every))
		select {
		case <-ctx.Done():
			return nil
		case <-events:
			event = time.Now()
		case <-timer.C:
		}
		if time.Since(checked) >= identity {
			checked = time.Now()
			if err := f.still(); err != nil {
				return err
			}
		}
	}
}

// look relays what is in the table, if there is one of the right shape.
func (w *watch) look(ctx context.Context, f *file, schema *int64) error {
	first := *schema == -1
	s, err := f.schema()
	if err != nil {
		return err
	}
	if s != *schema {
		var wrong *ShapeError
		switch w.shape, err = f.inspect(); {
		case errors.As(err, &wrong):
			if w.status.set(w.db.Now(), Failed, wrong.Error()) {
				w.log.Warn("the outbox cannot be relayed", "path", w.Path, "problem", wrong.Error())
			}
		case err != nil:
			return err
		case w.shape == nil:
			w.status.set(w.db.Now(), NoTable, "")
		}
		*schema = s
	}
	if w.shape == nil {
		return nil
	}
	if first {
		// What a session before could not remove goes before anything is taken.
		if err := w.remove(f, true); err != nil {
			return err
		}
	}
	return w.pass(ctx, f)
}
