package observe

import (
	"context"
	"time"

	"seaworthy/store"
)

// leastBlock is how exact the time of a blocker is told.
const leastBlock = time.Millisecond

// A statement that one request runs manyTimes or more, for longer than manyTook or a share of
// the request of manyShare, should most likely be one statement ("N+1").
const (
	manyTimes = 10
	manyTook  = 30 * time.Millisecond
	manyShare = 0.3
)

// slowRow is a statement that was slow, a wait for the writer, or a statement that was run again
// and again, on its way into a segment.
type slowRow struct {
	seq                     int64
	at                      time.Time
	kind                    string
	shape                   *shape // nil of a wait
	source                  Series
	trace, request, job     string
	caller                  string
	gate, lock, run, commit time.Duration
	rows                    int64
	n                       int
	blocker, plan           string
}

// mostSlow bounds how many wait for the writer of the files.
const mostSlow = 512

// repeated notes the statements that the trace ran again and again, and reports whether there
// were any.
func (t *trace) repeated(e *ending) (any bool) {
	for i := range t.uses {
		u := &t.uses[i]
		if u.n < manyTimes || u.took < manyTook && float64(u.took) < manyShare*float64(e.took) || u.took < time.Millisecond {
			continue
		}
		any = true
		u.shape.wants.Store(true)
		t.s.slow.add(slowRow{at: t.s.now(), kind: "n+1", shape: u.shape, source: e.source, trace: t.ID, request: e.request, job: e.job, caller: u.caller, run: u.took, n: u.n})
	}
	return any
}

// writeSlow empties the ring into the segment and the log, each row with the plan of now: it may
// be another by the morning.
func (s *System) writeSlow() {
	rows := s.slow.take()
	if len(rows) == 0 {
		return
	}
	for i := range rows {
		r := &rows[i]
		r.seq = s.seq.Add(1)
		if r.shape != nil {
			r.plan = s.planNow(r.shape)
		}
		s.sayWhatWasSlow(r)
	}
	if s.files.seg == nil {
		s.drops.count("slow_query", "segment", int64(len(rows)))
		return
	}
	if err := s.files.seg.Write(context.Background(), func(tx *store.Tx) error {
		for i := range rows {
			if err := insertSlow(tx, s.files.base, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		s.drops.count("slow_query", "segment", int64(len(rows)))
	}
}

func insertSlow(tx *store.Tx, base int64, r *slowRow) error {
	query := ""
	if r.shape != nil {
		query = r.shape.ID
	}
	_, err := tx.Exec(`INSERT INTO observe_slow (seq, at, kind, query, source, trace, request, job, caller, gate_us, lock_us, run_us, commit_us, rows, n, blocker, plan)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, base+r.seq, r.at.UnixMilli(), r.kind, query, r.source.String(), r.trace, r.request, r.job, r.caller,
		r.gate.Microseconds(), r.lock.Microseconds(), r.run.Microseconds(), r.commit.Microseconds(), r.rows, r.n, r.blocker, r.plan)
	return err
}

// sayEvery is how often the log tells of one statement at most; each time is kept all the same.
const sayEvery = time.Minute

// sayWhatWasSlow writes a line, for who has nothing but the log.
func (s *System) sayWhatWasSlow(r *slowRow) {
	last, now := &s.saidWait, r.at.UnixMilli()
	if r.shape != nil {
		last = &r.shape.said
	}
	if now-last.Load() < sayEvery.Milliseconds() {
		return
	}
	last.Store(now)
	attrs := []any{"source", r.source.String(), "caller", r.caller, "request_id", r.request, "trace_id", r.trace, "job", r.job, "run_ms", ms(r.run)}
	switch r.kind {
	case "wait":
		attrs = append(attrs, "gate_ms", ms(r.gate), "lock_ms", ms(r.lock), "commit_ms", ms(r.commit), "blocker", r.blocker)
		s.said.Warn("a write waited long for its turn", attrs...)
	case "n+1":
		s.said.Warn("a statement ran again and again within one request", append(attrs, "query", r.shape.ID, "times", r.n, "statement", clip(r.shape.Text, 300))...)
	default:
		s.said.Warn("a statement was slow", append(attrs, "query", r.shape.ID, "rows", r.rows, "statement", clip(r.shape.Text, 300), "plan", clip(r.plan, 500))...)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// String is the class and the name, as they are stored; "" of none.
func (s Series) String() string {
	if s == (Series{}) {
		return ""
	}
	return string(s.Class) + " " + s.Name
}
