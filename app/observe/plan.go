package observe

import (
	"context"
	"time"

	"seaworthy/store"
	"seaworthy/store/advisor"
)

// planFresh is how long the answer to how a statement would run is believed, and plansAtOnce
// how many are asked for in a row.
const (
	planFresh   = time.Minute
	plansAtOnce = 20
)

// planNow is how the statement would run now, "" when that cannot be told. It is asked for once
// in a while, stored, and compared with what it was. Of a flush alone.
func (s *System) planNow(h *shape) string {
	if s.DB == nil || !h.explicable() {
		return ""
	}
	now := s.now()
	h.wants.Store(false)
	if known := h.plan.Load(); known != nil && now.UnixMilli()-h.asked.Load() < planFresh.Milliseconds() {
		return known.Text
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	text, err := s.DB.Explain(ctx, h.sql)
	if err != nil || text == "" {
		return "" // it names a table that is no more, or the database is closed
	}
	h.asked.Store(now.UnixMilli())
	p := &Plan{Hash: shapeID(text), Text: text, First: now, Last: now}
	before := h.plan.Swap(p)
	s.files.mu.RLock()
	main := s.files.main
	s.files.mu.RUnlock()
	if main == nil {
		return text
	}
	var stored []Plan
	if err := main.Write(ctx, func(tx *store.Tx) (err error) {
		if before == nil {
			if stored, err = plansOf(tx, h.ID); err != nil {
				return err
			}
		}
		return putPlan(tx, h.ID, *p)
	}); err != nil {
		return text
	}
	if before == nil && len(stored) > 0 {
		before = &stored[0]
	}
	if before != nil && before.Hash != p.Hash {
		s.sayPlanChanged(h, before, p)
	}
	return text
}

// sayPlanChanged writes a line: a warning when the new plan reads more than the old.
func (s *System) sayPlanChanged(h *shape, before, now *Plan) {
	attrs := []any{"query", h.ID, "statement", clip(h.Text, 300), "before", before.Text, "now", now.Text}
	if advisor.Effort(now.Text) > advisor.Effort(before.Text) {
		s.said.Warn("the plan of a statement changed for the worse", attrs...)
		return
	}
	s.said.Info("the plan of a statement changed", attrs...)
}

// lookAtPlans asks for the plans of statements that became interesting.
func (s *System) lookAtPlans() {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	if !s.files.usable() {
		return
	}
	n := 0
	s.shapes.byID.Range(func(_, v any) bool {
		if h := v.(*shape); h.wants.Load() {
			s.planNow(h)
			n++
		}
		return n < plansAtOnce
	})
}
