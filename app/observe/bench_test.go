package observe

import (
	"context"
	"errors"
	"log/slog"
	"testing"
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
