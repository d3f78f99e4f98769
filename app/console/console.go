// Package console is the operator's side: what is going on, and what needs a
// person. It reads through the other systems and owns no table.
package console

import (
	"net/http"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/find"
	"seaworthy/app/flags"
	"seaworthy/app/glance"
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
	Glances []glance.Source // the systems on the home, in this order
	Finds   []find.Source   // what the search looks through, in this order
	Release string          // this program's
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
		{Method: "GET", Pattern: "/-/admin", Access: read, Handler: s.home},
		{Method: "GET", Pattern: "/-/admin/events", Access: read, Handler: s.homeEvents},
		{Method: "GET", Pattern: "/-/api/v1/overview", Access: read, Handler: s.homeAPI, Doc: web.Doc{Summary: "The systems at a glance, what needs attention, and the launch score", Out: overview{}}},
		{Method: "GET", Pattern: searchBase, Access: read, Handler: s.searchPage},
		{Method: "GET", Pattern: "/-/api/v1/search", Access: read, Handler: s.searchAPI, Doc: web.Doc{Summary: "Users, orgs, jobs, messages, flags, errors, events and customers, by how a name, an address or an id begins (?q=)", Out: found{}}},
	}, s.designRoutes(), s.userRoutes(), s.orgRoutes(), s.jobRoutes(), s.scheduleRoutes(), s.flagRoutes())
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

// card is a figure above a list.
type card struct{ Label, Value, Note, Kind, Path string }
