package app

import (
	"context"
	"net/http"
	"path/filepath"

	"seaworthy/app/billing/stripesim"
	"seaworthy/app/web"
)

// simulator makes the offline Stripe, for development alone, and answers its pages. It
// keeps its state in a file of its own once the app runs.
func (a *App) simulator() ([]web.Route, error) {
	if a.Config.Production() {
		return nil, nil
	}
	var err error
	a.Simulator, err = stripesim.New(stripesim.Options{Clock: a.o.Clock, Log: a.log, PublicURL: a.Config.URL, Seed: 1,
		Deliver: stripesim.Into(func() http.Handler { return a.Web })})
	if err != nil {
		return nil, err
	}
	a.Simulator.Pages = a.Pages
	return a.Simulator.Routes(), nil
}

// runSimulator runs its clock and delivers its webhooks until ctx ends.
func (a *App) runSimulator(ctx context.Context) {
	err := a.Simulator.Run(ctx)
	if err == nil {
		err = a.Simulator.Close()
	}
	if err != nil {
		a.log.Error("the Stripe simulator stopped", "err", err)
	}
}

// keepSimulator has it go on where it was when the process ended.
func (a *App) keepSimulator(ctx context.Context) error {
	return a.Simulator.Keep(ctx, filepath.Join(a.Config.Data, "stripesim"))
}
