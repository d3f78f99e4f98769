// Package welcome leads whoever made the first operator through the set-up: six steps, each
// of which says how it stands from the data itself. It changes nothing on its own but which
// steps were put off; every act is the system's whose matter it is.
package welcome

import (
	"context"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/billing"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/launch"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Deps are what the set-up needs of the rest.
type Deps struct {
	DB      *store.DB
	Audit   *audit.Log
	Pages   *web.Pages
	Config  *config.Config
	Email   *email.System
	Billing *billing.System
	// Checks is the launch checklist, without what was dismissed.
	Checks func(tx *store.Tx) ([]launch.Check, error)
	// Behind is the app behind, and Trial the last address that was tried for one; Try has one tried.
	Behind func() Behind
	Trial  func(tx *store.Tx) (Trial, error)
	Try    func(ctx context.Context, address string) error
	// Inside says that the app is part of this program.
	Inside bool
}

// Behind is the app behind, and how it does.
type Behind struct {
	Address string // "" for none
	Known   bool   // it was looked at
	Fault   string // why it does not answer; "" while it does
}

// Trial is an address that was tried for an app; its state is "" if none was.
type Trial struct {
	Address, State, Detail string // State: waiting, answers, silent
	Asked                  time.Time
}

// System is the set-up.
type System struct {
	Deps
	seen atomic.Pointer[progress]
}

// New makes the system.
func New(d Deps) *System { return &System{Deps: d} }

const permManage = "setup:manage"

// Permissions are what roles can give for the set-up.
var Permissions = []web.PermissionKind{
	{Name: permManage, Title: "Lead the set-up", Means: "Put steps of the set-up off, and take them up again. What a step does needs its own permission.", Scope: web.ScopeInstance},
}

// The actions of the set-up.
const (
	actSkipped audit.Action = "setup.step_skipped"
	actResumed audit.Action = "setup.step_resumed"
	actClosed  audit.Action = "setup.dismissed"
	actOpened  audit.Action = "setup.restored"
)

// Actions are the set-up's part of the catalogue.
var Actions = []audit.Kind{
	{Action: actSkipped, Title: "Step of the set-up skipped", Means: "Somebody put a step of the set-up off."},
	{Action: actResumed, Title: "Step of the set-up taken up", Means: "A step of the set-up that was skipped counts again."},
	{Action: actClosed, Title: "Set-up dismissed", Means: "Somebody had the console stop to speak of the set-up."},
	{Action: actOpened, Title: "Set-up taken up", Means: "The console speaks of the set-up again."},
}

// whole is the step that stands for all of the set-up.
const whole = "all"

const (
	base    = "/-/admin/welcome"
	apiBase = "/-/api/v1/setup"
)

// Routes are the pages of the set-up, and its part of the API.
func (s *System) Routes() []web.Route {
	read, manage := web.Permission("console:read"), web.Permission(permManage)
	in := web.InConsole
	acts := func(all ...audit.Action) (names []string) {
		for _, a := range all {
			names = append(names, string(a))
		}
		return names
	}
	return []web.Route{
		{Method: "GET", Pattern: base, Access: read, Handler: s.startPage},
		{Method: "GET", Pattern: base + "/{step}", Access: read, Handler: s.stepPage},
		{Method: "POST", Pattern: base + "/{step}/skip", Access: manage, Handler: in(s.skipForm), Audit: acts(actSkipped)},
		{Method: "POST", Pattern: base + "/{step}/resume", Access: manage, Handler: in(s.resumeForm), Audit: acts(actResumed)},
		{Method: "POST", Pattern: base + "/dismiss", Access: manage, Handler: in(s.closeForm), Audit: acts(actClosed)},
		{Method: "POST", Pattern: base + "/restore", Access: manage, Handler: in(s.openForm), Audit: acts(actOpened)},
		// What steps do, by the permission and with the event of whose matter it is.
		{Method: "POST", Pattern: base + "/brand/save", Access: web.Permission("email:manage"), Handler: in(s.brandForm), Audit: []string{"email.brand_changed"}},
		{Method: "POST", Pattern: base + "/app/try", Access: web.Permission("access:manage"), Handler: in(s.tryForm), Audit: []string{"upstream.tried"}},
		{Method: "POST", Pattern: base + "/providers/test", Access: web.Permission("email:manage"), Handler: in(s.testForm), Audit: []string{"email_provider.tested"}},
		{Method: "POST", Pattern: base + "/plans/make", Access: web.Permission("payments:manage"), Handler: in(s.planForm), Audit: []string{"plan.created"}},
		{Method: "POST", Pattern: base + "/plans/read", Access: web.Permission("payments:manage"), Handler: in(s.readForm), Audit: []string{"plan.import_requested"}},

		{Method: "GET", Pattern: apiBase, Access: read, Handler: s.setupAPI, Doc: web.Doc{Summary: "How far the set-up is, step by step", Out: setupJSON{}}},
		{Method: "PUT", Pattern: apiBase + "/steps/{step}/skip", Access: manage, Handler: s.skipAPI, Audit: acts(actSkipped), Doc: web.Doc{Summary: "Put a step off", Out: setupJSON{}}},
		{Method: "DELETE", Pattern: apiBase + "/steps/{step}/skip", Access: manage, Handler: s.resumeAPI, Audit: acts(actResumed), Doc: web.Doc{Summary: "Take a step up again", Out: setupJSON{}}},
		{Method: "PUT", Pattern: apiBase + "/dismissal", Access: manage, Handler: s.closeAPI, Audit: acts(actClosed), Doc: web.Doc{Summary: "Have the console stop to speak of the set-up", Out: setupJSON{}}},
		{Method: "DELETE", Pattern: apiBase + "/dismissal", Access: manage, Handler: s.openAPI, Audit: acts(actOpened), Doc: web.Doc{Summary: "Have the console speak of the set-up again", Out: setupJSON{}}},
	}
}
