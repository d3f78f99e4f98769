package sentry

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Span is a piece of work that took time.
type Span struct {
	Trace, ID, Parent string
	Start             time.Time
	Took              time.Duration
	Op, Name, Status  string
	Attributes        map[string]Text
}

// maxSpans bounds how many one item may have.
const maxSpans = 1000

// wireSpan is a span of both forms: within a transaction, and of version 2, by itself.
type wireSpan struct {
	Trace       Text   `json:"trace_id"`
	ID          Text   `json:"span_id"`
	Parent      Text   `json:"parent_span_id"`
	Start       Stamp  `json:"start_timestamp"`
	End         Stamp  `json:"timestamp"`
	EndV2       Stamp  `json:"end_timestamp"`
	Op          Text   `json:"op"`
	Name        Text   `json:"name"`
	Description Text   `json:"description"`
	Status      Text   `json:"status"`
	Attributes  Object `json:"attributes"`
	Data        Object `json:"data"`
}

// span is what is kept of it; ok is false for one without ids or times.
func (w wireSpan) span() (s Span, ok bool) {
	end := w.End
	if end.IsZero() {
		end = w.EndV2
	}
	if w.Trace == "" || w.ID == "" || len(w.Trace) > 64 || len(w.ID) > 64 || len(w.Parent) > 64 || w.Start.IsZero() || end.Before(w.Start.Time) {
		return s, false
	}
	s = Span{Trace: string(w.Trace), ID: string(w.ID), Parent: string(w.Parent), Start: w.Start.Time, Took: end.Sub(w.Start.Time),
		Op: string(w.Op), Name: string(w.Description), Status: string(w.Status), Attributes: attributes(w.Attributes)}
	if s.Attributes == nil && len(w.Data) > 0 {
		var plain map[string]Text
		if unmarshal(w.Data, &plain) == nil {
			s.Attributes = plain
		}
	}
	if s.Name == "" {
		s.Name = string(w.Name)
	}
	if s.Op == "" {
		s.Op = string(s.Attributes["sentry.op"])
	}
	return s, true
}

// DecodeSpans reads a transaction with its spans, or an item of spans by themselves. Spans
// without ids or times are left out.
func DecodeSpans(kind string, raw []byte) (all []Span, err error) {
	if kind == "transaction" {
		return decodeTransaction(raw)
	}
	var in struct {
		Items Values[wireSpan] `json:"items"`
		wireSpan
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, err
	}
	if in.Items == nil {
		in.Items = Values[wireSpan]{in.wireSpan} // the form of the first version
	}
	return spansOf(in.Items), nil
}

func decodeTransaction(raw []byte) ([]Span, error) {
	var in struct {
		Name     Text             `json:"transaction"`
		Start    Stamp            `json:"start_timestamp"`
		End      Stamp            `json:"timestamp"`
		Spans    Values[wireSpan] `json:"spans"`
		Contexts jsontext.Value   `json:"contexts"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, err
	}
	var contexts struct {
		Trace wireSpan `json:"trace"`
	}
	if len(in.Contexts) > 0 && in.Contexts.Kind() == '{' {
		if err := unmarshal(in.Contexts, &contexts); err != nil {
			return nil, err
		}
	}
	root := contexts.Trace
	root.Description, root.Start, root.End = in.Name, in.Start, in.End
	return spansOf(append(Values[wireSpan]{root}, in.Spans...)), nil
}

func spansOf(wire []wireSpan) (all []Span) {
	for _, w := range wire {
		if s, ok := w.span(); ok && len(all) < maxSpans {
			all = append(all, s)
		}
	}
	return all
}
