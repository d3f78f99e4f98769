package observe

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"seaworthy/app/web"
)

// report hands an error of this program to Sentry's ingest elsewhere, if one is configured, as
// SDKs do: an envelope with one event. It was redacted before it came here, and only what is kept
// whole here is reported.
func (s *System) report(e *Event) {
	if s.reports == nil {
		return
	}
	id := web.NewTrace()
	payload, err := json.Marshal(s.eventOf(id, e))
	if err != nil {
		s.drops.count("sentry", "encoding", 1)
		return
	}
	var b bytes.Buffer
	line := func(v any) {
		text, _ := json.Marshal(v)
		b.Write(text)
		b.WriteByte('\n')
	}
	line(map[string]string{"event_id": id, "sent_at": e.At.UTC().Format(time.RFC3339Nano)})
	line(map[string]any{"type": "event", "length": len(payload), "content_type": "application/json"})
	b.Write(payload)
	b.WriteByte('\n')
	s.reports.add(b.Bytes())
}

type object = map[string]any

// eventOf is the event's payload (Sentry's event payloads, as SDKs send them).
func (s *System) eventOf(id string, e *Event) object {
	frames := make([]object, 0, len(e.Frames))
	for _, f := range slices.Backward(e.Frames) { // the innermost is the last there
		frames = append(frames, object{"function": f.Function, "module": f.Package, "filename": f.File, "lineno": f.Line, "in_app": f.Own})
	}
	thrown := object{"type": or(e.Type, e.Kind), "value": e.Message, "mechanism": object{"type": e.Kind, "handled": e.Kind != KindPanic}}
	if len(frames) > 0 {
		thrown["stacktrace"] = object{"frames": frames}
	}
	out := object{"event_id": id, "timestamp": float64(e.At.UnixMilli()) / 1000, "platform": "go", "level": "error", "logger": "seaworthy", "release": e.Release,
		"environment": s.o.Environment, "transaction": or(e.Route, e.JobKind), "culprit": e.Culprit, "exception": object{"values": []object{thrown}}}
	tags := object{}
	for k, v := range map[string]string{"request_id": e.Request, "job": e.Job, "org": e.Org} {
		if v != "" {
			tags[k] = v
		}
	}
	out["tags"] = tags
	if e.User != "" {
		out["user"] = object{"id": e.User}
	}
	if e.Trace != "" {
		out["contexts"] = object{"trace": object{"trace_id": e.Trace, "span_id": web.NewSpan()}}
	}
	var crumbs []object
	for _, l := range e.Crumbs {
		crumbs = append(crumbs, object{"timestamp": float64(l.At.UnixMilli()) / 1000, "level": level(l.Level.String()), "category": "log", "message": l.Message})
	}
	if len(crumbs) > 0 {
		out["breadcrumbs"] = object{"values": crumbs}
	}
	return out
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
