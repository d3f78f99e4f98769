package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Of what somebody tries and may not do, one event a minute is kept: a flood of
// attempts must not fill the log, which keeps everything. Attempts of more people than
// maxRefusals within it are only in the log of requests.
const (
	refusalGap  = time.Minute
	maxRefusals = 1000
)

// refusals are what was refused lately.
type refusals struct {
	mu   sync.Mutex
	last map[refusal]refused
}

// refusal is who was refused what.
type refusal struct{ actor, request string }

type refused struct {
	at   time.Time
	more int // since then, which have no event
}

// due reports whether a refusal is recorded, and how many came before it that were not.
func (r *refusals) due(k refusal, now time.Time) (before int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	is, known := r.last[k]
	if known && now.Sub(is.at).Abs() < refusalGap {
		is.more++
		r.last[k] = is
		return 0, false
	}
	if !known && len(r.last) >= maxRefusals {
		r.sweep(now)
	}
	if !known && len(r.last) >= maxRefusals {
		return 0, false
	}
	if r.last == nil {
		r.last = map[refusal]refused{}
	}
	r.last[k] = refused{at: now}
	return is.more, true
}

func (r *refusals) sweep(now time.Time) {
	for k, is := range r.last {
		if now.Sub(is.at).Abs() >= refusalGap {
			delete(r.last, k)
		}
	}
}

// Refused records that somebody was not allowed to change something. What he was to
// be answered does not depend on it.
func (s *System) Refused(ctx context.Context, route web.Route, e *web.Error) {
	id := web.IdentityOf(ctx)
	who, request := id.Actor(), route.Method+" "+route.Pattern
	if id.Impersonator != "" {
		who = User(id.Impersonator).String()
	}
	if who == "" {
		return
	}
	before, due := s.refusals.due(refusal{who, request}, s.DB.Now())
	if !due {
		return
	}
	details := map[string]any{"request": request, "permission": e.Lacks}
	if before > 0 {
		details["unrecorded"] = before
	}
	ev := Event{Action: actRefused, Targets: []Ref{{Type: "permission", ID: e.Lacks}}, Org: e.Org, Details: details}
	if err := s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.Record(tx, ev) }); err != nil {
		s.Logger.Error("a refusal could not be recorded", slog.String("request", request), slog.Any("err", err))
	}
}
