package observe

import (
	"context"
	"encoding/json"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// mostTraces bounds how many wait for the writer of the files.
const mostTraces = 512

// traceRow is a trace as lists show it, on its way into a segment.
type traceRow struct {
	id         string
	at         time.Time
	took       time.Duration
	source     Series
	status     string
	reason     string
	spans      int
	lost       int
	statements int
	sql, wait  time.Duration
	request    string
	job, user  string
}

// keepTrace puts a trace that is over where the writer finds it. Its lock is held.
func (s *System) keepTrace(t *trace, e *ending, reason string) {
	row := traceRow{id: t.ID, at: t.at, took: e.took, source: e.source, status: e.status, reason: reason, spans: len(t.spans) + 1, lost: t.lost,
		sql: t.sql, wait: t.wait, request: e.request, job: e.job, user: e.user}
	ids := make([]string, len(t.spans))
	for i := range t.spans {
		if ids[i] = t.spans[i].id; ids[i] == "" {
			ids[i] = web.NewSpan()
		}
	}
	root := web.NewSpan()
	rows := make([]spanRow, 0, len(t.spans)+1)
	rows = append(rows, spanRow{trace: t.ID, id: root, parent: t.parent, at: t.at.UnixMilli(), ms: e.took.Milliseconds(), us: e.took.Microseconds(),
		op: e.op, name: e.source.Name, status: e.status, attrs: rootAttrs(e)})
	for i := range t.spans {
		sp := &t.spans[i]
		if sp.shape != nil {
			row.statements++
		}
		parent := root
		if sp.parent >= 0 && sp.parent < len(ids) {
			parent = ids[sp.parent]
		}
		at := t.at.Add(sp.start)
		rows = append(rows, spanRow{trace: t.ID, id: ids[i], parent: parent, at: at.UnixMilli(), startUS: int64(at.Nanosecond()) / 1000 % 1000, ms: sp.took.Milliseconds(), us: sp.took.Microseconds(),
			op: sp.op, name: sp.name, status: sp.status, attrs: sp.attrs()})
	}
	s.admitSpans(rows)
	s.kept.add(row)
	s.export(rows)
}

// badStatus reports whether a span failed by what its status says.
func badStatus(status string) bool {
	return status == "failed" || status == "error" || len(status) == 3 && status[0] == '5'
}

func rootAttrs(e *ending) string {
	named := map[string]string{}
	for k, v := range map[string]string{"request": e.request, "job": e.job, "user": e.user} {
		if v != "" {
			named[k] = v
		}
	}
	b, _ := json.Marshal(named)
	return string(b)
}

// attrs is what is known of a span beyond its name, as JSON.
func (sp *span) attrs() string {
	named := map[string]any{}
	if sp.shape != nil {
		named["query"], named["rows"] = sp.shape.ID, sp.rows
	}
	if sp.op == "db.transaction" || sp.op == "db.wait" {
		named["gate_ms"], named["lock_ms"], named["commit_ms"] = ms(sp.gate), ms(sp.lock), ms(sp.commit)
	}
	if sp.blocker != "" {
		named["blocker"] = sp.blocker
	}
	b, _ := json.Marshal(named)
	return string(b)
}

// writeTraces empties the ring of kept traces into the segment.
func (s *System) writeTraces() {
	rows := s.kept.take()
	if len(rows) == 0 {
		return
	}
	if s.files.seg == nil {
		s.drops.count("trace", "segment", int64(len(rows)))
		return
	}
	if err := s.files.seg.Write(context.Background(), func(tx *store.Tx) error {
		for i := range rows {
			if err := insertTrace(tx, s.files.base+s.seq.Add(1), &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		s.drops.count("trace", "segment", int64(len(rows)))
	}
}

func insertTrace(tx *store.Tx, seq int64, r *traceRow) error {
	_, err := tx.Exec(`INSERT INTO observe_trace (seq, trace, at, us, class, source, status, reason, spans, lost, statements, sql_us, wait_us, request, job, user_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, seq, r.id, r.at.UnixMilli(), r.took.Microseconds(), string(r.source.Class), r.source.Name, r.status, r.reason,
		r.spans, r.lost, r.statements, r.sql.Microseconds(), r.wait.Microseconds(), r.request, r.job, r.user)
	return err
}
