package app

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
	"seaworthy/app/seal"
)

// simKey is the key that the offline Stripe is asked with; it takes any.
const simKey = "sk_test_simulated"

// simulate puts the offline Stripe in the place of the real one. It is reached as that
// is, by a client and by signed webhooks, but no network is between.
func (a *App) simulate(ctx context.Context, cfg config.Config, keys *seal.Keys, d *billing.Deps) error {
	if !cfg.HasStripeSim() {
		return nil
	}
	sim, err := stripesim.New(stripesim.Options{Dir: filepath.Join(cfg.Data, "stripe"), Clock: a.o.Clock, Log: a.log, Deliver: a.deliverSimulated, Seed: 1, PublicURL: cfg.URL})
	if err != nil {
		return err
	}
	a.StripeSim = sim
	secret := "whsec_" + hex.EncodeToString(keys.Derive("stripe simulator"))
	d.Account = billing.Account{Key: simKey, Transport: sim}
	d.Secrets, d.Make = []billing.Secret{{Label: "simulator", Value: secret}}, false
	d.Ahead = func() time.Duration { return sim.Now().Sub(a.o.Clock()) }
	return sim.Listen(ctx, cfg.URL+"/-/webhooks/stripe", secret)
}

// deliverSimulated hands a webhook of the offline Stripe to our own server.
func (a *App) deliverSimulated(ctx context.Context, url string, header http.Header, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header, r.RemoteAddr = header, "127.0.0.1:0"
	answer := httptest.NewRecorder()
	a.Web.ServeHTTP(answer, r)
	return answer.Code, nil
}
