package app

import (
	"context"
	"net/url"

	"seaworthy/app/proxy"
	"seaworthy/app/web"
)

// proxy makes what stands in front of the customer's app, and keeps the access rules
// where there is none.
func (a *App) proxy() (*proxy.System, error) {
	public, err := url.Parse(a.Config.URL)
	if err != nil {
		return nil, err
	}
	return proxy.New(proxy.Deps{DB: a.DB, Audit: a.Audit.Log, Auth: a.Auth, Log: a.log, Pages: a.Pages, Upstream: a.Config.Upstream, Health: a.Config.UpstreamHealth,
		Timeout: a.Config.UpstreamTime, Public: public, Span: a.Observe.Handed, Flag: a.Flags.IsOn, Flags: a.Flags.Values,
		Changeable: func(ctx context.Context, org string) error { return a.Billing.Changeable(ctx, org) }})
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
