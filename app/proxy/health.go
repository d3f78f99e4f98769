package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// health is what is known of the app behind.
type health struct {
	mu    sync.Mutex
	since time.Time // since when it is as it is; zero: not known yet
	err   error     // nil: it answers
}

// Health is how the app behind does.
type Health struct {
	Upstream string // where it listens; "" for no app
	Down     bool
	Since    time.Time // zero: not known yet
	Err      string
}

// note remembers whether the app answered.
func (h *health) note(err error, now time.Time) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed = h.since.IsZero() || (err == nil) != (h.err == nil)
	if changed {
		h.since = now
	}
	h.err = err
	return changed
}

// State is how the app does now.
func (s *System) State() Health {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	out := Health{Upstream: s.Upstream, Since: s.health.since}
	if s.health.err != nil {
		out.Down, out.Err = true, s.health.err.Error()
	}
	return out
}

const probeEvery = 5 * time.Second

// Run looks at the app every few seconds until ctx ends.
func (s *System) Run(ctx context.Context) {
	if s.forward == nil {
		return
	}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		if s.Probe(ctx) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Probe looks at the app once. Its error is that of ctx: how the app does is in State.
func (s *System) Probe(ctx context.Context) error {
	err := s.probe(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.noted(err)
	return nil
}

// noted remembers whether the app answered, whoever found that out, and logs what is new.
func (s *System) noted(err error) {
	switch changed := s.health.note(err, s.DB.Now()); {
	case !changed:
	case err != nil:
		s.Log.Warn("the app behind does not answer", "upstream", s.Upstream, "err", err)
	default:
		s.Log.Info("the app behind answers", "upstream", s.Upstream)
	}
}

// probe asks the app for its health, or only whether it listens.
func (s *System) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if s.Deps.Health == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, s.target.network, s.target.address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.target.url.String()+s.Deps.Health, nil)
	if err != nil {
		return err
	}
	res, err := s.forward.Transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &unwell{res.Status}
	}
	return nil
}

// unwell is an app that says that it is not well.
type unwell struct{ status string }

func (u *unwell) Error() string { return "the app's health is " + u.status }
