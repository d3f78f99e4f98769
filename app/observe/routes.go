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
	{Name: "performance:manage", Title: "Analyse statements", Means: "Run a slow query of this program again by hand, for at most two seconds and without seeing what it finds.", Scope: web.ScopeInstance},
	{Name: "alerts:read", Title: "See alerts", Means: "See what fires and fired, and who is told.", Scope: web.ScopeInstance},
	{Name: "alerts:manage", Title: "Manage alerts", Means: "Acknowledge alerts, hold them back, set rules and channels.", Scope: web.ScopeInstance},
	{Name: "errors:manage", Title: "Manage errors", Means: "Resolve, ignore, assign and merge errors, and set up the projects that report them.", Scope: web.ScopeInstance},
}

// The actions telemetry records.
const (
	actResolved audit.Action = "error.resolved"
	actIgnored  audit.Action = "error.ignored"
	actReopened audit.Action = "error.reopened"
	actAssigned audit.Action = "error.assigned"
	actMerged   audit.Action = "error.merged"
	actUnmerged audit.Action = "error.unmerged"

	actProjectMade    audit.Action = "project.created"
	actProjectChanged audit.Action = "project.changed"
	actKeyMade        audit.Action = "project.key_created"
	actKeyRevoked     audit.Action = "project.key_revoked"

	actAnalysed audit.Action = "query.analysed"

	actMonitorRemoved audit.Action = "monitor.removed"
)

// Actions are the part of telemetry in the catalogue.
var Actions = append(alertActions[:len(alertActions):len(alertActions)],
	audit.Kind{Action: actResolved, Title: "Error resolved", Means: "Somebody said that an error is mended; when it is seen again it is open again."},
	audit.Kind{Action: actIgnored, Title: "Error ignored", Means: "An error is not to be looked at, for a time or for good."},
	audit.Kind{Action: actReopened, Title: "Error reopened", Means: "A resolved or ignored error needs a look again."},
	audit.Kind{Action: actAssigned, Title: "Error assigned", Means: "An error was given to somebody, or taken back."},
	audit.Kind{Action: actMerged, Title: "Errors merged", Means: "Somebody said that several errors are one; one stands for them from then on."},
	audit.Kind{Action: actUnmerged, Title: "Error taken out", Means: "An error that was merged with others is one of its own again."},
	audit.Kind{Action: actProjectMade, Title: "Project created", Means: "A program of yours can report its errors here."},
	audit.Kind{Action: actProjectChanged, Title: "Project changed", Means: "The name of a project, how much it may send, or where it is forwarded to, was changed."},
	audit.Kind{Action: actKeyMade, Title: "Project key created", Means: "A project has one more key to report with."},
	audit.Kind{Action: actMonitorRemoved, Title: "Monitor removed", Means: "A job of your app is not waited for any more; it is when it checks in again."},
	audit.Kind{Action: actAnalysed, Title: "Query analysed", Means: "A slow query of this program was run again by hand, to see how long it takes."},
	audit.Kind{Action: actKeyRevoked, Title: "Project key revoked", Means: "What comes with the key is refused from now on."},
)

const (
	logsBase   = "/-/admin/logs"
	errorsBase = "/-/admin/errors"
	// observeBase is the overview.
	observeBase = "/-/admin/observe"
)

// Routes are the pages and the API of the log and of errors.
func (s *System) Routes() []web.Route {
	logs, see, manage := web.Permission("logs:read"), web.Permission("errors:read"), web.Permission("errors:manage")
	acts := []string{string(actResolved), string(actIgnored), string(actReopened), string(actAssigned)}
	made, changed, keyed, revoked := string(actProjectMade), string(actProjectChanged), string(actKeyMade), string(actKeyRevoked)
	const projects, project = "/-/api/v1/errors/projects", "/-/api/v1/errors/projects/{project}"
	return slices.Concat(s.ingestRoutes(), s.performanceRoutes(), s.alertRoutes(), []web.Route{
		{Method: "GET", Pattern: projectsBase, Access: see, Handler: s.projectsPage},
		{Method: "POST", Pattern: projectsBase, Access: manage, Handler: s.projectMake, Audit: []string{made}},
		{Method: "POST", Pattern: projectsBase + "/{project}", Access: manage, Handler: s.projectAct, Audit: []string{changed, keyed, revoked}},
		{Method: "GET", Pattern: projects, Access: see, Handler: s.projectsAPI, Doc: web.Doc{Summary: "List the projects that report errors, with their keys", Out: ProjectList{}}},
		{Method: "POST", Pattern: projects, Access: manage, Handler: s.projectMakeAPI, Audit: []string{made}, Doc: web.Doc{Summary: "Make a project with a key", In: ProjectChange{}, Out: Project{}, Status: 201}},
		{Method: "PATCH", Pattern: project, Access: manage, Handler: s.projectChangeAPI, Audit: []string{changed}, Doc: web.Doc{Summary: "Change a project's name or how much it may send", In: ProjectChange{}, Out: Project{}}},
		{Method: "POST", Pattern: project + "/keys", Access: manage, Handler: s.keyMakeAPI, Audit: []string{keyed}, Doc: web.Doc{Summary: "Give a project one more key", Out: Project{}, Status: 201}},
		{Method: "DELETE", Pattern: project + "/keys/{key}", Access: manage, Handler: s.keyRevokeAPI, Audit: []string{revoked}, Doc: web.Doc{Summary: "Revoke a key", Status: 204}},
		{Method: "GET", Pattern: monitorsBase, Access: see, Handler: s.monitorsPage},
		{Method: "POST", Pattern: monitorsBase + "/{id}/remove", Access: manage, Handler: s.monitorRemove, Audit: []string{string(actMonitorRemoved)}},
		{Method: "GET", Pattern: "/-/api/v1/monitors", Access: see, Handler: s.monitorsAPI, Doc: web.Doc{Summary: "Jobs of your apps that check in, and how they stand", Out: MonitorList{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/monitors/{id}", Access: manage, Handler: s.monitorRemoveAPI, Audit: []string{string(actMonitorRemoved)}, Doc: web.Doc{Summary: "Wait for a job no more", Status: 204}},
		{Method: "GET", Pattern: logsBase, Access: logs, Handler: s.logPage},
		{Method: "GET", Pattern: logsBase + "/events", Access: logs, Handler: s.changes},
		{Method: "GET", Pattern: "/-/api/v1/logs", Access: logs, Handler: s.logAPI, Doc: web.Doc{Summary: "Search the log, the newest lines first", Out: LogPage{}}},
		{Method: "GET", Pattern: errorsBase, Access: see, Handler: s.errorsPage},
		{Method: "GET", Pattern: errorsBase + "/events", Access: see, Handler: s.changes},
		{Method: "GET", Pattern: errorsBase + "/{id}", Access: see, Handler: s.errorPage},
		{Method: "POST", Pattern: errorsBase + "/{id}", Access: manage, Handler: s.errorAct, Audit: append(acts, string(actUnmerged))},
		{Method: "POST", Pattern: errorsBase + "/merge", Access: manage, Handler: s.errorsMerge, Audit: []string{string(actMerged)}},
		{Method: "GET", Pattern: "/-/api/v1/errors", Access: see, Handler: s.errorsAPI, Doc: web.Doc{Summary: "List errors, those seen last first", Out: IssuePage{}}},
		{Method: "GET", Pattern: "/-/api/v1/errors/{id}", Access: see, Handler: s.errorAPI, Doc: web.Doc{Summary: "An error with its first, its last and some other occurrences", Out: IssueDetail{}}},
		{Method: "POST", Pattern: "/-/api/v1/errors/merge", Access: manage, Handler: s.mergeAPI, Audit: []string{string(actMerged)}, Doc: web.Doc{Summary: "Merge errors that are one", In: Merge{}, Out: Issue{}}},
		{Method: "POST", Pattern: "/-/api/v1/errors/{id}/unmerge", Access: manage, Handler: s.unmergeAPI, Audit: []string{string(actUnmerged)}, Doc: web.Doc{Summary: "Take an error out of those it was merged with", In: Unmerge{}, Out: Issue{}}},
		{Method: "PATCH", Pattern: "/-/api/v1/errors/{id}", Access: manage, Handler: s.changeAPI, Audit: acts, Doc: web.Doc{Summary: "Resolve, ignore, reopen or assign an error", In: Change{}, Out: Issue{}}},
	})
}
