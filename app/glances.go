package app

import (
	"context"

	"seaworthy/app/console"
	"seaworthy/app/glance"
	"seaworthy/store"
)

// glances are the systems on the console's home, in the order in which they are shown. Each says of itself
// how it stands; a new system adds a line here. What readyz knows of its health comes
// before what it says.
func (a *App) glances() []glance.Source {
	type card = func(context.Context, *store.Tx) (glance.Card, error)
	with := func(one card, health ...func() console.Health) card {
		return func(ctx context.Context, tx *store.Tx) (glance.Card, error) {
			c, err := one(ctx, tx)
			for _, h := range health {
				got := h()
				c.State = c.State.Or(glance.State{Kind: glance.Kind(got.Kind), Word: got.Word, Detail: sentence(got.Detail)})
			}
			return c, err
		}
	}
	return []glance.Source{
		{System: "auth", Title: "Users", Icon: "users", Path: "/-/admin/users", Permission: "users:read", Card: a.Auth.Glance},
		{System: "billing", Title: "Billing", Icon: "credit-card", Path: "/-/admin/billing", Permission: "payments:read", Card: a.Billing.Glance},
		{System: "jobs", Title: "Jobs", Icon: "list-checks", Path: "/-/admin/jobs", Permission: "jobs:read", Card: with(a.Jobs.Glance, a.queueHealth)},
		{System: "email", Title: "Email", Icon: "mail", Path: "/-/admin/email", Permission: "email:read", Card: a.Email.Glance},
		{System: "flags", Title: "Flags", Icon: "flag", Path: "/-/admin/flags", Permission: "flags:read", Card: a.Flags.Glance},
		{System: "audit", Title: "Audit", Icon: "scroll-text", Path: "/-/admin/audit", Permission: "audit:read", Card: with(a.Audit.Glance, a.auditHealth)},
		{System: "observe", Title: "Observe", Icon: "activity", Path: "/-/admin/observe", Permission: "errors:read", Card: a.Observe.Glance},
	}
}
