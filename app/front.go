package app

import (
	"context"
	"net/url"
	"slices"

	"seaworthy/app/apply"
	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/flags"
	"seaworthy/app/manifest"
	"seaworthy/app/proxy"
	"seaworthy/app/web"
	"seaworthy/store"
)

// proxy makes what stands in front of the customer's app, and keeps the access rules
// where there is none.
func (a *App) proxy() (*proxy.System, error) {
	public, err := url.Parse(a.Config.URL)
	if err != nil {
		return nil, err
	}
	return proxy.New(proxy.Deps{DB: a.DB, Audit: a.Audit.Log, Auth: a.Auth, Log: a.log, Pages: a.Pages, Upstream: a.Config.Upstream, Health: a.Config.UpstreamHealth,
		Timeout: a.Config.UpstreamTime, Silence: a.Config.ClientSilence, Public: public, Fault: func(address string) string { return a.Config.UpstreamFault(address, public) }, Span: a.Observe.Handed, Flag: a.Flags.IsOn, Flags: a.Flags.Values,
		Changeable: func(ctx context.Context, org string) error { return a.Billing.Changeable(ctx, org) }, Plan: a.planOf, Known: a.known})
}

// planOf is what an org pays for, as access rules ask.
func (a *App) planOf(ctx context.Context, org string) (proxy.Plan, error) {
	e, err := a.Billing.Entitlements(ctx, org)
	if err != nil {
		return proxy.Plan{}, err
	}
	p := proxy.Plan{Key: e.Plan, Features: e.Features, Limits: map[string]int64{}}
	for name, l := range e.Limits {
		if p.Limits[name] = l.Value; l.Unlimited {
			p.Limits[name] = proxy.Unlimited
		}
	}
	return p, nil
}

// known is what access rules can name.
func (a *App) known(tx *store.Tx) (n proxy.Names, err error) {
	if n.Roles, err = auth.RoleNames(tx); err != nil {
		return n, err
	}
	if n.Plans, n.Features, n.Limits, err = billing.PlanNames(tx); err != nil {
		return n, err
	}
	n.Flags, err = flags.Keys(tx)
	return n, err
}

// applying makes what applies seaworthy.yml: the sections in the order in which one needs
// another.
func (a *App) applying() *apply.System {
	parts := slices.Concat(a.Auth.Parts(), a.Jobs.Parts(), a.Flags.Parts(), []manifest.Part{a.Billing.Part(), a.Email.Part(), a.Proxy.Part()})
	return apply.New(apply.Deps{DB: a.DB, Audit: a.Audit.Log, Log: a.log, Parts: parts})
}

// front is who serves what is not under /-/: the app behind, or one that is inside and
// held to the same rules; nil for the built-in home.
func (a *App) front(own Extension) web.Front {
	switch {
	case a.Config.Upstream != "":
		return a.Proxy.Serve
	case own.Home != nil:
		return a.Proxy.Guarding(own.Home)
	}
	return nil
}
