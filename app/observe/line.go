package observe

import (
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Line is one line of the log.
type Line struct {
	Seq     int64          `json:"seq"`
	At      time.Time      `json:"at"`
	Level   slog.Level     `json:"level"`
	Message string         `json:"message"`
	Request string         `json:"request_id,omitempty"`
	Trace   string         `json:"trace_id,omitempty"`
	User    string         `json:"user,omitempty"`
	Org     string         `json:"org,omitempty"`
	Job     string         `json:"job,omitempty"`
	Attrs   jsontext.Value `json:"attributes,omitempty"`
}

// A line is bounded, in bytes: what is longer ends in an ellipsis.
const (
	maxMessage = 4 << 10
	maxAttrs   = 16 << 10
	maxValue   = 8 << 10
)

// size is about what a line takes in memory.
func (l *Line) size() int {
	return 160 + len(l.Message) + len(l.Attrs) + len(l.Request) + len(l.Trace) + len(l.User) + len(l.Org) + len(l.Job)
}

// low lines go first when there is no room.
func (l *Line) low() bool { return l.Level < slog.LevelWarn }

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 { // not within a character
		n--
	}
	return s[:n] + "…"
}
