package observe

import (
	"context"
	"errors"
	"sync"
	"time"

	"seaworthy/store"
)

// tally is what was counted of one statement in a span of time.
type tally struct {
	Figures
	rows, txs, gate, lock, commit int64 // times in us, of all transactions together
}

func (t *tally) add(o *tally) {
	t.Figures.Add(&o.Figures)
	t.rows, t.txs, t.gate, t.lock, t.commit = t.rows+o.rows, t.txs+o.txs, t.gate+o.gate, t.lock+o.lock, t.commit+o.commit
}

// read tells what was counted, and with drain begins again from nothing.
func (h *shape) read(drain bool) *tally {
	t := &tally{Figures: *h.run.read(drain)}
	for to, from := range map[*int64]interface {
		Load() int64
		Swap(int64) int64
	}{&t.rows: &h.rows, &t.txs: &h.txs, &t.gate: &h.gate, &t.lock: &h.lock, &t.commit: &h.commit} {
		if drain {
			*to = from.Swap(0)
		} else {
			*to = from.Load()
		}
	}
	return t
}

// Counts of statements are stored once in keepQueriesEvery, for keepQueriesFor. A plan is looked
// at again after planAge if its statement is used often.
const (
	keepQueriesEvery = time.Minute
	keepQueriesFor   = 14 * 24 * time.Hour
	planAge          = time.Hour
	planUses         = 100
)

// queries holds what was counted and is not stored.
type queries struct {
	mu   sync.RWMutex // readers hold it, so that nothing is missing or counted twice on its way to the file
	last time.Time    // when it was stored
	held map[*shape]*tally

	drained Totals
}

// queriesDue reports whether it is time to store what was counted.
func (s *System) queriesDue() bool {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	now := s.now()
	if s.queries.last.IsZero() {
		s.queries.last = now
	}
	return now.Sub(s.queries.last) >= keepQueriesEvery && s.shapes.n.Load() > 0
}

// keepQueries stores what was counted by hour. What cannot be stored waits.
func (s *System) keepQueries(main *store.Side) {
	q := &s.queries
	q.mu.Lock()
	defer q.mu.Unlock()
	now := s.now()
	q.last = now
	if q.held == nil {
		q.held = map[*shape]*tally{}
	}
	s.shapes.byID.Range(func(_, v any) bool {
		h := v.(*shape)
		t := h.read(true)
		if t.Count == 0 {
			return true
		}
		q.drained.add(&t.Figures)
		if held := q.held[h]; held != nil {
			held.add(t)
		} else {
			q.held[h] = t
		}
		if t.Count >= planUses && now.UnixMilli()-h.asked.Load() >= planAge.Milliseconds() {
			h.wants.Store(true)
		}
		return true
	})
	if len(q.held) == 0 {
		return
	}
	taken := s.sources.take()
	hour := now.Truncate(time.Hour).UnixMilli()
	err := main.Write(context.Background(), func(tx *store.Tx) error {
		for h, t := range q.held {
			if err := addTally(tx, hour, now.UnixMilli(), h, t); err != nil {
				return err
			}
		}
		return addSources(tx, hour, taken)
	})
	switch {
	case err == nil:
		q.held = nil
	case errors.Is(err, store.ErrFull): // less of the past, for what is now
		s.sources.back(taken)
		err = main.Write(context.Background(), func(tx *store.Tx) error { return dropQueries(tx, now.Add(-keepQueriesFor/3)) })
	default:
		s.sources.back(taken)
	}
	if err != nil && !errors.Is(err, store.ErrBusy) {
		s.own.Warn("figures of statements cannot be stored", "err", err)
	}
}
