package observe

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Bounds of a trace, and what makes one worth keeping (spec/observability.md section 3).
const (
	mostSpans   = 1000
	mostUses    = 64 // shapes that are told apart within one trace
	slowTrace   = time.Second
	slowWait    = 50 * time.Millisecond
	sampleEvery = 100 // of those nothing is wrong with, one is kept
	mostKept    = 20  // traces a second, of those that did not fail
)

// trace is what one request or job did, until it is over and it is clear whether that
// is worth keeping.
type trace struct {
	s      *System
	ID     string
	parent string // of the span that called, "" for none
	begun  time.Time
	at     time.Time // by the clock

	mu    sync.Mutex
	spans []span
	lost  int // spans beyond mostSpans
	uses  []use
	sql   time.Duration
	wait  time.Duration // the longest for writer and lock
	slow  bool          // one of its statements was
	over  bool
}

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

type traceKey struct{}

func traceIn(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// scratch is the memory of a trace, which the next one uses again.
type scratch struct {
	spans []span
	uses  []use
}

func (s *System) begin(ctx context.Context, id, parent string) (context.Context, *trace) {
	t := &trace{s: s, ID: id, parent: parent, begun: time.Now(), at: s.now()}
	if m, ok := s.scratches.Get().(*scratch); ok {
		t.spans, t.uses = m.spans, m.uses
	}
	return context.WithValue(ctx, traceKey{}, t), t
}

// Begin begins the trace of a request; it is what web.Options.Within wants. End ends it.
func (s *System) Begin(ctx context.Context) context.Context {
	o := web.OriginOf(ctx)
	ctx, t := s.begin(ctx, o.Trace, o.Parent)
	o.Watched = t
	return ctx
}

// End ends the trace of a request, which was answered with a status; 101 and streams say
// nothing by their time and are not kept unless they failed.
func (s *System) End(o *web.Origin, status int, took time.Duration) {
	t, ok := o.Watched.(*trace)
	if !ok {
		return
	}
	o.Watched = nil
	source := Series{Ours, o.Route}
	if o.Asked != "" {
		source = Series{App, foldMethod(o.Method) + " " + FoldPath(o.Asked)}
	}
	user := o.Identity.User
	t.end(ending{source: source, op: "http.server", status: statusText(status), failed: status >= 500, request: o.RequestID, user: user, took: took, endless: o.Streams || status == 101})
}

func statusText(status int) string {
	if status == 0 {
		return "none"
	}
	return string([]byte{byte('0' + status/100%10), byte('0' + status/10%10), byte('0' + status%10)})
}

// Attempt begins the trace of a job's attempt; it is what queue.Options.Begin wants.
func (s *System) Attempt(ctx context.Context) (context.Context, func(failed bool)) {
	job, _ := queue.FromContext(ctx)
	id := job.Cause.Trace
	if id == "" {
		id = web.TraceFor(job.ID)
	}
	ctx, t := s.begin(ctx, id, "")
	return ctx, func(failed bool) {
		status := "ok"
		if failed {
			status = "failed"
		}
		t.end(ending{source: Series{Jobs, job.Kind}, op: "queue.process", status: status, failed: failed, request: job.Cause.RequestID, job: job.ID, took: time.Since(t.begun)})
	}
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

// ending is how a request or job ended.
type ending struct {
	source             Series
	op, status         string
	failed             bool
	endless            bool
	request, job, user string
	took               time.Duration
}

// reason is why a trace is kept, "" for not at all.
func (t *trace) reason(e *ending, repeated bool) string {
	switch {
	case e.failed:
		return "failed"
	case e.endless:
		return ""
	case repeated:
		return "n+1"
	case t.wait > slowWait:
		return "waited"
	case t.slow || e.took >= slowTrace || t.s.red.counters.slow(e.source, e.took):
		return "slow"
	case rand.IntN(sampleEvery) == 0:
		return "sample"
	}
	return ""
}

// end decides what becomes of the trace, and gives its memory back.
func (t *trace) end(e ending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over = true
	repeated := t.repeated(&e)
	t.s.sources.add(e.source, t.uses)
	if why := t.reason(&e, repeated); why != "" && (e.failed || t.s.keeping.allow(t.at)) {
		t.s.keepTrace(t, &e, why)
	}
	if cap(t.spans) <= 128 {
		clear(t.spans) // they hold on to texts
		clear(t.uses)
		t.s.scratches.Put(&scratch{t.spans[:0], t.uses[:0]})
	}
	t.spans, t.uses = nil, nil
}

// pace bounds how many traces are kept in a second.
type pace struct{ second, n atomic.Int64 }

func (p *pace) allow(at time.Time) bool {
	if now := at.Unix(); p.second.Swap(now) != now {
		p.n.Store(0)
	}
	return p.n.Add(1) <= mostKept
}
