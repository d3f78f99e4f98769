package app

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/auth"
	"seaworthy/app/billing"
	"seaworthy/app/console"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/store"
)

// billing makes what sells, as configured. Without a key of Stripe's nothing is sold
// and everything is open.
func (a *App) billing(ctx context.Context, keys *seal.Keys) (*billing.System, error) {
	cfg := a.Config
	d := billing.Deps{DB: a.DB, Audit: a.Audit.Log, Auth: a.Auth, Mail: a.Email, Keys: keys, Log: a.log, Pages: a.Pages, URL: cfg.URL,
		Account: billing.Account{Key: cfg.StripeKey, Transport: a.clock.Through(a.Observe.Outgoing(a.stripeTransport()))}, Make: cfg.StripeHooks == "auto", Minimum: cfg.StripeMinimum}
	for _, s := range cfg.StripeSecrets(func(string, ...any) {}) { // Validate has told of faults
		d.Secrets = append(d.Secrets, billing.Secret(s))
	}
	if err := a.simulate(ctx, keys, &d); err != nil {
		return nil, err
	}
	return billing.New(d), nil
}

func (a *App) stripeTransport() http.RoundTripper {
	if a.o.Stripe != nil {
		return a.o.Stripe
	}
	return a.o.Outside
}

// planner tells auth of plans, which are made after it.
type planner struct{ app *App }

// PlanIn implements auth.Planner.
func (p planner) PlanIn(tx *store.Tx, org string) (string, []string, error) {
	return p.app.Billing.PlanIn(tx, org)
}

var _ auth.Planner = planner{}

var billingTotal = prometheus.NewDesc("seaworthy_billing_total", "What happened with Stripe since the start: of=secret (events by the secret that verified them), taken, refused, fetch, events, drift.", []string{"of", "which"}, nil)

// billingMetrics are what happened with Stripe since the start: events taken and
// refused, fetches, and drift that was mended.
func (m *metrics) billingMetrics(out chan<- prometheus.Metric) {
	for c, n := range m.app.Billing.Counts() {
		out <- prometheus.MustNewConstMetric(billingTotal, prometheus.CounterValue, float64(n), c.Of, c.Which)
	}
}

// banner is what stands above every page of the console: what was switched off by hand
// comes before what is wrong.
func (a *App) banner() *web.Banner {
	if b := a.Flags.Banner(); b != nil {
		return b
	}
	if b := a.Observe.Banner(); b != nil {
		return b
	}
	if b := a.Apply.Banner(); b != nil {
		return b
	}
	return a.Billing.Banner()
}

// badges are in the navigation only while something needs a person.
func (a *App) badges() map[string]int {
	return map[string]int{"/-/admin/alerts": a.Observe.Badge()}
}

// billingHealth says how Stripe is connected; nothing without an account there.
func (a *App) billingHealth() []console.Health {
	if !a.Billing.On() {
		return nil
	}
	h := console.Health{Name: "Billing", Kind: "ok", Word: "Connected"}
	setup, open, err := a.Billing.Trouble(context.Background())
	switch {
	case err != nil:
		h.Kind, h.Word = "danger", "Unreadable"
	case setup != "":
		h.Kind, h.Word, h.Detail = "warn", "Misconfigured", setup
	case open > 0:
		h.Kind, h.Word, h.Detail = "warn", "Needs a look", "there are alarms under Billing"
	}
	return []console.Health{h}
}
