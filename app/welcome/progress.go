package welcome

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// progressKept is how long the navigation shows what was read: it stands on every page of
// the console, and what it tells of changes a few times in the life of an installation.
const progressKept = 15 * time.Second

// progress is how far the set-up was, and when that was read.
type progress struct {
	at    time.Time
	shown *web.Setup
}

// Progress is what the console's navigation says of the set-up; nil once it is over or put away.
func (s *System) Progress(r *http.Request) *web.Setup {
	now := s.DB.Now()
	if p := s.seen.Load(); p != nil && now.Sub(p.at) < progressKept && !now.Before(p.at) {
		return p.shown
	}
	setup, err := store.Read(r.Context(), s.DB, s.Read)
	if err != nil {
		return nil // the page itself says what is wrong
	}
	return s.keep(setup, now)
}

// keep remembers what was read for the next pages.
func (s *System) keep(setup Setup, now time.Time) *web.Setup {
	p := &progress{at: now}
	if n := setup.Settled(); n < len(setup.Steps) && !setup.Dismissed {
		p.shown = &web.Setup{Done: n, Of: len(setup.Steps)}
	}
	s.seen.Store(p)
	return p.shown
}

// forget has the next page read anew.
func (s *System) forget() { s.seen.Store(nil) }
