package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// TraceSummary is a request or job whose trace was kept. Times are ms.
type TraceSummary struct {
	Seq        int64     `json:"seq"`
	ID         string    `json:"trace_id"`
	At         time.Time `json:"at"`
	MS         Millis    `json:"ms"`
	Class      Class     `json:"class"`
	Source     string    `json:"source"` // route or kind of job
	Status     string    `json:"status"`
	Reason     string    `json:"reason"` // failed, slow, waited, n+1, or sample
	Spans      int       `json:"spans"`
	Lost       int       `json:"lost"` // spans that were too many
	Statements int       `json:"statements"`
	SQLMS      Millis    `json:"sql_ms"`
	WaitMS     Millis    `json:"wait_ms"` // for the writer or a lock, the longest
	Request    string    `json:"request_id,omitempty"`
	Job        string    `json:"job,omitempty"`
	User       string    `json:"user,omitempty"`
}

// TraceFilter narrows a list of traces.
type TraceFilter struct {
	Class  Class
	Source string // needs the class
	Reason string
	Before int64 // seq; 0 for the newest
	Limit  int
}

// TracePage is one page of traces.
type TracePage struct {
	Traces []TraceSummary `json:"traces"`
	Next   string         `json:"next_cursor,omitempty"`
}

// TraceSpan is one span of a trace.
type TraceSpan struct {
	ID     string         `json:"span_id"`
	Parent string         `json:"parent_id,omitempty"`
	At     int64          `json:"at_us"` // us since 1970
	US     int64          `json:"us"`
	Op     string         `json:"op"`
	Name   string         `json:"name"`
	Status string         `json:"status,omitempty"`
	Attrs  map[string]any `json:"attributes,omitempty"`
	Depth  int            `json:"-"`
}

// TraceDetail is a trace with its spans, ours and those that the app behind reported, each after
// the one it is part of.
type TraceDetail struct {
	ID     string         `json:"trace_id"`
	Traces []TraceSummary `json:"roots"`
	Spans  []TraceSpan    `json:"spans"`
	More   bool           `json:"more"` // than are shown
}

const traceColumns = `seq, trace, at, us, class, source, status, reason, spans, lost, statements, sql_us, wait_us, request, job, user_id`

func scanTrace(r store.Scanner) (t TraceSummary, err error) {
	var at, us, sql, wait int64
	err = r.Scan(&t.Seq, &t.ID, &at, &us, &t.Class, &t.Source, &t.Status, &t.Reason, &t.Spans, &t.Lost, &t.Statements, &sql, &wait, &t.Request, &t.Job, &t.User)
	t.At = time.UnixMilli(at).UTC()
	t.MS, t.SQLMS, t.WaitMS = Millis(us)/1000, Millis(sql)/1000, Millis(wait)/1000
	return t, err
}

func tracesBefore(tx *store.Tx, before int64, limit int) ([]TraceSummary, error) {
	return store.All(tx, scanTrace, `SELECT `+traceColumns+` FROM observe_trace WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, limit)
}

func tracesOfSource(tx *store.Tx, class Class, source string, before int64, limit int) ([]TraceSummary, error) {
	return store.All(tx, scanTrace, `SELECT `+traceColumns+` FROM observe_trace WHERE class = ? AND source = ? AND seq < ? ORDER BY seq DESC LIMIT ?`, string(class), source, before, limit)
}

func tracesOfID(tx *store.Tx, id string) ([]TraceSummary, error) {
	return store.All(tx, scanTrace, `SELECT `+traceColumns+` FROM observe_trace WHERE trace = ? ORDER BY seq LIMIT 100`, id)
}

func spansOfID(tx *store.Tx, id string, limit int) ([]TraceSpan, error) {
	return store.All(tx, func(r store.Scanner) (s TraceSpan, err error) {
		var at, ms, start int64
		var attrs string
		err = r.Scan(&s.ID, &s.Parent, &at, &ms, &start, &s.US, &s.Op, &s.Name, &s.Status, &attrs)
		s.At = at*1000 + start
		if s.US == 0 {
			s.US = ms * 1000
		}
		if err == nil {
			_ = json.Unmarshal([]byte(attrs), &s.Attrs) // what cannot be read is not shown
		}
		return s, err
	}, `SELECT span, parent, at, ms, start_us, us, op, name, status, attrs FROM observe_span WHERE trace = ? ORDER BY seq LIMIT ?`, id, limit)
}

// Traces lists kept traces, the newest first. What a reason leaves out costs reading.
func (s *System) Traces(ctx context.Context, f TraceFilter) (page TracePage, err error) {
	before, limit := f.Before, f.Limit
	if before == 0 {
		before = math.MaxInt64
	}
	page.Traces = []TraceSummary{}
	err = s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		if known, err := hasTraces(tx); err != nil || !known {
			return true, err
		}
		for {
			var rows []TraceSummary
			var err error
			if f.Source != "" {
				rows, err = tracesOfSource(tx, f.Class, f.Source, before, 500)
			} else {
				rows, err = tracesBefore(tx, before, 500)
			}
			if err != nil {
				return false, err
			}
			for _, t := range rows {
				before = t.Seq
				if (f.Reason == "" || t.Reason == f.Reason) && (f.Class == "" || t.Class == f.Class) {
					page.Traces = append(page.Traces, t)
				}
				if len(page.Traces) > limit {
					return false, nil
				}
			}
			if len(rows) < 500 {
				return true, nil
			}
		}
	})
	if len(page.Traces) > limit {
		page.Traces = page.Traces[:limit]
		page.Next = strconv.FormatInt(page.Traces[limit-1].Seq, 10)
	}
	return page, err
}

// Trace returns a trace, or an error that is store.ErrNotFound: it was never kept, or is kept no more.
func (s *System) Trace(ctx context.Context, id string) (d TraceDetail, err error) {
	d = TraceDetail{ID: id, Traces: []TraceSummary{}}
	err = s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		if known, err := hasTraces(tx); err != nil || !known {
			return true, err
		}
		roots, err := tracesOfID(tx, id)
		if err != nil {
			return false, err
		}
		d.Traces = append(d.Traces, roots...)
		spans, err := spansOfID(tx, id, mostSpans+1-len(d.Spans))
		d.Spans = append(d.Spans, spans...)
		return len(d.Spans) <= mostSpans, err
	})
	if err != nil {
		return d, err
	}
	if len(d.Spans) == 0 {
		return d, errNoTrace
	}
	if len(d.Spans) > mostSpans {
		d.Spans, d.More = d.Spans[:mostSpans], true
	}
	d.Spans = nested(d.Spans)
	slices.SortFunc(d.Traces, func(a, b TraceSummary) int { return cmp.Compare(a.Seq, b.Seq) })
	return d, nil
}

var errNoTrace = &web.Error{Status: http.StatusNotFound, Code: "not_kept", Err: store.ErrNotFound, Public: "This trace was not kept, or is kept no more. What fails, is slow, waits or repeats itself is kept until the telemetry files are full."}

// nested puts each span after the one it is part of, by time; one whose parent is not known
// stands by itself. Of those that are part of each other in a circle the first begins.
func nested(spans []TraceSpan) []TraceSpan {
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	children := map[string][]TraceSpan{}
	for _, s := range spans {
		if parent := s.Parent; known[parent] && parent != s.ID {
			children[parent] = append(children[parent], s)
		} else {
			children[""] = append(children[""], s)
		}
	}
	out := make([]TraceSpan, 0, len(spans))
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		all := children[parent]
		delete(children, parent) // a circle ends here
		slices.SortStableFunc(all, func(a, b TraceSpan) int { return cmp.Compare(a.At, b.At) })
		for _, s := range all {
			s.Depth = depth
			out = append(out, s)
			walk(s.ID, min(depth+1, 12))
		}
	}
	walk("", 0)
	for _, s := range spans {
		walk(s.Parent, 0) // what is left is in a circle
	}
	return out
}
