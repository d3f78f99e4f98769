package observe

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"seaworthy/store"
)

// resolution is how fine history is, and for how long.
type resolution struct{ step, keep time.Duration }

var resolutions = [...]resolution{
	{10 * time.Second, 2 * time.Hour},
	{time.Minute, 72 * time.Hour},
	{15 * time.Minute, 90 * 24 * time.Hour},
	{24 * time.Hour, 2 * 365 * 24 * time.Hour},
}

// mostPoints bounds what a question about history reads.
const mostPoints = 720

// red holds what was counted and is not stored yet.
type red struct {
	counters counters
	mu       sync.RWMutex        // readers hold it, so that nothing is missing or counted twice on its way to the file
	slot     time.Time           // begin of the ten seconds that are counted
	held     map[Series]*Figures // drained, not stored: the file could not be written
}

// due reports whether the ten seconds are over, and anything has ever been counted: an idle
// process opens no file.
func (r *red) due(now time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if now.Sub(r.slot) < resolutions[0].step {
		return false
	}
	if len(r.held) > 0 {
		return true
	}
	r.counters.making.Lock()
	defer r.counters.making.Unlock()
	return len(r.counters.number) > 0
}

// keepFigures stores what was counted, under the time at which it began to be counted. What cannot
// be stored waits and is stored with what comes next: counts are never lost to a lock.
func (s *System) keepFigures(main *store.Side) {
	now, r := s.now(), &s.red
	r.mu.Lock()
	defer r.mu.Unlock()
	for series, f := range r.counters.read(true) {
		if r.held[series] == nil {
			r.held[series] = f
		} else {
			r.held[series].Add(f)
		}
	}
	slot := r.slot
	r.slot = now.Truncate(resolutions[0].step)
	if len(r.held) == 0 {
		return
	}
	err := main.Write(context.Background(), func(tx *store.Tx) error { return addFigures(tx, slot, r.held) })
	if errors.Is(err, store.ErrFull) { // less of the past, for what is now
		err = main.Write(context.Background(), func(tx *store.Tx) error { return dropFigures(tx, now, 3) })
	} else if err == nil {
		r.held = map[Series]*Figures{}
	}
	if err != nil && !errors.Is(err, store.ErrBusy) {
		s.own.Warn("figures of requests cannot be stored", "err", err)
	}
}

// addFigures adds to what is stored at each resolution.
func addFigures(tx *store.Tx, slot time.Time, all map[Series]*Figures) error {
	for series, f := range all {
		name := string(series.Class) + " " + series.Name
		for res, r := range resolutions {
			sum, ts := *f, slot.Truncate(r.step).UnixMilli()
			before, err := figuresAt(tx, res, ts, name)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if old, bad := decodeFigures(before); err == nil && bad == nil {
				sum.Add(&old)
			}
			if err := putFigures(tx, res, ts, name, sum.encode()); err != nil {
				return err
			}
		}
	}
	return addClasses(tx, slot, all)
}

// dropFigures deletes what is older than it is kept, or than a part of that.
func dropFigures(tx *store.Tx, now time.Time, part time.Duration) error {
	for res, r := range resolutions {
		if _, err := tx.Exec(`DELETE FROM observe_metric WHERE res = ? AND ts < ?`, res, now.Add(-r.keep/part).UnixMilli()); err != nil {
			return err
		}
	}
	return dropClasses(tx, now, part)
}

func figuresAt(tx *store.Tx, res int, ts int64, series string) (blob []byte, err error) {
	err = tx.QueryRow(`SELECT blob FROM observe_metric WHERE res = ? AND ts = ? AND series = ?`, res, ts, series).Scan(&blob)
	return blob, err
}

func putFigures(tx *store.Tx, res int, ts int64, series string, blob []byte) error {
	_, err := tx.Exec(`INSERT INTO observe_metric (res, ts, series, blob) VALUES (?, ?, ?, ?) ON CONFLICT (res, ts, series) DO UPDATE SET blob = excluded.blob`, res, ts, series, blob)
	return err
}

type metricRow struct {
	ts     int64
	series string
	blob   []byte
}

// figuresOf reads a page of what is stored from one time on, after a row.
func figuresOf(tx *store.Tx, res int, last metricRow, until int64) ([]metricRow, error) {
	return store.All(tx, func(r store.Scanner) (m metricRow, err error) {
		err = r.Scan(&m.ts, &m.series, &m.blob)
		return m, err
	}, `SELECT ts, series, blob FROM observe_metric WHERE res = ? AND (ts, series) > (?, ?) AND ts < ? ORDER BY ts, series LIMIT 2000`, res, last.ts, last.series, until)
}

// fitting is the finest resolution that is kept for as long and has no more than mostPoints.
func fitting(span time.Duration) int {
	for i, r := range resolutions {
		if span <= r.keep && span/r.step <= mostPoints {
			return i
		}
	}
	return len(resolutions) - 1
}

// History calls fn with what was counted in the time that ends now, by step: what is stored,
// in order, then what is not yet. The step returned is the length of each.
func (s *System) History(ctx context.Context, span time.Duration, fn func(at time.Time, series Series, f *Figures)) (step time.Duration, err error) {
	now, res := s.now(), fitting(span)
	step = resolutions[res].step
	from := now.Add(-span).Truncate(step)
	s.red.mu.RLock()
	defer s.red.mu.RUnlock()
	err = s.issues(ctx, func(tx *store.Tx) error {
		last := metricRow{ts: from.UnixMilli()}
		for {
			rows, err := figuresOf(tx, res, last, now.UnixMilli()+1)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, m := range rows {
				class, name, _ := strings.Cut(m.series, " ")
				if f, err := decodeFigures(m.blob); err == nil {
					fn(time.UnixMilli(m.ts).UTC(), Series{Class(class), name}, &f)
				}
			}
			last = rows[len(rows)-1]
		}
	})
	if err != nil {
		return step, err
	}
	for _, all := range []map[Series]*Figures{s.red.held, s.red.counters.read(false)} {
		for series, f := range all {
			fn(now.Truncate(step), series, f)
		}
	}
	return step, nil
}
