package app

import (
	"net/url"

	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/email"
	"seaworthy/app/find"
	"seaworthy/app/jobs"
)

// finds are what the console's search looks through, in the order in which it is shown. Each
// system finds its own; a new one adds a line here.
func (a *App) finds() []find.Source {
	list := func(path string) func(string) string {
		return func(q string) string { return path + url.QueryEscape(q) }
	}
	return []find.Source{
		{Group: "Users", Icon: "users", Permission: "users:read", All: list("/-/admin/users?q="), Find: auth.FindUsers},
		{Group: "Orgs", Icon: "building-2", Permission: "orgs:read", All: list("/-/admin/orgs?q="), Find: auth.FindOrgs},
		{Group: "Billing", Icon: "credit-card", Permission: "payments:read", Find: billing.FindCustomers},
		{Group: "Jobs", Icon: "list-checks", Permission: "jobs:read", Find: jobs.FindJobs},
		{Group: "Messages", Icon: "mail", Permission: "email:read", Find: email.FindMessages},
		{Group: "Flags", Icon: "flag", Permission: "flags:read", All: list("/-/admin/flags?q="), Find: a.Flags.FindFlags},
		{Group: "Errors", Icon: "bug", Permission: "errors:read", Find: a.Observe.FindErrors},
		{Group: "Audit", Icon: "scroll-text", Permission: "audit:read", Find: a.Audit.FindEvents},
	}
}
