package observe

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// What makes a trace worth keeping (spec/observability.md section 3).
const (
	slowTrace   = time.Second
	slowWait    = 50 * time.Millisecond
	sampleEvery = 100 // of those nothing is wrong with, one is kept
	mostKept    = 20  // traces a second, of those that did not fail
)

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
