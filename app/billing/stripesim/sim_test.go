package stripesim

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/price"
	"github.com/stripe/stripe-go/v76/product"
	"github.com/stripe/stripe-go/v76/subscription"
)

// shop drives a simulator as a program does: through stripe-go.
type shop struct {
	*testing.T
	*Sim
	b     stripe.Backend
	mu    sync.Mutex
	clock time.Time
	posts []post
	reply int
}

type post struct {
	header http.Header
	body   []byte
}

const key = "sk_test_simulated"

func newShop(t *testing.T, dir string) *shop {
	t.Helper()
	s := &shop{T: t, clock: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC), reply: 200}
	s.open(dir)
	return s
}

func (s *shop) open(dir string) {
	s.Helper()
	var err error
	s.Sim, err = New(Options{Dir: dir, Seed: 7, PublicURL: "http://shop.test", Clock: func() time.Time { return s.clock },
		Deliver: func(_ context.Context, _ string, h http.Header, body []byte) (int, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.posts = append(s.posts, post{h, body})
			return s.reply, nil
		}})
	s.must(err)
	s.Cleanup(func() { s.Sim.Close() })
	s.b = stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{URL: stripe.String("http://stripe.test"), HTTPClient: &http.Client{Transport: s.Sim},
		MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}})
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) customers() customer.Client         { return customer.Client{B: s.b, Key: key} }
func (s *shop) subscriptions() subscription.Client { return subscription.Client{B: s.b, Key: key} }

func (s *shop) price(amount int64, currency, interval string) *stripe.Price {
	s.Helper()
	p, err := product.Client{B: s.b, Key: key}.New(&stripe.ProductParams{Name: stripe.String("Team")})
	s.must(err)
	made, err := price.Client{B: s.b, Key: key}.New(&stripe.PriceParams{Product: &p.ID, Currency: &currency, UnitAmount: &amount, Recurring: &stripe.PriceRecurringParams{Interval: &interval}})
	s.must(err)
	return made
}

// buyer is a customer with a card.
func (s *shop) buyer(card string) *stripe.Customer {
	s.Helper()
	made, err := s.customers().New(&stripe.CustomerParams{Email: stripe.String("ada@example.com"), PaymentMethod: &card})
	s.must(err)
	for _, pm := range s.all("payment_method") {
		if pm.str("customer") == made.ID {
			_, err := s.customers().Update(made.ID, &stripe.CustomerParams{InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String(pm.str("id"))}})
			s.must(err)
			break
		}
	}
	return made
}

func (s *shop) subscribe(c, p string, quantity int64) *stripe.Subscription {
	s.Helper()
	sub, err := s.subscriptions().New(&stripe.SubscriptionParams{Customer: &c, Items: []*stripe.SubscriptionItemsParams{{Price: &p, Quantity: &quantity}}})
	s.must(err)
	return sub
}

func (s *shop) status(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[id].str("status")
}

func failure(t *testing.T, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of Stripe's", err)
	}
	return e
}
