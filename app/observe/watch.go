package observe

import (
	"context"
	"errors"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// The system is a store.Watcher: give it to store.Options.
var _ store.Watcher = (*System)(nil)

// planWorth is how long a statement takes whose plan is looked at.
const planWorth = 10 // times less than what counts as slow

// Shape implements store.Watcher.
func (s *System) Shape(text string) any { return s.shapes.of(text) }

// Statement implements store.Watcher. It runs on the goroutine that ran the statement, often the
// writer's: it counts, and only what is slow costs more.
func (s *System) Statement(ctx context.Context, st store.Statement) {
	h, ok := st.Shape.(*shape)
	if !ok {
		return
	}
	failed := st.Err != nil && !errors.Is(st.Err, store.ErrConflict) // a conflict is an answer
	h.ran(st.Took, st.Rows, failed)
	if h.caller.Load() == nil {
		caller := callerOf()
		h.caller.Store(&caller)
	}
	if t := traceIn(ctx); t != nil {
		t.statement(h, &st)
	}
	if st.Took < s.o.SlowQuery/planWorth {
		return
	}
	h.wants.Store(true)
	if st.Took >= s.o.SlowQuery {
		row := s.slowRow(ctx, "slow")
		row.shape, row.caller, row.run, row.rows, row.n = h, callerOf(), st.Took, st.Rows, 1
		s.slow.add(row)
	}
}

// Transaction implements store.Watcher.
func (s *System) Transaction(ctx context.Context, one store.Transaction) {
	slow := one.Gate+one.Lock >= s.o.SlowQuery
	blocker := ""
	if slow {
		blocker = blockerText(one.Blocker)
	}
	if t := traceIn(ctx); t != nil {
		t.transaction(&one, blocker)
	}
	if slow {
		row := s.slowRow(ctx, "wait")
		row.caller, row.gate, row.lock, row.run, row.commit, row.blocker = shortFunction(one.Holder), one.Gate, one.Lock, one.Run, one.Commit, blocker
		s.slow.add(row)
	}
}

// blockerText says who held somebody up, and on whose behalf.
func blockerText(b store.Blocker) string {
	if b.Name == "" {
		return ""
	}
	text := shortFunction(b.Name) + ", " + b.Held.Round(leastBlock).String()
	if b.Ctx == nil {
		return text
	}
	if job, ok := queue.FromContext(b.Ctx); ok {
		text += ", job " + job.Kind + " " + job.ID
	} else if o := web.OriginOf(b.Ctx); o.RequestID != "" {
		text += ", " + o.Route + " " + o.RequestID
	}
	if t := traceIn(b.Ctx); t != nil {
		text += ", trace " + t.ID
	}
	return text
}

// slowRow is a row with what the context knows.
func (s *System) slowRow(ctx context.Context, kind string) slowRow {
	row := slowRow{kind: kind, at: s.now(), source: sourceOf(ctx)}
	var l Line
	l.from(ctx)
	row.trace, row.request, row.job = l.Trace, l.Request, l.Job
	if t := traceIn(ctx); t != nil {
		row.trace = t.ID
	}
	return row
}

// sourceOf is the route or kind of job that a context belongs to.
func sourceOf(ctx context.Context) Series {
	if job, ok := queue.FromContext(ctx); ok {
		return Series{Jobs, job.Kind}
	}
	o := web.OriginOf(ctx)
	switch {
	case o.Asked != "":
		return Series{App, foldMethod(o.Method) + " " + FoldPath(o.Asked)}
	case o.RequestID != "":
		return Series{Ours, o.Route}
	}
	return Series{}
}
