package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/seal"
	"seaworthy/store"
)

// billing makes what sells, as configured. Without a key of Stripe's nothing is sold
// and everything is open.
func (a *App) billing(keys *seal.Keys) *billing.System {
	cfg := a.Config
	d := billing.Deps{DB: a.DB, Audit: a.Audit.Log, Auth: a.Auth, Mail: a.Email, Keys: keys, Log: a.log, Pages: a.Pages, URL: cfg.URL,
		Account: billing.Account{Key: cfg.StripeKey, Transport: a.stripeTransport()}, Make: cfg.StripeHooks == "auto", Minimum: cfg.StripeMinimum}
	for _, s := range cfg.StripeSecrets(func(string, ...any) {}) { // Validate has told of faults
		d.Secrets = append(d.Secrets, billing.Secret(s))
	}
	return billing.New(d)
}

func (a *App) stripeTransport() http.RoundTripper {
	if a.o.Stripe != nil {
		return a.o.Stripe
	}
	return a.o.Outside
}

// planner tells auth of plans, which are made after it.
type planner struct{ app *App }

// PlanOf implements auth.Planner.
func (p planner) PlanOf(tx *store.Tx, org string) (string, error) {
	return p.app.Billing.PlanOf(tx, org)
}

// Features implements auth.Planner.
func (p planner) Features(tx *store.Tx, org string) ([]string, error) {
	return p.app.Billing.Features(tx, org)
}

var _ auth.Planner = planner{}

// billingMetrics are what happened with Stripe since the start: events taken and
// refused, fetches, and drift that was mended.
func (m *metrics) billingMetrics(out chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("seaworthy_billing_total", "What happened with Stripe since the start: of=secret (events by the secret that verified them), taken, refused, fetch, events, drift.", []string{"of", "which"}, nil)
	for c, n := range m.app.Billing.Counts() {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), c.Of, c.Which)
	}
}
