package conform

import (
	"net/http"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/config"
)

type object = map[string]any

const (
	api  = "/-/api/v1/billing/"
	card = "4242424242424242"
)

// shop is an app that sells by the offline Stripe, with the contract in between.
type shop struct {
	*apptest.App
	*contract
	ada *apptest.Browser
	org string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	s.App = apptest.New(t, apptest.WithoutLimits, func(cfg *config.Config, o *app.Options) {
		cfg.StripeSim, cfg.StripeMinimum = "on", 100
		o.StripeThrough = func(next http.RoundTripper) http.RoundTripper {
			c, err := newContract(next)
			if err != nil {
				t.Fatal(err)
			}
			s.contract = c
			return c
		}
	})
	s.ada = s.SignUp("ada@example.com")
	s.org = s.PersonalOrg("ada@example.com")
	k := s.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free"}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"trial_days":0,"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"},{"currency":"eur","unit_amount":49000,"interval":"year"}]}`,
		`{"key":"pro","kind":"plan","name":"Pro","rank":20,"make_prices":[{"currency":"eur","unit_amount":9900,"interval":"month"}]}`} {
		k.Do("PUT", api+"plans", "application/json", p).Want(200)
	}
	s.settle()
	return s
}

func (s *shop) settle() {
	s.T.Helper()
	for range 2 {
		s.Must(s.Simulator.Settle(s.T.Context()))
		s.RunJobs()
	}
}

func (s *shop) price(plan string) string {
	return s.Query(`SELECT id FROM billing_price WHERE plan = ? ORDER BY id LIMIT 1`, plan)
}

func (s *shop) advance(days int) {
	s.T.Helper()
	for range days {
		s.Clock.Advance(24 * time.Hour)
		s.Must(s.Simulator.Advance(s.T.Context(), 0))
		s.settle()
	}
	s.ada = s.Browser()
	s.ada.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
}

func (s *shop) remote(kind string) string {
	return s.Query(`SELECT remote_id FROM billing_intent WHERE kind = ? ORDER BY id DESC LIMIT 1`, kind)
}

// TestWhatWeSayAndHear goes through all that the app does with Stripe.
func TestWhatWeSayAndHear(t *testing.T) {
	s := newShop(t)
	s.ada.PostJSON(api+"checkout", object{"price": s.price("team")}).Want(201)
	_, _, err := s.Simulator.CompleteCheckout(t.Context(), s.remote("checkout"), card, false)
	s.Must(err)
	s.settle()

	s.advance(10)
	var p billing.Preview
	s.ada.PostJSON(api+"change/preview", object{"price": s.price("pro")}).Want(201).JSON(&p)
	s.ada.PostJSON(api+"change", object{"preview": p.ID}).Want(200, `"state":"done"`)
	s.settle()
	s.ada.PostJSON(api+"cancel", object{"reason": "unused"}).Want(200)
	s.settle()
	s.ada.PostJSON(api+"resume", object{}).Want(200)
	s.settle()

	for range 9 {
		s.Simulator.FailNextPayment("insufficient_funds")
	}
	s.advance(36) // past the renewal, the reminders and the night
	s.ada.PostJSON(api+"portal", object{"flow": "payment_method_update"}).Want(201)
	s.Must(s.Simulator.PortalCard(t.Context(), s.remote("portal"), card))
	s.settle()
	s.advance(1)
	s.Must(s.Billing.Restored(t.Context()))
	s.advance(1)

	for _, d := range s.differences() {
		t.Error(d)
	}
	t.Logf("%d operations: %v", len(s.used()), s.used())
	if len(s.used()) < 12 {
		t.Errorf("only %d operations were used", len(s.used()))
	}
}
