package app

import (
	"context"
	"fmt"
	"slices"

	"seaworthy/app/apply"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/console"
	"seaworthy/app/email"
	"seaworthy/app/flags"
	"seaworthy/app/jobs"
	"seaworthy/app/observe"
	"seaworthy/app/ops"
	"seaworthy/app/outbox"
	"seaworthy/app/proxy"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/app/welcome"
)

// catalogs are the actions of our systems.
func catalogs() [][]audit.Kind {
	return [][]audit.Kind{auth.Actions, email.Actions, sms.Actions, jobs.Actions, outbox.Actions, flags.Actions, billing.Actions, proxy.Actions, observe.Actions, ops.Actions, apply.Actions, welcome.Actions}
}

// permissions are what our systems ask for.
func permissions() []web.PermissionKind {
	return slices.Concat(auth.Permissions, audit.Permissions, console.Permissions, email.Permissions, jobs.Permissions, flags.Permissions, billing.Permissions, proxy.Permissions, observe.Permissions, ops.Permissions, welcome.Permissions)
}

// declarePermissions fills the catalogue of permissions: what systems ask for, and what the
// embedding program adds.
func (a *App) declarePermissions(ctx context.Context, own Extension, routes []web.Route) error {
	if err := a.Auth.Declare(permissions(), slices.DeleteFunc(slices.Clone(routes), own.asks)); err != nil {
		return err
	}
	for _, p := range own.Permissions {
		if err := a.Auth.DeclarePermission(ctx, p); err != nil {
			return fmt.Errorf("permission %s: %w", p.Name, err)
		}
	}
	return nil
}
