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
	"seaworthy/queue"
	"seaworthy/store"
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

// KeepSimulator has the offline Stripe go on where it was when the process ended, with our secret,
// which another master key would have changed. settled returns when the jobs that are due are done;
// nil where Run runs them. Run calls it; a program that moves the clock without serving does itself.
func (a *App) KeepSimulator(ctx context.Context, settled func(context.Context) error) error {
	if err := a.Simulator.Keep(ctx, filepath.Join(a.Config.Data, "stripesim")); err != nil {
		return err
	}
	a.Simulator.Life = stripesim.Life{Due: a.Billing.Due, Settled: a.sold}
	if settled != nil {
		a.Simulator.Life.Settled = func(ctx context.Context) error {
			if err := a.Billing.Sweep(ctx); err != nil {
				return err
			}
			return settled(ctx)
		}
	}
	return a.listenSimulator(ctx, a.Billing.Secrets[0].Value)
}

// soldWithin is how long a step of the offline Stripe's clock waits for what it brings about here.
const soldWithin = 2 * time.Second

// sold returns when all that is to be done by now is done: the calendar of overdue payments, and the
// jobs that this and the webhooks brought. Jobs that wait for their time are not waited for.
func (a *App) sold(ctx context.Context) error {
	if err := a.Billing.Sweep(ctx); err != nil {
		return err
	}
	deadline := time.NewTimer(soldWithin)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		busy := 0
		err := a.DB.Read(ctx, func(tx *store.Tx) error {
			for _, state := range []queue.State{queue.Available, queue.Blocked, queue.Running} {
				n, err := queue.CountState(tx, state, 1)
				if err != nil {
					return err
				}
				busy += n
			}
			return nil
		})
		if err != nil || busy == 0 {
			return err
		}
		select {
		case <-look.C:
		case <-deadline.C:
			return nil // something else of the installation takes its time
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
