package observe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// BenchmarkLine is what a request pays for its line: redaction and the ring.
func BenchmarkLine(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	log := slog.New(s.Handler(slog.DiscardHandler))
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(context.Background(), slog.LevelInfo, "request", slog.String("method", "GET"), slog.String("route", "GET /-/api/v1/me"),
			slog.Int("status", 200), slog.Int64("bytes", 512), slog.Float64("ms", 1.25), slog.String("request_id", "req_06h074rjw1r0z43qst2s50vq70"), slog.String("ip", "192.0.2.7"))
	}
}

// BenchmarkLineDrained is the same while the writer, on another core, empties the ring in time, as it does.
func BenchmarkLineDrained(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	log := slog.New(s.Handler(slog.DiscardHandler))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		log.LogAttrs(context.Background(), slog.LevelInfo, "request", slog.String("method", "GET"), slog.String("route", "GET /-/api/v1/me"),
			slog.Int("status", 200), slog.Int64("bytes", 512), slog.Float64("ms", 1.25), slog.String("request_id", "req_06h074rjw1r0z43qst2s50vq70"), slog.String("ip", "192.0.2.7"))
		if n++; n%wakeAt == 0 {
			b.StopTimer()
			s.ring.take()
			b.StartTimer()
		}
	}
}

// BenchmarkKeep is a line on its way to the disk as well, in batches of 500.
func BenchmarkKeep(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	defer s.Close()
	log := slog.New(s.Handler(slog.DiscardHandler))
	n := 0
	for b.Loop() {
		log.Info("request", "route", "GET /-/api/v1/me", "status", 200, "request_id", "req_06h074rjw1r0z43qst2s50vq70")
		if n++; n%500 == 0 {
			s.Flush()
		}
	}
}

// BenchmarkCapture is an error that was seen before.
func BenchmarkCapture(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	err := errors.New("row 7 is missing")
	b.ReportAllocs()
	for b.Loop() {
		s.Capture(context.Background(), err)
	}
}

// BenchmarkRequest is all that telemetry costs a request with four statements and a write: its
// trace, the statements counted, the request counted, a line of the log. The bar is 30 us
// (DESIGN section 9).
func BenchmarkRequest(b *testing.B) {
	s := New(Options{Folder: b.TempDir()})
	defer s.Close()
	log := slog.New(s.Handler(slog.NewJSONHandler(io.Discard, nil)))
	texts := []any{s.Shape("SELECT a FROM one WHERE b = ?"), s.Shape("SELECT a FROM two WHERE b = ?"), s.Shape("INSERT INTO one (a) VALUES (?)"), s.Shape("INSERT INTO two (a) VALUES (?)")}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		o := &web.Origin{RequestID: "req_06h074rjw1r0x2kb7kgtc9bvj0", Route: "POST /-/api/v1/things", Trace: web.NewTrace(), Start: time.Now()}
		ctx := s.Begin(web.WithOrigin(context.Background(), o))
		for i, shape := range texts {
			start := time.Now()
			s.Statement(ctx, store.Statement{Shape: shape, Start: start, Took: time.Since(start), Rows: 1, Write: i > 1})
		}
		s.Transaction(ctx, store.Transaction{Start: o.Start, Run: time.Microsecond, Write: true, Holder: "seaworthy/app.things"})
		log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("method", "POST"), slog.String("route", o.Route), slog.Int("status", 200), slog.Int64("bytes", 512), slog.Float64("ms", 1.25),
			slog.String("request_id", o.RequestID), slog.String("user", "usr_1"), slog.String("key", ""), slog.String("ip", "127.0.0.1"))
		took := time.Since(o.Start)
		s.End(o, 200, took)
		s.Count(Series{Ours, o.Route}, took, false)
		if n++; n%4096 == 0 { // the writer's part is on another core
			b.StopTimer()
			s.ring.take()
			s.spans.take()
			s.kept.take()
			b.StartTimer()
		}
	}
}
