package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

const (
	maxBatch      = 200     // rows in one transaction
	maxBatchBytes = 1 << 20 // of args in one
	// breath is left between two batches for the app, whose commits wait for ours.
	breath   = 2 * time.Millisecond
	countTo  = 10_000
	countBad = 1_000
)

// pass relays every row that is in the table now, or that came after those that
// are only waiting to be removed. A bad row is passed over.
func (w *watch) pass(ctx context.Context, f *file) error {
	var after *int64
	aside := map[int64]string{}
	if !w.taken.empty() {
		after, aside = &w.taken.last, w.aside
	}
	for first := true; ctx.Err() == nil; first = false {
		rows, more, err := f.read(w.shape, after, maxBatch)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		if first {
			if err := w.tell(f, len(rows), more); err != nil {
				return err
			}
		}
		done, faults, err := w.commit(ctx, rows)
		if err != nil {
			return err
		}
		w.status.relayed(w.db.Now(), len(done))
		w.relayed(len(done))
		w.taken.add(rows, done, w.setAside(rows, faults, aside))
		last := rows[len(rows)-1].rowid
		after = &last
		if more || w.taken.full() {
			if err := w.remove(f, true); err != nil {
				return err
			}
			w.well()
			pause(ctx, breath)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	w.aside = aside
	w.status.waits(w.db.Now(), 0)
	if w.taken.empty() || time.Since(w.taken.since) < lockedFor {
		w.well()
	}
	return w.countBad(f)
}

// well notes that rows go their way.
func (w *watch) well() {
	if w.status.set(w.db.Now(), Watching, "") {
		w.log.Info("the outbox is watched", "path", w.Path)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tell notes how much waits: exactly if it is little, counted once if it is much.
func (w *watch) tell(f *file, n int, more bool) (err error) {
	if more {
		if n, err = f.countUpTo(w.shape, countTo); err != nil {
			return err
		}
	}
	w.status.waits(w.db.Now(), n)
	return nil
}

// commit makes jobs of the rows in one transaction and returns those that are
// jobs now, and what is wrong with the others, by rowid.
func (w *watch) commit(ctx context.Context, rows []found) ([]found, map[int64]error, error) {
	faults := map[int64]error{}
	var good []found
	var parsed []Row
	for _, r := range rows {
		row, err := r.v.parse()
		if err != nil {
			faults[r.rowid] = err
			continue
		}
		good, parsed = append(good, r), append(parsed, row)
	}
	if len(good) == 0 {
		return nil, faults, nil
	}
	refused, err := w.write(ctx, parsed)
	if err != nil && !passing(ctx, err) {
		// One of them cannot be written and takes the others with it.
		refused, err = w.writeAlone(ctx, parsed)
	}
	if err != nil {
		return nil, nil, &storeError{err}
	}
	var done []found
	for i, r := range good {
		if refused[i] != nil {
			faults[r.rowid] = refused[i]
		} else {
			done = append(done, r)
		}
	}
	return done, faults, nil
}

// write enqueues all rows in one transaction and returns what is wrong with
// those that can never be jobs, by index.
func (w *watch) write(ctx context.Context, rows []Row) (refused map[int]error, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *store.PanicError:
			w.log.Error("panic while a row was made a job", "panic", p.Value, "stack", string(p.Stack))
			err = p
		default:
			panic(p)
		}
	}()
	return store.Write(ctx, w.db, func(tx *store.Tx) (map[int]error, error) {
		refused, jobs := map[int]error{}, 0
		for i, row := range rows {
			var fault *RowError
			switch added, err := w.enqueue(tx, w.source(), row); {
			case errors.As(err, &fault):
				refused[i] = fault
			case err != nil:
				return nil, err
			case added:
				jobs++
			}
		}
		if jobs == 0 {
			return refused, nil
		}
		return refused, w.audit.Record(tx, audit.Event{Action: actRelayed, Actor: audit.Ref{Type: "system", ID: "outbox"},
			Targets: []audit.Ref{{Type: "outbox", ID: w.Name}}, Details: map[string]any{"jobs": jobs}})
	})
}

// passing reports whether an error says nothing about the rows.
func passing(ctx context.Context, err error) bool {
	return store.Retryable(err) || ctx.Err() != nil || errors.As(err, new(*HoldError))
}

// writeAlone gives each row a transaction of its own, so that the ones that
// cannot be written are found.
func (w *watch) writeAlone(ctx context.Context, rows []Row) (map[int]error, error) {
	refused := map[int]error{}
	for i, row := range rows {
		one, err := w.write(ctx, []Row{row})
		switch {
		case err == nil && one[0] != nil:
			refused[i] = one[0]
		case err != nil && passing(ctx, err):
			return nil, err
		case err != nil:
			w.log.Error("a row could not be made a job", "id", row.ID, "err", err)
			refused[i] = fmt.Errorf("could not be made a job: %w", err)
		}
	}
	return refused, nil
}

// setAside keeps bad rows in mind, tells of those that are new, and returns what
// to mark them with.
func (w *watch) setAside(rows []found, faults map[int64]error, aside map[int64]string) []mark {
	var marks []mark
	for _, r := range rows {
		fault, isBad := faults[r.rowid]
		if !isBad {
			continue
		}
		id, _ := r.v[0].(string)
		reason := fault.Error()
		if w.shape.has["error"] {
			marks = append(marks, mark{r, reason})
		}
		aside[r.rowid] = id + "\x00" + reason
		if w.aside[r.rowid] == aside[r.rowid] {
			continue
		}
		w.log.Warn("a row of the outbox cannot be a job and stays where it is", "id", id, "reason", reason)
		w.status.found(BadRow{ID: id, Reason: reason, Found: w.db.Now()})
	}
	return marks
}

// countBad counts the rows that cannot be jobs.
func (w *watch) countBad(f *file) error {
	n, err := len(w.aside), error(nil)
	if w.shape.has["error"] {
		n, err = f.countMarked(countBad)
		n = max(n, len(w.aside))
	}
	if err == nil {
		w.status.bad(n)
	}
	return err
}

// storeError is a failure on our side, which says nothing about the app's file.
type storeError struct{ err error }

func (e *storeError) Error() string { return "jobs cannot be stored: " + e.err.Error() }
