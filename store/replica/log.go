package replica

import (
	"context"
	"log/slog"
)

// quiet is a logger for Litestream: its chatter becomes debug lines of ours.
// What it calls an error is a warning to us: the driver decides what is one.
func quiet(log *slog.Logger) *slog.Logger {
	return slog.New(quietHandler{log.Handler()}).With("component", "litestream")
}

type quietHandler struct{ slog.Handler }

func quieter(level slog.Level) slog.Level {
	if level >= slog.LevelWarn {
		return slog.LevelWarn
	}
	return min(level, slog.LevelDebug)
}

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, quieter(level))
}

func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = quieter(r.Level)
	return h.Handler.Handle(ctx, r)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
