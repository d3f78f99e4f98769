// Package console is the operator's side: what is going on, and what needs a
// person. It reads through the other systems and owns no table.
package console

import (
	"net/http"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/flags"
	"seaworthy/app/jobs"
	"seaworthy/app/launch"
	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Health is one thing that can be well or not.
type Health struct {
	Name, Kind, Word, Detail string // Kind: ok, warn, danger, quiet
}

// Deps are what the console needs of the rest.
type Deps struct {
	DB      *store.DB
	Pages   *web.Pages
	Health  func() []Health
	Audit   *audit.Log
	Auth    *auth.System
	Jobs    *jobs.System
	Queue   *queue.Queue
	Flags   *flags.System
	Observe *observe.System
	// Launch is how far the installation is from customers.
	Launch func(tx *store.Tx) (launch.Score, error)
}

// System is the console.
type System struct{ Deps }

// New makes the console.
func New(d Deps) *System { return &System{d} }

// read is the permission every page of the console needs.
var read = web.Permission("console:read")

// Permissions are the console's part of the catalogue.
var Permissions = []web.PermissionKind{
	{Name: "console:read", Title: "Open the console", Means: "See the operator's pages.", Scope: web.ScopeInstance},
}

// pageSize is how many rows a list shows.
const pageSize = 50

// Routes are the console's pages.
func (s *System) Routes() []web.Route {
	return slices.Concat([]web.Route{
		{Method: "GET", Pattern: "/-/admin", Access: read, Handler: s.overview},
	}, s.userRoutes(), s.orgRoutes(), s.jobRoutes(), s.scheduleRoutes(), s.flagRoutes())
}

// page is a page of the console that needs more than to see the console.
func page(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if need := read.RequiredPermission(); !web.IdentityOf(r.Context()).Can(need) {
			return web.Forbidden(need)
		}
		return h(w, r)
	}
}

// Nav is the console's navigation.
func Nav() []web.NavGroup {
	return []web.NavGroup{
		{Label: "", Items: []web.NavItem{{Label: "Home", Path: "/-/admin", Icon: "house"}}},
		{Label: "Customers", Items: []web.NavItem{{Label: "Users", Path: "/-/admin/users", Icon: "users"}, {Label: "Orgs", Path: "/-/admin/orgs", Icon: "building-2"}, {Label: "Billing", Path: "/-/admin/billing", Icon: "credit-card"}}},
		{Label: "Work", Items: []web.NavItem{{Label: "Jobs", Path: "/-/admin/jobs", Icon: "list-checks"}, {Label: "Email", Path: "/-/admin/email", Icon: "mail"}, {Label: "Flags", Path: "/-/admin/flags", Icon: "flag"}}},
		{Label: "Trust", Items: []web.NavItem{{Label: "Alerts", Path: "/-/admin/alerts", Icon: "bell"}, {Label: "Observe", Path: "/-/admin/observe", Icon: "activity"},
			{Label: "Access", Path: "/-/admin/access", Icon: "shield-check"}, {Label: "Audit", Path: "/-/admin/audit", Icon: "scroll-text"},
			{Label: "Errors", Path: "/-/admin/errors", Icon: "bug"}, {Label: "Performance", Path: "/-/admin/performance", Icon: "gauge"}, {Label: "Logs", Path: "/-/admin/logs", Icon: "logs"}}},
		{Label: "Ship", Items: []web.NavItem{{Label: "Launch checklist", Path: "/-/admin/launch", Icon: "rocket"}, {Label: "Backups", Path: "/-/admin/backups", Icon: "database-backup"}}},
	}
}

type card struct{ Label, Value, Note, Kind, Path string }

type overviewData struct {
	Cards  []card
	Health []Health
	Launch launch.Score
	Recent []audit.Row
}

func (s *System) overview(w http.ResponseWriter, r *http.Request) error {
	data := overviewData{Health: s.Health()}
	broken, err := s.Observe.Open(r.Context(), countLimit)
	if err != nil {
		broken = 0 // telemetry that cannot be read is told among the health
	}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		var err error
		if data.Launch, err = s.Launch(tx); err != nil {
			return err
		}
		signUps, err := auth.SignUpsSince(tx, tx.Now().Add(-24*time.Hour), countLimit)
		if err != nil {
			return err
		}
		ready, err := queue.CountState(tx, queue.Available, countLimit)
		if err != nil {
			return err
		}
		dead, err := queue.CountState(tx, queue.Dead, countLimit)
		if err != nil {
			return err
		}
		unsent, err := email.Unsent(tx, tx.Now().Add(-24*time.Hour), countLimit)
		if err != nil {
			return err
		}
		recent, err := audit.List(tx, audit.Filter{Limit: 12})
		data.Recent = s.Audit.Rows(recent, "/-/admin/audit")
		data.Cards = []card{
			{Label: "Sign-ups", Value: count(signUps), Note: "in the last 24 hours", Kind: "quiet", Path: "/-/admin/users"},
			{Label: "Jobs waiting", Value: count(ready), Note: "ready to run now", Kind: kind(ready > 1000, "warn"), Path: "/-/admin/jobs?state=available"},
			{Label: "Dead letters", Value: count(dead), Note: "gave up, need a look", Kind: kind(dead > 0, "danger"), Path: "/-/admin/jobs?state=dead"},
			{Label: "Mail that failed", Value: count(unsent), Note: "failed or bounced in the last 24 hours", Kind: kind(unsent > 0, "danger"), Path: "/-/admin/email?status=failed"},
			{Label: "Open errors", Value: count(broken), Note: "failed by our fault", Kind: kind(broken > 0, "danger"), Path: "/-/admin/errors"},
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "console/overview", web.View{Title: "Home", Data: data})
}
