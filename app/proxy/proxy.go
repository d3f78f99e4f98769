// Package proxy stands in front of the customer's app: it holds every request to the
// access rules, tells the app who asks, and hands the request on as it came. The app
// needs no library for it: identity comes as headers, and signed, for an app that
// listens where others can reach it too.
package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Deps are what the proxy needs of the rest.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Auth     *auth.System
	Log      *slog.Logger
	Pages    *web.Pages
	Upstream string        // where the app listens, as http://127.0.0.1:3000 or unix:/run/app.sock; "" for no app
	Health   string        // path that answers 2xx while the app is well; "" to see only whether it listens
	Timeout  time.Duration // until the app begins to answer; a minute if 0
	Silence  time.Duration // that a client may keep in a body before the app answers; a minute if 0
	Public   *url.URL      // the address of the installation
	// Fault says what an address of an app must be and is not; "" for one that can be taken.
	Fault func(address string) string
	// Flag says whether a flag is on for somebody of whom facts are known, and Flags
	// what all of them say for him.
	Flag  func(key string, facts map[string]any) bool
	Flags func(facts map[string]any) map[string]any
	// Span is told of each request to the app; it returns what the app is told of the trace, and
	// a function that is told how it ended. nil: nobody asks.
	Span func(ctx context.Context, r *http.Request) (traceparent string, ended func(status int, err error))
	// Changeable says why nothing may be changed for an org now, as a 402; nil: everything may.
	Changeable func(ctx context.Context, org string) error
	// Plan says what an org pays for; nil: nobody knows.
	Plan func(ctx context.Context, org string) (Plan, error)
	// Known is what rules can name, so that one that names what is not there can be told of; nil: unknown.
	Known func(tx *store.Tx) (Names, error)
}

// Plan is what an org pays for, and what that gives.
type Plan struct {
	Key      string // "" for none
	Features []string
	Limits   map[string]int64 // Unlimited for what has no end
}

// Unlimited is a limit without an end.
const Unlimited = -1

// System is the proxy.
type System struct {
	Deps
	rules   atomic.Pointer[ruleset]
	signed  signed
	forward *httputil.ReverseProxy
	target  target
	health  health
}

// New makes the proxy. Without an upstream it only keeps the rules.
func New(d Deps) (*System, error) {
	s := &System{Deps: d}
	s.rules.Store(&ruleset{})
	if s.Timeout == 0 {
		s.Timeout = time.Minute
	}
	if s.Silence == 0 {
		s.Silence = time.Minute
	}
	if d.Upstream == "" {
		return s, nil
	}
	var err error
	if s.target, err = parseTarget(d.Upstream); err != nil {
		return nil, fmt.Errorf("upstream %q: %w", d.Upstream, err)
	}
	s.forward = s.newForward()
	return s, nil
}

// Open reads the rules.
func (s *System) Open(ctx context.Context) error {
	set, err := store.Read(ctx, s.DB, newestRules)
	if err != nil {
		return fmt.Errorf("access rules: %w", err)
	}
	s.rules.Store(&set)
	return nil
}

// Serve implements web.Front: it decides, says who asks and hands on.
func (s *System) Serve(w http.ResponseWriter, r *http.Request) error {
	who, err := s.admit(w, r)
	if err != nil {
		return err
	}
	told, err := s.identity(r.Context(), who)
	if err != nil {
		return err
	}
	return s.hand(w, r, told)
}

// Guarding holds requests to the rules before a handler inside of this program gets
// them, which finds out who asks by web.IdentityOf.
func (s *System) Guarding(inside http.Handler) web.Front {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, err := s.admit(w, r); err != nil {
			return err
		}
		inside.ServeHTTP(w, r)
		return nil
	}
}

// admit says who makes a request, or why it is refused, by the rules or whatever they are.
func (s *System) admit(w http.ResponseWriter, r *http.Request) (*visitor, error) {
	if err := passable(w, r); err != nil {
		return nil, err
	}
	who := s.visitor(r.Context())
	d, except := decision{rule: -1}, false
	if rules := s.rules.Load().rules; len(rules) > 0 {
		path, err := plainPath(r.URL)
		if err != nil {
			return nil, err
		}
		if d, err = s.decide(rules, r.Method, path, who); err != nil {
			return nil, err
		}
		except = d.rule >= 0 && rules[d.rule].Restricted
	}
	d, err := s.restrain(r.Context(), d, except, r.Method, who)
	if err != nil {
		return nil, err
	}
	if d.refusal == web.ErrSignedOut && web.OriginOf(r.Context()).Foreign {
		return nil, errForeign
	}
	if d.refusal != nil {
		return nil, d.refusal
	}
	return who, nil
}
