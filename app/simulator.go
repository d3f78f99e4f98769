package app

import (
	"context"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"time"

	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/seal"
)

// simKey is the key that the offline Stripe is asked with; it takes any.
const simKey = "sk_test_simulated"

// simulate puts the offline Stripe in the place of the real one. It is reached as that
// is, by a client and by signed webhooks, but no network is between.
func (a *App) simulate(ctx context.Context, keys *seal.Keys, d *billing.Deps) error {
	if !a.Config.HasStripeSim() {
		return nil
	}
	sim, err := stripesim.New(stripesim.Options{Clock: a.o.Clock, Log: a.log, PublicURL: a.Config.URL, Seed: 1,
		Deliver: stripesim.Into(func() http.Handler { return a.Web })})
	if err != nil {
		return err
	}
	sim.Pages, a.Simulator = a.Pages, sim
	d.Account = billing.Account{Key: simKey, Transport: sim}
	if a.o.StripeThrough != nil {
		d.Account.Transport = a.o.StripeThrough(sim)
	}
	d.Secrets, d.Make = []billing.Secret{{Label: "simulator", Value: "whsec_" + hex.EncodeToString(keys.Derive("stripe simulator"))}}, false
	d.Ahead = func() time.Duration { return sim.Now().Sub(a.o.Clock()) }
	return a.listenSimulator(ctx, d.Secrets[0].Value)
}

// listenSimulator has its webhooks come to us, signed with a secret that we know.
func (a *App) listenSimulator(ctx context.Context, secret string) error {
	return a.Simulator.Listen(ctx, a.Config.URL+"/-/webhooks/stripe", secret)
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

// keepSimulator has it go on where it was when the process ended, with our secret,
// which another master key would have changed.
func (a *App) keepSimulator(ctx context.Context) error {
	if err := a.Simulator.Keep(ctx, filepath.Join(a.Config.Data, "stripesim")); err != nil {
		return err
	}
	return a.listenSimulator(ctx, a.Billing.Secrets[0].Value)
}
