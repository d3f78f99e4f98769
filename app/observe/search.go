package observe

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"seaworthy/store"
)

// Search narrows a search of the log. Empty fields narrow nothing.
type Search struct {
	Level   slog.Level // and worse
	Text    string     // somewhere in the message or the attributes
	Request string
	User    string
	Job     string
	Before  int64 // the lines older than this one; 0: from the newest
	Limit   int   // most lines; 200 if 0
}

// mostHits is where a search stops, searchTime how long it may take.
const (
	mostHits   = 200
	searchTime = 1500 * time.Millisecond
)

// Lines searches the newest segments first. older is where to go on, 0 when everything
// was looked at. Segments that are deleted meanwhile are expired, no fault.
func (s *System) Lines(ctx context.Context, q Search) (found []Line, older int64, err error) {
	if q.Limit <= 0 || q.Limit > mostHits {
		q.Limit = mostHits
	}
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	start := time.Now()
	err = s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		lines, err := searchLines(tx, q, q.Limit+1-len(found))
		if err != nil {
			return false, err
		}
		found = append(found, lines...)
		if len(found) > q.Limit {
			found = found[:q.Limit]
			older = found[q.Limit-1].Seq
			return false, nil
		}
		if time.Since(start) > searchTime {
			err := tx.QueryRow(`SELECT coalesce(min(seq), 0) FROM observe_log`).Scan(&older)
			return older == 0, err // a segment without lines says nothing of where to go on
		}
		return true, nil
	})
	return found, older, err
}

func searchLines(tx *store.Tx, q Search, limit int) ([]Line, error) {
	like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text) + "%"
	return store.All(tx, scanLine, `SELECT seq, at, level, msg, request, trace, user_id, org, job, attrs FROM observe_log
		WHERE seq < ? AND level >= ? AND (? = '' OR request = ?) AND (? = '' OR user_id = ?) AND (? = '' OR job = ?)
		AND (? = '%%' OR msg LIKE ? ESCAPE '\' OR attrs LIKE ? ESCAPE '\') ORDER BY seq DESC LIMIT ?`,
		q.Before, int(q.Level), q.Request, q.Request, q.User, q.User, q.Job, q.Job, like, like, like, limit)
}

func scanLine(r store.Scanner) (l Line, err error) {
	var ms int64
	var level int
	var attrs string
	err = r.Scan(&l.Seq, &ms, &level, &l.Message, &l.Request, &l.Trace, &l.User, &l.Org, &l.Job, &attrs)
	l.At, l.Level = at(ms), slog.Level(level)
	if attrs != "" {
		l.Attrs = []byte(attrs)
	}
	return l, err
}

// each reads the segments, the newest first, until fn says that it has enough.
func (f *files) each(ctx context.Context, fn func(*store.Tx) (more bool, err error)) error {
	f.mu.RLock()
	current, number := f.seg, f.number
	f.mu.RUnlock()
	for _, n := range slices.Backward(f.numbers()) {
		if err := ctx.Err(); err != nil {
			return err
		}
		more := true
		read := func(tx *store.Tx) (err error) {
			more, err = fn(tx)
			return err
		}
		var err error
		if n == number && current != nil {
			err = current.Read(ctx, read)
		}
		if n != number || current == nil || errors.Is(err, store.ErrClosed) { // it was sealed meanwhile
			err = f.readSealed(ctx, n, read)
		}
		// One segment that is gone or rotten must not hide the others.
		if err != nil && !errors.Is(err, store.ErrReadOnly) && !errors.Is(err, store.ErrCorrupt) {
			return err
		}
		if !more {
			return nil
		}
	}
	return nil
}

func (f *files) readSealed(ctx context.Context, n int, read func(*store.Tx) error) error {
	old, err := store.OpenSide(f.segmentPath(n), store.SideOptions{Existing: true, Readers: 1})
	if err != nil {
		return err
	}
	defer old.Close()
	return old.Read(ctx, read)
}

// issues reads telemetry.db; without one there is nothing yet, and fn is not called.
func (s *System) issues(ctx context.Context, fn func(*store.Tx) error) error {
	main, err := s.files.mainFile(s.now())
	if err != nil || main == nil {
		return err
	}
	return main.Read(ctx, fn)
}

// mainFile opens telemetry.db if it exists.
func (f *files) mainFile(now time.Time) (*store.Side, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.main != nil {
		return f.main, nil
	}
	if !exists(f.mainPath()) {
		return nil, nil
	}
	return f.openMain(now)
}
