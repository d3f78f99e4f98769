package observe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"seaworthy/store"
)

// Query is a statement of the program with what it came to in a range. Times are ms. Gate, Lock
// and Commit are of a write transaction that ran it, on average: the wait for our writer, for
// another process's lock, and for the disk.
type Query struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Caller string `json:"caller"` // function, file and line
	Measure
	Rows     int64  `json:"rows"`   // read or changed
	Writes   int64  `json:"writes"` // transactions
	GateMS   Millis `json:"gate_ms"`
	LockMS   Millis `json:"lock_ms"`
	CommitMS Millis `json:"commit_ms"`
}

// QueryPage is all statements of a range.
type QueryPage struct {
	Range   string  `json:"range"`
	Queries []Query `json:"queries"`
}

// QueryPoint is a statement in one hour.
type QueryPoint struct {
	At int64 `json:"at"` // ms UTC, its begin
	Measure
	Rows int64 `json:"rows"`
}

// QuerySource is who ran a statement.
type QuerySource struct {
	Class   Class  `json:"class"`
	Name    string `json:"name"`
	Count   int64  `json:"count"`
	TotalMS Millis `json:"total_ms"`
}

// QueryDetail is all that is known of one statement.
type QueryDetail struct {
	Range string `json:"range"`
	Query
	Points  []QueryPoint  `json:"points"`
	Sources []QuerySource `json:"sources"`
	Now     string        `json:"plan_now"`
	Plans   []Plan        `json:"plans"` // the one used last first
	Slow    []Slow        `json:"slow"`  // the newest first
}

// orders are what a list of statements can be sorted by.
var orders = map[string]func(Query) float64{
	"total": func(q Query) float64 { return float64(q.TotalMS) }, "p95": func(q Query) float64 { return float64(q.P95MS) }, "max": func(q Query) float64 { return float64(q.MaxMS) },
	"count": func(q Query) float64 { return float64(q.Count) }, "errors": func(q Query) float64 { return float64(q.Errors) }, "wait": func(q Query) float64 { return float64(q.GateMS+q.LockMS) * float64(q.Writes) },
}

func queryOf(id, text, caller string, t *tally) Query {
	q := Query{ID: id, Text: text, Caller: caller, Measure: measure(&t.Figures), Rows: t.rows, Writes: t.txs}
	if t.txs > 0 {
		each := func(us int64) Millis { return Millis(us/t.txs) / 1000 }
		q.GateMS, q.LockMS, q.CommitMS = each(t.gate), each(t.lock), each(t.commit)
	}
	return q
}

// Queries lists what ran in a range, in an order.
func (s *System) Queries(ctx context.Context, span time.Duration, order string) ([]Query, error) {
	since := s.now().Add(-span).Truncate(time.Hour)
	sums, texts := map[string]*tally{}, map[string]queryRow{}
	s.queries.mu.RLock()
	defer s.queries.mu.RUnlock()
	err := s.issues(ctx, func(tx *store.Tx) error {
		hour, last := since.UnixMilli(), ""
		for {
			rows, err := talliesSince(tx, hour, last)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return s.textsOf(tx, sums, texts)
			}
			for i := range rows {
				sumOf(sums, rows[i].query).add(&rows[i].tally)
			}
			hour, last = rows[len(rows)-1].hour, rows[len(rows)-1].query
		}
	})
	if err != nil {
		return nil, err
	}
	s.unstored(func(h *shape, t *tally) { sumOf(sums, h.ID).add(t) })
	all := make([]Query, 0, len(sums))
	for id, t := range sums {
		row := texts[id]
		if found, ok := s.shapes.byID.Load(id); ok {
			row = found.(*shape).row()
		}
		if t.Count > 0 && row.text != "" {
			all = append(all, queryOf(id, row.text, row.caller, t))
		}
	}
	by := orders[order]
	slices.SortFunc(all, func(a, b Query) int { return cmp.Or(cmp.Compare(by(b), by(a)), strings.Compare(a.ID, b.ID)) })
	return all, nil
}

// textsOf reads the statements that did not run in this process.
func (s *System) textsOf(tx *store.Tx, sums map[string]*tally, texts map[string]queryRow) error {
	for id := range sums {
		if _, live := s.shapes.byID.Load(id); live {
			continue
		}
		row, err := queryText(tx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		texts[id] = row
	}
	return nil
}

func sumOf(sums map[string]*tally, id string) *tally {
	if sums[id] == nil {
		sums[id] = &tally{}
	}
	return sums[id]
}

// row is the shape as it will be stored.
func (h *shape) row() queryRow {
	row := queryRow{id: h.ID, text: h.Text}
	if c := h.caller.Load(); c != nil {
		row.caller = *c
	}
	return row
}

// unstored calls fn with what was counted and is not in the file yet.
func (s *System) unstored(fn func(*shape, *tally)) {
	for h, t := range s.queries.held {
		fn(h, t)
	}
	s.shapes.byID.Range(func(_, v any) bool {
		h := v.(*shape)
		fn(h, h.read(false))
		return true
	})
}

// Query returns what is known of one statement, or store.ErrNotFound.
func (s *System) Query(ctx context.Context, id string, span time.Duration) (d QueryDetail, err error) {
	now := s.now()
	since := now.Add(-span).Truncate(time.Hour)
	all, points := &tally{}, map[int64]*tally{}
	sources := map[string]sourceCount{}
	var row queryRow
	var live *shape
	if found, ok := s.shapes.byID.Load(id); ok {
		live = found.(*shape)
	}
	s.queries.mu.RLock()
	defer s.queries.mu.RUnlock()
	err = s.issues(ctx, func(tx *store.Tx) error {
		if row, err = queryText(tx, id); err != nil && (live == nil || !errors.Is(err, store.ErrNotFound)) {
			return err
		}
		rows, err := talliesOf(tx, id, since.UnixMilli())
		if err != nil {
			return err
		}
		for i := range rows {
			all.add(&rows[i].tally)
			points[rows[i].hour] = &rows[i].tally
		}
		found, err := sourcesOf(tx, id, since.UnixMilli())
		for _, one := range found {
			sources[one.name] = sourceCount{sources[one.name].n + one.n, sources[one.name].us + one.us}
		}
		if err == nil {
			d.Plans, err = plansOf(tx, id)
		}
		return err
	})
	if err != nil {
		return d, err
	}
	if live != nil {
		row = live.row()
		hour := now.Truncate(time.Hour).UnixMilli()
		s.unstored(func(h *shape, t *tally) {
			if h != live || t.Count == 0 {
				return
			}
			all.add(t)
			if points[hour] == nil {
				points[hour] = &tally{}
			}
			points[hour].add(t)
		})
		if live.explicable() && s.DB != nil {
			d.Now, _ = s.DB.Explain(ctx, live.sql) // of a table that is no more there is none
		}
	}
	if row.text == "" {
		return d, store.ErrNotFound
	}
	s.sources.of(id, func(source Series, c sourceCount) {
		have := sources[source.String()]
		sources[source.String()] = sourceCount{have.n + c.n, have.us + c.us}
	})
	d.Query = queryOf(id, row.text, row.caller, all)
	d.Points, d.Sources = pointsOf(points), sourcesIn(sources)
	d.Slow, err = s.Slow(ctx, SlowFilter{Query: id, Limit: 10})
	return d, err
}

func pointsOf(points map[int64]*tally) []QueryPoint {
	all := []QueryPoint{}
	for at, t := range points {
		all = append(all, QueryPoint{at, measure(&t.Figures), t.rows})
	}
	slices.SortFunc(all, func(a, b QueryPoint) int { return cmp.Compare(a.At, b.At) })
	return all
}

func sourcesIn(sources map[string]sourceCount) []QuerySource {
	all := []QuerySource{}
	for name, c := range sources {
		class, name, _ := strings.Cut(name, " ")
		all = append(all, QuerySource{Class(class), name, c.n, Millis(c.us) / 1000})
	}
	slices.SortFunc(all, func(a, b QuerySource) int {
		return cmp.Or(cmp.Compare(b.TotalMS, a.TotalMS), strings.Compare(a.Name, b.Name))
	})
	return all
}
