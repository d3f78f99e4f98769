package app

import (
	"net"

	"seaworthy/app/apply"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/flags"
	"seaworthy/app/jobs"
	"seaworthy/app/launch"
	"seaworthy/app/observe"
	"seaworthy/app/ops"
	"seaworthy/app/proxy"
	"seaworthy/store"
)

// CheckSources are what the launch checklist and doctor ask, in the order in which it is
// shown: each system says of itself what must be so.
func CheckSources() []ops.Source {
	plain := func(checks func(*store.Tx) ([]launch.Check, error)) func(*store.Tx, *config.Config) ([]launch.Check, error) {
		return func(tx *store.Tx, _ *config.Config) ([]launch.Check, error) { return checks(tx) }
	}
	return []ops.Source{
		{System: "server", Checks: func(_ *store.Tx, c *config.Config) ([]launch.Check, error) { return ops.ServerChecks(c), nil }},
		{System: "backups", Checks: ops.BackupChecks},
		{System: "auth", Checks: plain(auth.Checks)},
		{System: "billing", Checks: billing.Checks},
		{System: "email", Checks: email.Checks},
		{System: "jobs", Checks: plain(jobs.Checks)},
		{System: "flags", Checks: plain(flags.Checks)},
		{System: "access", Checks: proxy.Checks},
		{System: "apply", Checks: apply.Checks},
		{System: "audit", Checks: plain(audit.Checks)},
		{System: "observe", Checks: observe.Checks},
	}
}

// resolver is how names are looked up.
func (a *App) resolver() *net.Resolver {
	if a.o.Resolver != nil {
		return a.o.Resolver
	}
	return net.DefaultResolver
}
