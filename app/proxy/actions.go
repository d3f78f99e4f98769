package proxy

import (
	"seaworthy/app/audit"
	"seaworthy/app/web"
)

const (
	actChanged audit.Action = "access_rules.changed"
	actTried   audit.Action = "upstream.tried"
)

// Actions are the proxy's part of the catalogue.
var Actions = []audit.Kind{
	{Action: actChanged, Title: "Access rules changed", Means: "Somebody changed who may make which requests to the app."},
	{Action: actTried, Title: "Address of the app tried", Means: "Somebody had it tried whether an app answers at an address."},
}

const (
	permRead   = "access:read"
	permManage = "access:manage"
)

// Permissions are what roles and keys can give for access rules.
var Permissions = []web.PermissionKind{
	{Name: permRead, Title: "See access rules", Means: "See who may make which requests to the app, and try it for a user.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Manage access rules", Means: "Change who may make which requests to the app.", Scope: web.ScopeInstance},
}
