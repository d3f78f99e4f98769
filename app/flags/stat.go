package flags

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"seaworthy/app/flags/rule"
	"seaworthy/store"
)

// Stat is how often a flag gave a variant in an hour or a day.
type Stat struct {
	At      time.Time
	Variant string // "" for an answer without one
	N       int64
	Bulk    bool // handed out with all flags, not asked for by its key
}

// How long counts are kept.
const (
	keepHours = 14 * 24 * time.Hour
	keepDays  = 400 * 24 * time.Hour
)

// grains are the lengths that are counted by, and under which name: what was handed
// out with all flags stands apart.
var grains = []struct {
	name, bulk   string
	length, keep time.Duration
}{{"hour", "hour_all", time.Hour, keepHours}, {"day", "day_all", 24 * time.Hour, keepDays}}

// StatsOf are a flag's counts since a time, by "hour" or "day", in the order of time.
func StatsOf(tx *store.Tx, key, grain string, since time.Time, limit int) (all []Stat, err error) {
	for _, g := range grains {
		if g.name != grain {
			continue
		}
		asked, err := statsOf(tx, key, g.name, false, since, limit)
		if err != nil {
			return nil, err
		}
		bulk, err := statsOf(tx, key, g.bulk, true, since, limit)
		if err != nil {
			return nil, err
		}
		all = append(asked, bulk...)
	}
	slices.SortStableFunc(all, func(a, b Stat) int { return a.At.Compare(b.At) })
	return all[:min(len(all), limit)], nil
}

func statsOf(tx *store.Tx, key, grain string, bulk bool, since time.Time, limit int) ([]Stat, error) {
	return store.All(tx, func(r store.Scanner) (st Stat, err error) {
		var t int64
		err = r.Scan(&t, &st.Variant, &st.N)
		st.At, st.Bulk = at(t), bulk
		return st, err
	}, `SELECT at, variant, n FROM flags_stat WHERE key = ? AND grain = ? AND at >= ? ORDER BY at, variant LIMIT ?`, key, grain, since.UnixMilli(), limit)
}

// maxFlush bounds the counts that one transaction stores.
const maxFlush = 500

// Count is how often a flag gave a variant since it was last asked.
type Count struct {
	Key, Variant string // no Variant: an answer without one
	N            int64
	Bulk         bool // handed out with all flags, not asked for by its key
}

// StoreCounts stores evaluations that were counted in memory.
func (s *System) StoreCounts(ctx context.Context, all []Count) error {
	set := s.Snapshot()
	for len(all) > 0 {
		part := all[:min(len(all), maxFlush)]
		all = all[len(part):]
		use := usesOf(set, part)
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return addCounts(tx, part, use) }); err != nil {
			return err
		}
	}
	return nil
}

// usesOf are the variants of flags that are in use; "" for several. Whoever asks for
// one by its key uses it. All flags at once is how browsers ask, so that one that is
// meant for them is in use when it is handed out; of one for servers it says only
// that it is there, and a flag that is left over must not look as if it were used.
func usesOf(set *rule.Set, all []Count) map[string]string {
	use := map[string]string{}
	for _, c := range all {
		if f := set.Flag(c.Key); c.Bulk && (f == nil || !f.Client) {
			continue
		}
		if was, twice := use[c.Key]; twice && was != c.Variant {
			use[c.Key] = ""
		} else if !twice {
			use[c.Key] = c.Variant
		}
	}
	return use
}

func addCounts(tx *store.Tx, all []Count, use map[string]string) error {
	for _, c := range all {
		for _, g := range grains {
			name := g.name
			if c.Bulk {
				name = g.bulk
			}
			if _, err := tx.Exec(`INSERT INTO flags_stat (key, grain, at, variant, n) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (key, grain, at, variant) DO UPDATE SET n = flags_stat.n + excluded.n`, c.Key, name, tx.Now().Truncate(g.length).UnixMilli(), c.Variant, c.N); err != nil {
				return err
			}
		}
	}
	for key, variant := range use {
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
		for _, name := range []string{g.name, g.bulk} {
			if err := s.purge(ctx, name, g.keep); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *System) purge(ctx context.Context, grain string, keep time.Duration) error {
	for n := int64(maxPurge); n == maxPurge; {
		var err error
		n, err = store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
			return tx.Exec(`DELETE FROM flags_stat WHERE (key, grain, at, variant) IN (SELECT key, grain, at, variant FROM flags_stat WHERE grain = ? AND at < ? ORDER BY at LIMIT ?)`,
				grain, tx.Now().Add(-keep).UnixMilli(), maxPurge)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Flush stores what was counted. What cannot be stored is lost: counts are no
// promise.
func (s *System) Flush(ctx context.Context) {
	if err := s.StoreCounts(ctx, s.counts.drain()); err != nil {
		s.Log.Warn("counts of flags are lost", slog.Any("err", err))
	}
}
