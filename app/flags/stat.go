package flags

import (
	"context"
	"log/slog"
	"time"

	"seaworthy/store"
)

// Stat is how often a flag gave a variant in an hour or a day.
type Stat struct {
	At      time.Time
	Variant string // "" for an answer without one
	N       int64
}

// How long counts are kept.
const (
	keepHours = 14 * 24 * time.Hour
	keepDays  = 400 * 24 * time.Hour
)

// grains are the lengths that are counted by.
var grains = []struct {
	name   string
	length time.Duration
}{{"hour", time.Hour}, {"day", 24 * time.Hour}}

// StatsOf are a flag's counts since a time, by "hour" or "day".
func StatsOf(tx *store.Tx, key, grain string, since time.Time, limit int) ([]Stat, error) {
	return store.All(tx, func(r store.Scanner) (st Stat, err error) {
		var t int64
		err = r.Scan(&t, &st.Variant, &st.N)
		st.At = at(t)
		return st, err
	}, `SELECT at, variant, n FROM flags_stat WHERE key = ? AND grain = ? AND at >= ? ORDER BY at, variant LIMIT ?`, key, grain, since.UnixMilli(), limit)
}

// maxFlush bounds the counts that one transaction stores.
const maxFlush = 500

// StoreCounts stores evaluations that were counted in memory.
func (s *System) StoreCounts(ctx context.Context, all []Count) error {
	for len(all) > 0 {
		part := all[:min(len(all), maxFlush)]
		all = all[len(part):]
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return addCounts(tx, part) }); err != nil {
			return err
		}
	}
	return nil
}

func addCounts(tx *store.Tx, all []Count) error {
	variants := map[string]string{} // of each flag; "" for several
	for _, c := range all {
		for _, g := range grains {
			if _, err := tx.Exec(`INSERT INTO flags_stat (key, grain, at, variant, n) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (key, grain, at, variant) DO UPDATE SET n = flags_stat.n + excluded.n`, c.Key, g.name, tx.Now().Truncate(g.length).UnixMilli(), c.Variant, c.N); err != nil {
				return err
			}
		}
		if was, twice := variants[c.Key]; twice && was != c.Variant {
			variants[c.Key] = ""
		} else if !twice {
			variants[c.Key] = c.Variant
		}
	}
	for key, variant := range variants {
		if err := setUse(tx, key, variant); err != nil {
			return err
		}
	}
	return nil
}

// setUse notes that a flag was evaluated now. Since when it has served one variant
// alone stays while that goes on.
func setUse(tx *store.Tx, key, variant string) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO flags_use (key, last_at, variant, variant_since) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at, variant = excluded.variant,
			variant_since = CASE WHEN flags_use.variant = excluded.variant THEN flags_use.variant_since ELSE excluded.variant_since END`, key, now, variant, now)
	return err
}

// maxPurge bounds the counts that one transaction removes.
const maxPurge = 2000

// Purge removes counts that are old.
func (s *System) Purge(ctx context.Context) error {
	for _, g := range grains {
		keep := keepHours
		if g.name == "day" {
			keep = keepDays
		}
		for n := int64(maxPurge); n == maxPurge; {
			var err error
			n, err = store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
				return tx.Exec(`DELETE FROM flags_stat WHERE (key, grain, at, variant) IN (SELECT key, grain, at, variant FROM flags_stat WHERE grain = ? AND at < ? ORDER BY at LIMIT ?)`,
					g.name, tx.Now().Add(-keep).UnixMilli(), maxPurge)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Count is how often a flag gave a variant since it was last asked.
type Count struct {
	Key, Variant string // no Variant: an answer without one
	N            int64
}

// flush stores what was counted. What cannot be stored is lost: counts are no
// promise.
func (s *System) flush(ctx context.Context) {
	if err := s.StoreCounts(ctx, s.counts.drain()); err != nil {
		s.Log.Warn("counts of flags are lost", slog.Any("err", err))
	}
}
