package billing

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	portal "github.com/stripe/stripe-go/v76/billingportal/session"
	"github.com/stripe/stripe-go/v76/charge"
	checkout "github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/coupon"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/customerbalancetransaction"
	"github.com/stripe/stripe-go/v76/dispute"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/invoice"
	"github.com/stripe/stripe-go/v76/price"
	"github.com/stripe/stripe-go/v76/product"
	"github.com/stripe/stripe-go/v76/promotioncode"
	"github.com/stripe/stripe-go/v76/refund"
	"github.com/stripe/stripe-go/v76/subscription"
	"github.com/stripe/stripe-go/v76/subscriptionschedule"
	"github.com/stripe/stripe-go/v76/webhookendpoint"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store/trail"
)

// Account is the account at Stripe, and how it is reached.
type Account struct {
	Key       string            // sk_..., rk_...; "": there is none, and nothing is sold
	URL       string            // of the API; Stripe's if ""
	Transport http.RoundTripper // the network if nil
}

// patience bounds one call of Stripe's API. The library's own retries are off: their
// pauses heed no context, and jobs come again by themselves.
const patience = 20 * time.Second

// client is Stripe's API, one field for each part of it that is used, so that no
// other is linked.
type client struct {
	customers     customer.Client
	subscriptions subscription.Client
	schedules     subscriptionschedule.Client
	promotions    promotioncode.Client
	coupons       coupon.Client
	refunds       refund.Client
	balances      customerbalancetransaction.Client
	invoices      invoice.Client
	charges       charge.Client
	disputes      dispute.Client
	prices        price.Client
	products      product.Client
	events        event.Client
	checkouts     checkout.Client
	portals       portal.Client
	endpoints     webhookendpoint.Client
}

func newClient(a Account) *client {
	config := &stripe.BackendConfig{HTTPClient: &http.Client{Timeout: patience, Transport: a.Transport}, MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}
	if a.URL != "" {
		config.URL = stripe.String(a.URL)
	}
	b := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	return &client{customers: customer.Client{B: b, Key: a.Key}, subscriptions: subscription.Client{B: b, Key: a.Key}, schedules: subscriptionschedule.Client{B: b, Key: a.Key},
		promotions: promotioncode.Client{B: b, Key: a.Key}, coupons: coupon.Client{B: b, Key: a.Key}, refunds: refund.Client{B: b, Key: a.Key},
		balances: customerbalancetransaction.Client{B: b, Key: a.Key}, invoices: invoice.Client{B: b, Key: a.Key},
		charges: charge.Client{B: b, Key: a.Key}, disputes: dispute.Client{B: b, Key: a.Key}, prices: price.Client{B: b, Key: a.Key},
		products: product.Client{B: b, Key: a.Key}, events: event.Client{B: b, Key: a.Key}, checkouts: checkout.Client{B: b, Key: a.Key},
		portals: portal.Client{B: b, Key: a.Key}, endpoints: webhookendpoint.Client{B: b, Key: a.Key}}
}

// keyed is what a call that changes something is made with: a stored key, so that
// the call can be made again when its answer was lost (Stripe docs, "Idempotent
// requests"; keys are kept for a day at least).
func keyed(ctx context.Context, intent string, expand ...string) stripe.Params {
	p := stripe.Params{Context: ctx, IdempotencyKey: stripe.String("swy:" + intent)}
	for _, e := range expand {
		p.AddExpand(e)
	}
	return p
}

// reading is what a call that only reads is made with.
func reading(ctx context.Context, expand ...string) stripe.Params {
	p := stripe.Params{Context: ctx}
	for _, e := range expand {
		p.AddExpand(e)
	}
	return p
}

// isMissing reports whether Stripe says that there is no such object.
func isMissing(err error) bool {
	var e *stripe.Error
	return errors.As(err, &e) && (e.Code == stripe.ErrorCodeResourceMissing || e.HTTPStatusCode == http.StatusNotFound)
}

// isRefusal reports whether Stripe said no to what was asked, so that to ask again
// would bring nothing: anything but "too many", "just now not" and "ask again".
func isRefusal(err error) bool {
	var e *stripe.Error
	return errors.As(err, &e) && e.HTTPStatusCode >= 400 && e.HTTPStatusCode < 500 &&
		e.HTTPStatusCode != http.StatusTooManyRequests && e.HTTPStatusCode != http.StatusConflict && e.Code != stripe.ErrorCodeLockTimeout
}

// later is what a job does when Stripe did not answer as hoped: too many requests
// wait longer than the usual pause, and all are spread by the queue's jitter. With a key that
// knows nothing of the customer there is no hurry, and no end.
func later(err error) error {
	if errors.Is(err, errMissing) {
		return queue.Snooze(missingPause)
	}
	var e *stripe.Error
	if errors.As(err, &e) && e.HTTPStatusCode == http.StatusTooManyRequests {
		return queue.RetryAfter(20*time.Second, plain(err))
	}
	return plain(err)
}

// plain is an error of the library's in one line, without what a customer's card is.
func plain(err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return err
	}
	words := []string{"Stripe answered", http.StatusText(e.HTTPStatusCode)}
	for _, w := range []string{string(e.Code), e.Param, e.RequestID} {
		if w != "" {
			words = append(words, web.CleanText(w, 100))
		}
	}
	return &stripeError{text: strings.Join(words, " "), cause: err}
}

// stripeError hides the library's text, which is JSON with more than is to be seen.
type stripeError struct {
	text  string
	cause error
}

func (e *stripeError) Error() string { return e.text }
func (e *stripeError) Unwrap() error { return e.cause }

// live reports whether the key is of live mode, where money moves.
func (s *System) live() bool {
	return strings.HasPrefix(s.Account.Key, "sk_live_") || strings.HasPrefix(s.Account.Key, "rk_live_")
}

// outage is what somebody is told who waits for Stripe in a request.
func outage(err error) error {
	return &web.Error{Status: http.StatusBadGateway, Code: "stripe_unavailable", RetryAfter: 10 * time.Second, Err: trail.Mark(plain(err)),
		Public: "Stripe did not answer. Nothing was charged that you did not confirm. Try again in a moment: what you asked for is not done twice."}
}
