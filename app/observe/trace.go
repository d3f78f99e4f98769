package observe

import (
	"context"
	"sync"
	"time"

	"seaworthy/app/web"
	"seaworthy/queue"
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
