package observe

import (
	"context"
	"encoding/json"
	"time"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/redact"
	"seaworthy/store"
)

// spanRow is a span on its way into a segment.
type spanRow struct {
	seq                     int64
	trace, id, parent       string
	at, ms                  int64
	startUS, us             int64
	op, name, status, attrs string
}

// mostSpanRows bounds how many spans wait for the writer of the files.
const mostSpanRows = 8192

// keepSpans puts spans that were received where the writer finds them.
func (s *System) keepSpans(p Project, all []sentry.Span, sentAt time.Time) {
	rows := make([]spanRow, 0, len(all))
	for i := range all {
		in := &all[i]
		names, left := map[string]string{"project": p.Name}, maxAttrs/4
		for k, v := range in.Attributes {
			if k = clip(k, 100); len(names) < 64 && v != "" && left > len(k)+len(v) {
				names[k] = hide(k, string(v))
				left -= len(k) + len(v)
			}
		}
		attrs, _ := json.Marshal(names)
		at, _ := s.happened(in.Start, sentAt)
		rows = append(rows, spanRow{trace: in.Trace, id: in.ID, parent: in.Parent, at: at.UnixMilli(), ms: in.Took.Milliseconds(), us: in.Took.Microseconds(),
			op: redact.Text(clip(in.Op, 100)), name: redact.Text(clip(in.Name, 1<<10)), status: clip(in.Status, 100), attrs: string(attrs)})
	}
	s.admitSpans(rows)
}

// admitSpans numbers rows and puts them where the writer finds them.
func (s *System) admitSpans(rows []spanRow) {
	for i := range rows {
		rows[i].seq = s.seq.Add(1)
	}
	s.spans.add(rows...)
}

// writeSpans empties the ring into the segment. Spans are the first to go when that fails.
func (s *System) writeSpans() {
	rows := s.spans.take()
	if len(rows) == 0 {
		return
	}
	if err := s.files.writeSpans(rows); err != nil {
		s.drops.count("span", "segment", int64(len(rows)))
	}
}

func (f *files) writeSpans(rows []spanRow) error {
	if f.seg == nil {
		return errShut
	}
	return f.seg.Write(context.Background(), func(tx *store.Tx) error {
		for i := range rows {
			r := &rows[i]
			if _, err := tx.Exec(`INSERT INTO observe_span (seq, trace, span, parent, at, ms, start_us, us, op, name, status, attrs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				f.base+r.seq, r.trace, r.id, r.parent, r.at, r.ms, r.startUS, r.us, r.op, r.name, r.status, r.attrs); err != nil {
				return err
			}
		}
		return nil
	})
}
