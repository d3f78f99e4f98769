package observe

import (
	"encoding/hex"
	"encoding/json"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// export hands the spans of a trace to the collector, if there is one, by OTLP/HTTP with
// protobuf. TracesData has the wire form of ExportTraceServiceRequest (OTLP specification,
// "OTLP/HTTP request").
func (s *System) export(rows []spanRow) {
	if s.traces == nil {
		return
	}
	scope := &tracepb.ScopeSpans{Scope: &common.InstrumentationScope{Name: "seaworthy", Version: s.o.Release}}
	for i := range rows {
		scope.Spans = append(scope.Spans, spanOf(&rows[i]))
	}
	name := s.o.Service
	if name == "" {
		name = "seaworthy"
	}
	data := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("service.name", name), text("service.version", s.o.Release)}},
		ScopeSpans: []*tracepb.ScopeSpans{scope},
	}}}
	parcel, err := proto.Marshal(data)
	if err != nil {
		s.drops.count("otlp", "encoding", 1)
		return
	}
	s.traces.add(parcel)
}

func spanOf(r *spanRow) *tracepb.Span {
	start := uint64(time.UnixMilli(r.at).Add(time.Duration(r.startUS) * time.Microsecond).UnixNano())
	sp := &tracepb.Span{TraceId: idBytes(r.trace), SpanId: idBytes(r.id), ParentSpanId: idBytes(r.parent), Name: r.name,
		StartTimeUnixNano: start, EndTimeUnixNano: start + uint64(r.us)*1000, Kind: kindOfSpan(r.op), Attributes: []*common.KeyValue{text("seaworthy.op", r.op)}}
	if r.op == "db.sql" {
		sp.Attributes = append(sp.Attributes, text("db.system.name", "sqlite"), text("db.query.text", r.name))
	}
	var named map[string]any
	_ = json.Unmarshal([]byte(r.attrs), &named) // we wrote it
	for k, v := range named {
		switch v := v.(type) {
		case string:
			sp.Attributes = append(sp.Attributes, text("seaworthy."+k, v))
		case float64:
			sp.Attributes = append(sp.Attributes, &common.KeyValue{Key: "seaworthy." + k, Value: &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: v}}})
		}
	}
	if badStatus(r.status) {
		sp.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: r.status}
	}
	return sp
}

func kindOfSpan(op string) tracepb.Span_SpanKind {
	switch op {
	case "http.server":
		return tracepb.Span_SPAN_KIND_SERVER
	case "http.client", "smtp.client", "db.sql":
		return tracepb.Span_SPAN_KIND_CLIENT
	case "queue.process":
		return tracepb.Span_SPAN_KIND_CONSUMER
	}
	return tracepb.Span_SPAN_KIND_INTERNAL
}

func idBytes(id string) []byte {
	b, _ := hex.DecodeString(id)
	return b
}

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}
