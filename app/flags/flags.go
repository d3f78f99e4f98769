// Package flags switches features on and off for whom they are meant, without a
// release: definitions in flagd's JSON, evaluated in process, asked over OFREP
// (spec/flags.md). The evaluator is package rule.
package flags

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/flags/rule"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what flags needs of the rest.
type Deps struct {
	DB    *store.DB
	Queue *queue.Queue
	Audit *audit.Log
	Log   *slog.Logger
	// Facts are what the installation knows of a user: id, email, orgs, roles, when
	// he signed up. It returns store.ErrNotFound for somebody who does not exist.
	// org is the one he works in; "" for his own.
	Facts   func(tx *store.Tx, user, org string) (map[string]any, error)
	Keys    *seal.Keys
	URL     string   // of the installation
	Origins []string // whose pages may ask with a key; * for all
	// Unlimited lifts what one address may have open.
	Unlimited bool
}

// System is flags as the other systems use it.
type System struct {
	Deps

	set        atomic.Pointer[rule.Set]
	segments   atomic.Pointer[map[string][]byte]
	killed     atomic.Pointer[Kill]
	refreshing sync.Mutex // one snapshot is made at a time
	dirty      dirty
	watchers   watchers
	news       news
	counts     counts
	answers    answers
	tickets    tickets
	listeners  listeners
}

// New makes the system. Open is called before anything is served.
func New(d Deps) *System {
	return &System{Deps: d, tickets: tickets{d.Keys.Derive("flags/stream")}, news: news{since: d.DB.Now()}}
}

// Open makes the first snapshot of what the database has.
func (s *System) Open(ctx context.Context) error { return s.open(ctx) }

// Jobs registers what flags does in the background.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.makeChange)
}

// flushEvery is how often evaluations that were counted are stored.
const flushEvery = 10 * time.Second

// purgeEvery is how often old counts are removed.
const purgeEvery = time.Hour

// Run takes over changes whose makers did not come to it and stores what was
// counted, until ctx ends; then it stores the last counts.
func (s *System) Run(ctx context.Context) {
	changed := s.DB.Listen(topic)
	defer s.DB.Unlisten(topic, changed)
	flush, purge := time.NewTicker(flushEvery), time.NewTicker(purgeEvery)
	defer flush.Stop()
	defer purge.Stop()
	for {
		select {
		case <-changed:
			s.catchUp(ctx)
		case <-flush.C:
			s.catchUp(ctx) // what could not be read before is tried again
			s.Flush(ctx)
		case <-purge.C:
			if err := s.Purge(ctx); err != nil && ctx.Err() == nil {
				s.Log.Warn("old counts of flags stay", slog.Any("err", err))
			}
		case <-ctx.Done():
			s.Flush(context.WithoutCancel(ctx))
			return
		}
	}
}

func (s *System) catchUp(ctx context.Context) {
	if err := s.refresh(ctx); err != nil {
		s.Log.Error("flags are behind", slog.Any("err", err))
	}
}

// Routes are its part of the API.
func (s *System) Routes() []web.Route {
	return slices.Concat(s.flagRoutes(), s.segmentRoutes(), s.ofrepRoutes())
}
