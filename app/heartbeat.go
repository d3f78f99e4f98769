package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/console"
	"seaworthy/app/dial"
	"seaworthy/app/observe"
	"seaworthy/store"
)

// beatEvery is how often it is told outside that all is well.
const beatEvery = time.Minute

// heartbeat makes what tells outside that all is well.
func (a *App) heartbeat() (*observe.Heartbeat, error) {
	h := &observe.Heartbeat{URL: a.Config.HeartbeatURL, Post: a.Config.HeartbeatPost, Interval: beatEvery, DB: a.DB,
		Log: func(message string, args ...any) { a.log.Warn(message, args...) }}
	if h.URL == "" {
		return h, nil
	}
	allowed, err := dial.Allow(a.Config.HeartbeatPlace())
	if err != nil {
		return nil, fmt.Errorf("SEAWORTHY_HEARTBEAT_URL: %w", err)
	}
	h.Dialer = dial.Dialer{Allowed: allowed, Resolver: a.o.Resolver}
	h.Checks = []observe.HeartbeatCheck{{Name: "replica", Err: a.replicaInStep}, {Name: "telemetry", Err: a.telemetryKept}}
	return h, nil
}

func (a *App) replicaInStep(context.Context) error {
	switch {
	case a.Config.Replica == "off":
		return nil
	case a.replica == nil:
		return errors.New("replication has not begun")
	}
	if st := a.replica.Status(); st.Stale {
		return fmt.Errorf("the newest %.0f s of commits are only on this machine", st.LagSeconds)
	}
	return nil
}

func (a *App) telemetryKept(context.Context) error {
	if problem := a.Observe.Status().Problem; problem != "" {
		return errors.New(problem)
	}
	return nil
}

// heartbeatHealth says what came of the last beat; nothing without one.
func (a *App) heartbeatHealth() []console.Health {
	if a.Config.HeartbeatURL == "" {
		return nil
	}
	h := console.Health{Name: "Heartbeat", Kind: "ok", Word: "Beating", Detail: a.Heartbeat.Host()}
	b, err := observe.LastBeat(context.Background(), a.DB)
	switch {
	case errors.Is(err, store.ErrNotFound):
		h.Kind, h.Word, h.Detail = "quiet", "Not yet", "the first beat follows within a minute of the start"
	case err != nil:
		h.Kind, h.Word, h.Detail = "warn", "Unreadable", "what became of the last beat cannot be read"
	case !b.Sent && b.Held != "request":
		h.Kind, h.Word, h.Detail = "warn", "Held back", b.Held+": "+b.Why
	case !b.Sent && a.DB.Now().Sub(b.LastOK) > 2*beatEvery:
		h.Kind, h.Word, h.Detail = "warn", "Not taken", b.Why
	case a.DB.Now().Sub(b.At) > 3*beatEvery:
		h.Kind, h.Word = "warn", "Silent"
	default:
		h.Detail += ", last " + b.LastOK.Format("15:04 UTC")
	}
	return []console.Health{h}
}
