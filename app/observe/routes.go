package observe

import (
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/web"
)

// Permissions are the part of telemetry in the catalogue.
var Permissions = []web.PermissionKind{
	{Name: "logs:read", Title: "Read the log", Means: "Search the log of this program and watch it live.", Scope: web.ScopeInstance},
	{Name: "errors:read", Title: "See errors", Means: "See what failed, where, for whom and how often.", Scope: web.ScopeInstance},
	{Name: "performance:read", Title: "See performance", Means: "See how often routes and jobs are used, how long they take and how often they fail.", Scope: web.ScopeInstance},
	{Name: "errors:manage", Title: "Manage errors", Means: "Resolve, ignore and assign errors.", Scope: web.ScopeInstance},
}

// The actions telemetry records.
const (
	actResolved audit.Action = "error.resolved"
	actIgnored  audit.Action = "error.ignored"
	actReopened audit.Action = "error.reopened"
	actAssigned audit.Action = "error.assigned"
)

// Actions are the part of telemetry in the catalogue.
var Actions = []audit.Kind{
	{Action: actResolved, Title: "Error resolved", Means: "Somebody said that an error is mended; when it is seen again it is open again."},
	{Action: actIgnored, Title: "Error ignored", Means: "An error is not to be looked at, for a time or for good."},
	{Action: actReopened, Title: "Error reopened", Means: "A resolved or ignored error needs a look again."},
	{Action: actAssigned, Title: "Error assigned", Means: "An error was given to somebody, or taken back."},
}

const (
	logsBase   = "/-/admin/logs"
	errorsBase = "/-/admin/errors"
)

// Routes are the pages and the API of the log and of errors.
func (s *System) Routes() []web.Route {
	logs, see, manage := web.Permission("logs:read"), web.Permission("errors:read"), web.Permission("errors:manage")
	acts := []string{string(actResolved), string(actIgnored), string(actReopened), string(actAssigned)}
	return slices.Concat(s.performanceRoutes(), []web.Route{
		{Method: "GET", Pattern: logsBase, Access: logs, Handler: s.logPage},
		{Method: "GET", Pattern: logsBase + "/events", Access: logs, Handler: s.changes},
		{Method: "GET", Pattern: "/-/api/v1/logs", Access: logs, Handler: s.logAPI, Doc: web.Doc{Summary: "Search the log, the newest lines first", Out: LogPage{}}},
		{Method: "GET", Pattern: errorsBase, Access: see, Handler: s.errorsPage},
		{Method: "GET", Pattern: errorsBase + "/events", Access: see, Handler: s.changes},
		{Method: "GET", Pattern: errorsBase + "/{id}", Access: see, Handler: s.errorPage},
		{Method: "POST", Pattern: errorsBase + "/{id}", Access: manage, Handler: s.errorAct, Audit: acts},
		{Method: "GET", Pattern: "/-/api/v1/errors", Access: see, Handler: s.errorsAPI, Doc: web.Doc{Summary: "List errors, those seen last first", Out: IssuePage{}}},
		{Method: "GET", Pattern: "/-/api/v1/errors/{id}", Access: see, Handler: s.errorAPI, Doc: web.Doc{Summary: "An error with its first, its last and some other occurrences", Out: IssueDetail{}}},
		{Method: "PATCH", Pattern: "/-/api/v1/errors/{id}", Access: manage, Handler: s.changeAPI, Audit: acts, Doc: web.Doc{Summary: "Resolve, ignore, reopen or assign an error", In: Change{}, Out: Issue{}}},
	})
}
