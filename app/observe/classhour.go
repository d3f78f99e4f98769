package observe

import (
	"context"
	"errors"
	"time"

	"seaworthy/store"
)

// Beside the series stands, for each hour, what all of a class come to, so that the console's home reads
// a row an hour and class, however many routes there are.
const (
	classHours = len(resolutions) // stands where resolutions stand in the table
	keepHours  = 15 * 24 * time.Hour
	mostHours  = 2000 // hours and classes that are read
)

// addClasses adds to what is stored of each class.
func addClasses(tx *store.Tx, slot time.Time, all map[Series]*Figures) error {
	sums, ts := map[Class]*Figures{}, slot.Truncate(time.Hour).UnixMilli()
	for series, f := range all {
		if sums[series.Class] == nil {
			sums[series.Class] = &Figures{}
		}
		sums[series.Class].Add(f)
	}
	for class, sum := range sums {
		before, err := figuresAt(tx, classHours, ts, string(class))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if old, bad := decodeFigures(before); err == nil && bad == nil {
			sum.Add(&old)
		}
		if err := putFigures(tx, classHours, ts, string(class), sum.encode()); err != nil {
			return err
		}
	}
	return nil
}

func dropClasses(tx *store.Tx, now time.Time, part time.Duration) error {
	_, err := tx.Exec(`DELETE FROM observe_metric WHERE res = ? AND ts < ?`, classHours, now.Add(-keepHours/part).UnixMilli())
	return err
}

// Hours calls fn with what all series of a class came to in each hour since a time: what is stored,
// in order, then what is not yet. It is kept for fifteen days.
func (s *System) Hours(ctx context.Context, since time.Time, fn func(at time.Time, class Class, f *Figures)) error {
	s.red.mu.RLock()
	defer s.red.mu.RUnlock()
	err := s.issues(ctx, func(tx *store.Tx) error {
		rows, err := store.All(tx, func(r store.Scanner) (m metricRow, err error) {
			return m, r.Scan(&m.ts, &m.series, &m.blob)
		}, `SELECT ts, series, blob FROM observe_metric WHERE res = ? AND ts >= ? ORDER BY ts, series LIMIT ?`, classHours, since.UTC().Truncate(time.Hour).UnixMilli(), mostHours)
		for _, m := range rows {
			if f, err := decodeFigures(m.blob); err == nil {
				fn(time.UnixMilli(m.ts).UTC(), Class(m.series), &f)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	now := s.now().UTC().Truncate(time.Hour)
	for _, all := range []map[Series]*Figures{s.red.held, s.red.counters.read(false)} {
		for series, f := range all {
			fn(now, series.Class, f)
		}
	}
	return nil
}
