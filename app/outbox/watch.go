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

// ladder is when to look after an event: the event of a write comes before the
// commit can be seen (spec/jobs.md section 2).
var ladder = []time.Duration{500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond,
	8 * time.Millisecond, 16 * time.Millisecond, 32 * time.Millisecond}

// watch follows one file, in one goroutine.
type watch struct {
	File
	db      *store.DB
	audit   *audit.Log
	log     *slog.Logger
	enqueue Enqueue
	status  status

	shape   *shape           // nil: no table, or one that cannot be relayed
	pending []found          // are jobs, and could not be removed yet
	aside   map[int64]string // bad rows of the last pass, by rowid: what was wrong

	relayed func(int) // for tests: n rows are jobs and still in the file
	looked  func()    // for tests: the file is about to be looked at
	poll    bool      // for tests: without events
}

func newWatch(d Deps, f File) *watch {
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
		w.pending, w.aside = nil, nil
		return identity
	}
	state, problem := explain(err)
	if w.status.set(w.db.Now(), state, problem) && state == Failed {
		w.log.Warn("the outbox cannot be relayed", "path", w.Path, "problem", problem)
	}
	switch {
	case state == NoFile:
		w.pending, w.aside = nil, nil
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
	rung, checked := len(ladder), time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.looked()
		v, err := f.version()
		if err != nil {
			return err
		}
		if v != version {
			version = v
			if err := w.look(ctx, f, &schema); err != nil || ctx.Err() != nil {
				return err
			}
		}
		wait := every
		if rung < len(ladder) {
			wait = ladder[rung]
			rung++
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-events:
			rung = 0
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
	return w.pass(ctx, f)
}
