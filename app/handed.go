package app

import (
	"log/slog"
	"time"
)

// laps are how long each step of a handover took, for the log: whoever wants to know why
// somebody waited finds it there.
type laps struct {
	last  time.Time
	steps []slog.Attr
}

func newLaps() *laps { return &laps{last: time.Now()} }

// end notes that a step is over, which began with the end of the one before.
func (l *laps) end(step string) {
	now := time.Now()
	l.steps = append(l.steps, slog.Float64(step+"_ms", float64(now.Sub(l.last).Microseconds())/1e3))
	l.last = now
}

// attrs are the steps as a log takes them.
func (l *laps) attrs() []any {
	all := make([]any, len(l.steps))
	for i, s := range l.steps {
		all[i] = s
	}
	return all
}

// tookOver logs, for a successor, how long those who connected last had to wait.
func (a *App) tookOver(began time.Time) {
	s := a.o.Sockets
	if s == nil || !s.Successor() || s.ShutAt().IsZero() {
		return
	}
	now := time.Now()
	a.log.Info("took over", "waited_ms", now.Sub(s.ShutAt()).Milliseconds(), "open_ms", began.Sub(a.born).Milliseconds(), "start_ms", now.Sub(began).Milliseconds(),
		"before_ms", a.born.Sub(s.ShutAt()).Milliseconds())
}
