package billing_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

const (
	secret = apptest.StripeSecret
	hook   = "/-/webhooks/stripe"
)

type object = apptest.Object

// shop is an app that sells, with a customer.
type shop struct {
	*apptest.App
	stripe *apptest.Stripe
	owner  *apptest.Browser
	org    string
	seq    int
}

func newShop(t testing.TB, more ...apptest.Option) *shop {
	t.Helper()
	f := apptest.NewStripe()
	s := &shop{App: apptest.New(t, append(more, apptest.Selling(f))...), stripe: f}
	t.Cleanup(func() { s.wantTotals() })
	s.owner = s.SignUp("ada@example.com")
	s.RunJobs()
	s.org = s.PersonalOrg("ada@example.com")
	f.Put("price_team", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 4900, "product": "prod_team",
		"recurring": object{"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
	f.Put("cus_1", object{"object": "customer", "metadata": object{"seaworthy_org": s.org}, "balance": 0, "currency": "eur",
		"invoice_settings": object{"default_payment_method": object{"id": "pm_1", "object": "payment_method", "type": "card", "card": object{"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}}}})
	s.plans()
	s.Forget()
	return s
}

// wantTotals holds the totals that are kept with each change against all subscriptions, at the
// end of every test.
func (s *shop) wantTotals() {
	type total struct {
		state, currency string
		n, monthly      int64
	}
	scan := func(r store.Scanner) (v total, err error) { return v, r.Scan(&v.state, &v.currency, &v.n, &v.monthly) }
	err := s.DB.Read(context.Background(), func(tx *store.Tx) error {
		kept, err := store.All(tx, scan, `SELECT state, currency, n, monthly FROM billing_total WHERE n <> 0 ORDER BY state, currency`)
		if err != nil {
			return err
		}
		counted, err := store.All(tx, scan, `SELECT state, currency, count(*), sum(CASE WHEN status <> 'trialing' AND pause_behavior IN ('', 'keep_as_draft') THEN monthly ELSE 0 END)
			FROM billing_subscription GROUP BY state, currency ORDER BY state, currency`)
		if err == nil && !slices.Equal(kept, counted) {
			s.T.Errorf("the totals are %v, the subscriptions come to %v", kept, counted)
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrClosed) { // by the test itself
		s.T.Errorf("compare the totals: %v", err)
	}
}

// plans makes a free plan and one for 49 euros.
func (s *shop) plans() {
	s.T.Helper()
	k := s.Key("payments:manage", "payments:read")
	k.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"free","kind":"free","name":"Free","features":["basics"],"limits":{"seats":{"value":1}}}`).Want(200)
	k.Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"team","kind":"plan","name":"Team","rank":10,"trial_days":14,"features":["basics","reports"],"limits":{"seats":{"value":1,"per_unit":true},"projects":{"unlimited":true}},"prices":["price_team"]}`).Want(200)
	s.RunJobs()
}

// subscribe has Stripe hold a subscription of the customer's.
func (s *shop) subscribe(id, status string, fields object) {
	now := s.Clock.Now()
	all := object{"object": "subscription", "status": status, "customer": "cus_1", "currency": "eur", "collection_method": "charge_automatically",
		"current_period_start": now.Unix(), "current_period_end": now.AddDate(0, 1, 0).Unix(), "start_date": now.Unix(), "created": now.Unix(),
		"items": object{"object": "list", "data": []object{{"id": "si_" + id, "object": "subscription_item", "quantity": 1, "price": s.stripe.Objects["price_team"]}}}}
	for k, v := range fields {
		all[k] = v
	}
	s.stripe.Put(id, all)
}

// bill has Stripe hold an invoice.
func (s *shop) bill(id, status string, fields object) {
	now := s.Clock.Now().Unix()
	all := object{"object": "invoice", "status": status, "customer": "cus_1", "subscription": "sub_1", "currency": "eur", "number": "2026-" + id, "total": 4900, "amount_due": 4900,
		"amount_paid": 0, "amount_remaining": 4900, "created": now, "attempt_count": 0, "billing_reason": "subscription_cycle", "status_transitions": object{"finalized_at": now},
		"hosted_invoice_url": "https://stripe.example/i/" + id, "lines": object{"object": "list", "data": []object{{"id": "il_" + id, "description": "Team", "amount": 4900}}}}
	if status == "paid" {
		all["amount_paid"], all["amount_remaining"], all["status_transitions"] = 4900, 0, object{"finalized_at": now, "paid_at": now}
	}
	for k, v := range fields {
		all[k] = v
	}
	s.stripe.Put(id, all)
}

// event is the body of one, about an object that the recorded Stripe has or not.
func (s *shop) event(id, typ, kind, of string) string {
	customer := any("cus_1")
	if kind == "price" || kind == "dispute" {
		customer = nil
	}
	body, _ := json.Marshal(object{"id": id, "object": "event", "type": typ, "api_version": stripe.APIVersion, "livemode": false, "created": s.Clock.Now().Unix(),
		"data": object{"object": object{"id": of, "object": kind, "customer": customer}}})
	return string(body)
}

// sign is the header that Stripe sends with a body.
func (s *shop) sign(body, secret string, at time.Time) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(webhook.ComputeSignature(at, []byte(body), secret)))
}

// send posts a body as Stripe does.
func (s *shop) send(body, signature string) apptest.Page {
	b := s.Browser()
	b.Header.Set("Stripe-Signature", signature)
	b.Header.Set("Accept", "application/json")
	return b.Do("POST", hook, "application/json", body)
}

// tell sends an event about a subscription, signed as it should be.
func (s *shop) tell(typ, kind, of string) apptest.Page {
	s.seq++
	body := s.event(fmt.Sprintf("evt_%d", s.seq), typ, kind, of)
	return s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
}

// changed tells of a change of the subscription and runs the jobs.
func (s *shop) changed() {
	s.T.Helper()
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	s.RunJobs()
}
