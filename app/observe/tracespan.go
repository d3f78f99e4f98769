package observe

import (
	"context"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Bounds of a trace.
const (
	mostSpans = 1000
	mostUses  = 64 // shapes that are told apart within one trace
)

// span is one thing that was done within a trace.
type span struct {
	id         string // made when somebody is told of it
	parent     int    // index, or ownRoot, or inTransaction until that is over
	start      time.Duration
	took       time.Duration
	op, name   string
	status     string
	shape      *shape
	rows       int64
	write      bool
	gate, lock time.Duration // of a transaction
	commit     time.Duration
	blocker    string
}

const (
	ownRoot       = -1
	inTransaction = -2
)

// use is how often a trace ran a statement.
type use struct {
	shape  *shape
	n      int
	took   time.Duration
	caller string // once it is run often
}

// Span notes that something is done within the request or job of ctx; the function that is
// returned ends it. header is what is to be told to who is called, "" outside of a trace.
func (s *System) Span(ctx context.Context, op, name string) (header string, end func(status string)) {
	t := traceIn(ctx)
	if t == nil {
		return "", func(string) {}
	}
	start, id := time.Now(), web.NewSpan()
	return web.Traceparent(t.ID, id), func(status string) {
		t.add(span{id: id, parent: ownRoot, start: start.Sub(t.begun), took: time.Since(start), op: op, name: name, status: status})
	}
}

// add keeps a span while the trace is not over: what is left behind by somebody who did not
// wait is nobody's.
func (t *trace) add(one span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(one)
}

func (t *trace) put(one span) {
	switch {
	case t.over:
	case len(t.spans) >= mostSpans:
		t.lost++
	default:
		t.spans = append(t.spans, one)
	}
}

// statement notes a run of a statement.
func (t *trace) statement(h *shape, st *store.Statement) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.sql += st.Took
	t.slow = t.slow || st.Took >= t.s.o.SlowQuery
	parent, status := ownRoot, ""
	if st.Write {
		parent = inTransaction
	}
	if st.Err != nil {
		status = "error"
	}
	t.put(span{parent: parent, start: st.Start.Sub(t.begun), took: st.Took, op: "db.sql", name: h.Text, status: status, shape: h, rows: st.Rows, write: st.Write})
	for i := range t.uses {
		u := &t.uses[i]
		if u.shape != h {
			continue
		}
		u.took += st.Took
		if u.n++; u.n == manyTimes {
			u.caller = callerOf()
		}
		return
	}
	if len(t.uses) < mostUses {
		t.uses = append(t.uses, use{shape: h, n: 1, took: st.Took})
	}
}

// transaction notes a write, whose statements are those since the one before, and tells
// their shapes how long it waited.
func (t *trace) transaction(one *store.Transaction, blocker string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.wait = max(t.wait, one.Gate+one.Lock)
	op, status := "db.transaction", ""
	if !one.Write {
		op = "db.wait"
	}
	if one.Err != nil {
		status = "rolled back"
	}
	at := len(t.spans)
	if at >= mostSpans {
		at = ownRoot
	}
	for i := range t.spans {
		if sp := &t.spans[i]; sp.parent == inTransaction && one.Write {
			sp.parent = at
			if t.firstOf(i, at) {
				sp.shape.waited(one)
			}
		}
	}
	t.put(span{parent: ownRoot, start: one.Start.Sub(t.begun), took: one.Gate + one.Lock + one.Run + one.Commit, op: op, name: shortFunction(one.Holder), status: status,
		gate: one.Gate, lock: one.Lock, commit: one.Commit, blocker: blocker, write: one.Write})
}

// firstOf reports whether a span is the first of its shape in a transaction.
func (t *trace) firstOf(i, parent int) bool {
	for j := range i {
		if t.spans[j].parent == parent && t.spans[j].shape == t.spans[i].shape {
			return false
		}
	}
	return true
}
