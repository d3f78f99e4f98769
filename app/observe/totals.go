package observe

import "time"

// Totals are what happened since the process began.
type Totals struct {
	Count, Errors int64
	Took          time.Duration
}

func (t *Totals) add(f *Figures) {
	t.Count, t.Errors, t.Took = t.Count+f.Count, t.Errors+f.Errors, t.Took+f.Total
}

// Totals calls fn with what every series that was used within the hour comes to, for metrics. A
// series that was forgotten begins again from nothing, as metrics may.
func (s *System) Totals(fn func(Series, Totals)) {
	c := &s.red.counters
	c.making.Lock()
	defer c.making.Unlock()
	c.known.Range(func(k, v any) bool {
		one := v.(*counter)
		t := one.drained
		t.add(one.read(false))
		fn(k.(Series), t)
		return true
	})
}

// Statements are what all statements come to.
func (s *System) Statements() Totals {
	s.queries.mu.RLock()
	defer s.queries.mu.RUnlock()
	t := s.queries.drained
	s.shapes.byID.Range(func(_, v any) bool {
		t.add(v.(*shape).run.read(false))
		return true
	})
	return t
}
