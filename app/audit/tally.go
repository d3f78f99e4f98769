package audit

import (
	"context"
	"fmt"
	"time"

	"seaworthy/store"
)

// Every change has its event, so that the events of an hour say how many people signed
// up or flags were changed, and nothing else need be counted. What is kept is
// how many there were of each action; who did what stays in the log alone.

const (
	tallySlice = 5000                // events that one transaction counts
	keepHours  = 90 * 24 * time.Hour // for how long the counts of an hour are kept
)

// Hour is how many events of an action were recorded in an hour.
type Hour struct {
	At time.Time // its start
	N  int64
}

// Hourly are hours, of which one may be there more than once.
type Hourly []Hour

// Since is how many events there were since a time, in whole hours.
func (all Hourly) Since(t time.Time) (n int64) {
	for _, h := range all {
		if h.At.Add(time.Hour).After(t) {
			n += h.N
		}
	}
	return n
}

// First is the first hour since a time in which something happened; zero for none.
func (all Hourly) First(t time.Time) (first time.Time) {
	for _, h := range all {
		if h.At.Add(time.Hour).After(t) && (first.IsZero() || h.At.Before(first)) {
			first = h.At
		}
	}
	return first
}

// Tally counts the events that were not counted yet, in slices, so that it holds up nobody.
func (s *System) Tally(ctx context.Context) error {
	for {
		more, err := store.Read(ctx, s.DB, func(tx *store.Tx) (more bool, err error) {
			last, err := lastSeq(tx)
			if err != nil {
				return false, err
			}
			counted, err := tallied(tx)
			return counted < last, err
		})
		if err != nil || !more {
			return err
		}
		if err := s.DB.Write(ctx, tallySome); err != nil {
			return fmt.Errorf("count events: %w", err)
		}
	}
}

// tallySome counts one slice.
func tallySome(tx *store.Tx) error {
	from, err := tallied(tx)
	if err != nil {
		return err
	}
	all, err := untallied(tx, from, tallySlice)
	if err != nil || len(all) == 0 {
		return err
	}
	type slot struct {
		action string
		hour   int64
	}
	sums := map[slot]int64{}
	for _, e := range all {
		hour := time.UnixMilli(e.ts).UTC().Truncate(time.Hour).UnixMilli()
		sums[slot{e.action, hour}]++
		sums[slot{"", hour}]++
	}
	for at, n := range sums {
		if _, err := tx.Exec(`INSERT INTO audit_hour (action, hour, events) VALUES (?, ?, ?)
			ON CONFLICT (action, hour) DO UPDATE SET events = audit_hour.events + excluded.events`, at.action, at.hour, n); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`DELETE FROM audit_hour WHERE hour < ?`, tx.Now().Add(-keepHours).UnixMilli()); err != nil {
		return err
	}
	return tx.ExecOne(`UPDATE audit_tally SET seq = ? WHERE id = 1`, all[len(all)-1].seq)
}

// Hours are the events of some actions since a time, by action, the oldest hour first; of all
// actions together under "". Events that were not counted yet, those of the last seconds,
// are counted here, the first tallySlice of them.
func Hours(tx *store.Tx, since time.Time, actions ...Action) (map[Action]Hourly, error) {
	since = since.UTC().Truncate(time.Hour)
	out := map[Action]Hourly{}
	for _, a := range actions {
		all, err := store.All(tx, func(r store.Scanner) (h Hour, err error) {
			var at int64
			err = r.Scan(&at, &h.N)
			h.At = time.UnixMilli(at).UTC()
			return h, err
		}, `SELECT hour, events FROM audit_hour WHERE action = ? AND hour >= ? ORDER BY hour`, string(a), since.UnixMilli())
		if err != nil {
			return nil, err
		}
		out[a] = all
	}
	from, err := tallied(tx)
	if err != nil {
		return nil, err
	}
	fresh, err := untallied(tx, from, tallySlice)
	for _, e := range fresh {
		if at := time.UnixMilli(e.ts).UTC(); !at.Before(since) {
			for _, a := range actions {
				if a == "" || string(a) == e.action {
					out[a] = append(out[a], Hour{at.Truncate(time.Hour), 1})
				}
			}
		}
	}
	return out, err
}

func tallied(tx *store.Tx) (seq int64, err error) {
	err = tx.QueryRow(`SELECT seq FROM audit_tally WHERE id = 1`).Scan(&seq)
	return seq, err
}

type dated struct {
	seq, ts int64
	action  string
}

func untallied(tx *store.Tx, after int64, limit int) ([]dated, error) {
	return store.All(tx, func(r store.Scanner) (d dated, err error) { return d, r.Scan(&d.seq, &d.ts, &d.action) },
		`SELECT seq, ts, action FROM audit_event WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
}
