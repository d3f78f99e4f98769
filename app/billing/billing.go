// Package billing is the part of selling that Stripe leaves to whoever sells: taking
// its events safely, a mirror of what it holds, plans and what they give, reminders
// and what follows from them, changes with a preview (spec/billing.md). Stripe keeps
// money, cards and taxes.
package billing

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Mailer is what billing needs of email.
type Mailer interface {
	Send(tx *store.Tx, m email.Message) (id string, err error)
}

// Deps are what billing needs of the rest.
type Deps struct {
	DB      *store.DB
	Audit   *audit.Log
	Auth    *auth.System
	Mail    Mailer
	Keys    *seal.Keys
	Log     *slog.Logger
	Pages   *web.Pages
	URL     string // of the installation
	Account Account
	Secrets []Secret // that events are signed with
	Make    bool     // the endpoint is made at Stripe at the start, and its secret kept
	Minimum int64    // what is owed below this, in minor units, limits nobody
	// Ahead is how far the time at Stripe is ahead of ours: that of the offline one is
	// moved by hand. Nil: not at all.
	Ahead func() time.Duration
}

// System is billing as the other systems use it.
type System struct {
	Deps
	client   *client
	counts   counts
	shelf    shelf
	made     atomic.Pointer[Secret] // of the endpoint that we made
	trouble  atomic.Pointer[web.Banner]
	hookRead time.Duration
}

// New makes the system. Open is called before anything is served.
func New(d Deps) *System {
	return &System{Deps: d, client: newClient(d.Account), hookRead: hookRead}
}

// Permissions are what roles and keys can give for billing in the whole installation;
// billing:read and billing:manage, which count in orgs, are declared with those.
var Permissions = []web.PermissionKind{
	{Name: permSee, Title: "See all billing", Means: "See revenue, subscriptions, reminders and events of Stripe's, of every organization.", Scope: web.ScopeInstance},
	{Name: permReport, Title: "Report usage", Means: "Tell how much of its limits an organization uses.", Scope: web.ScopeInstance},
	{Name: permRun, Title: "Run billing", Means: "Change plans and prices, replay events and see to alarms.", Scope: web.ScopeInstance},
}

// The permissions billing asks for.
const (
	permRead   = "billing:read"
	permManage = "billing:manage"
	permSee    = "payments:read"
	permRun    = "payments:manage"
)

// now is the time by which Stripe counts.
func (s *System) now(tx *store.Tx) time.Time { return tx.Now().Add(s.ahead()) }

// ahead is how far Stripe's time is ahead of ours: nothing, but for the offline one.
func (s *System) ahead() time.Duration {
	if s.Ahead == nil {
		return 0
	}
	return s.Ahead()
}

// secrets are those of the configuration, and that of the endpoint that we made.
func (s *System) secrets() []Secret {
	if made := s.made.Load(); made != nil {
		return append(slices.Clip(s.Secrets), *made)
	}
	return s.Secrets
}

// Open reads what was kept of the endpoint that we made.
func (s *System) Open(ctx context.Context) error { return s.openEndpoint(ctx) }

// Jobs registers what billing does in the background.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.look, queue.Backoff(askAgain), queue.GaveUp(s.lookGaveUp))
	queue.Handle(q, s.sync, queue.Backoff(askAgain))
	queue.Handle(q, s.tell, queue.GaveUp(s.tellGaveUp))
	queue.Handle(q, s.giveUp, queue.Backoff(askAgain))
	queue.Handle(q, s.lookUpPrice, queue.Backoff(askAgain))
	queue.Handle(q, s.makePrice, queue.Backoff(askAgain))
	queue.Handle(q, s.importPlans, queue.Backoff(askAgain))
	queue.Handle(q, s.examine, queue.Backoff(askAgain))
	queue.Handle(q, s.payOpen, queue.Backoff(askAgain))
	if !s.On() {
		return
	}
	queue.CronFunc(q, "billing.catch_up", "*/10 * * * *", "UTC", queue.Once, s.catchUp, queue.NoOverlap, queue.On("billing"), queue.MaxAttempts(1))
	queue.CronFunc(q, "billing.reconcile", "17 3 * * *", "UTC", queue.Once, s.reconcile, queue.NoOverlap, queue.On("billing"), queue.MaxAttempts(6), queue.Timeout(30*time.Minute))
	queue.CronFunc(q, "billing.sweep", "* * * * *", "UTC", queue.Once, s.sweep, queue.NoOverlap)
}

// Routes are its pages and its part of the API.
func (s *System) Routes() []web.Route {
	return slices.Concat(s.webhookRoutes(), s.planRoutes(), s.readRoutes(), s.actRoutes(), s.pageRoutes(), s.deskRoutes(), s.customerActs(), s.deskPages(), s.customerForms(), s.usageRoutes())
}
