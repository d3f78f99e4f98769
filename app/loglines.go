package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"seaworthy/app/config"
)

// newLog writes what the configuration wants of the log to standard error: JSON for
// programs, and lines for people where that is a terminal.
func newLog(cfg config.Config) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, err
	}
	if cfg.LogFormat == "text" || cfg.LogFormat != "json" && terminal(os.Stderr) {
		return slog.New(newLines(os.Stderr, level)), nil
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

// terminal tells whether a file is one. A device such as /dev/null counts, too, which does
// no harm.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lines are a log as a person reads it: the time of day, the level where it is not INFO,
// what happened, and then name=value.
type lines struct {
	slog.Handler // writes the attributes into line
	shared       *sharedLine
}

type sharedLine struct {
	mu   sync.Mutex
	line bytes.Buffer
	w    io.Writer
}

func newLines(w io.Writer, level slog.Level) slog.Handler {
	s := &sharedLine{w: w}
	return lines{slog.NewTextHandler(&s.line, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutHead}), s}
}

// withoutHead leaves out what a line begins with.
func withoutHead(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

func (l lines) Handle(ctx context.Context, r slog.Record) error {
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	line := &l.shared.line
	line.Reset()
	line.WriteString(r.Time.Format("15:04:05 "))
	if r.Level != slog.LevelInfo {
		fmt.Fprintf(line, "%s ", r.Level)
	}
	if what := r.Message; strings.ContainsFunc(what, unicode.IsControl) {
		line.WriteString(strconv.Quote(what)) // it could pass for another line
	} else {
		line.WriteString(what)
	}
	line.WriteByte(' ')
	err := l.Handler.Handle(ctx, r)
	if err != nil {
		return err
	}
	_, err = l.shared.w.Write(line.Bytes())
	return err
}

func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lines{l.Handler.WithAttrs(attrs), l.shared}
}

func (l lines) WithGroup(name string) slog.Handler {
	return lines{l.Handler.WithGroup(name), l.shared}
}
