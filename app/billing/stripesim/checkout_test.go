package stripesim

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
	portal "github.com/stripe/stripe-go/v76/billingportal/session"
	checkout "github.com/stripe/stripe-go/v76/checkout/session"
)

func (s *shop) checkout(customer string) *stripe.CheckoutSession {
	s.Helper()
	o, err := checkout.Client{B: s.b, Key: key}.New(&stripe.CheckoutSessionParams{Mode: stripe.String("subscription"), Customer: &customer, SuccessURL: stripe.String("http://shop.test/back?s={CHECKOUT_SESSION_ID}"),
		LineItems:        []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(s.price(1000, "eur", "month").ID), Quantity: stripe.Int64(3)}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{Metadata: map[string]string{"org": "org_1"}}})
	s.must(err)
	return o
}

func TestACheckoutIsPaid(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	cus, err := s.customers().New(&stripe.CustomerParams{})
	s.must(err)
	o := s.checkout(cus.ID)
	for _, number := range []string{"4000000000000002", "4000000000009995", "4000000000000069", "4000000000000341", "1234"} {
		if _, _, err := s.CompleteCheckout(t.Context(), o.ID, number, false); err == nil || s.status(o.ID) != "open" || len(s.all("subscription")) != 0 {
			t.Errorf("%s: %v, %s", number, err, s.status(o.ID))
		}
	}
	if _, ask, err := s.CompleteCheckout(t.Context(), o.ID, "4000002760003184", false); err != nil || !ask || s.status(o.ID) != "open" {
		t.Errorf("3DS: asks %v, %v", ask, err)
	}
	next, _, err := s.CompleteCheckout(t.Context(), o.ID, "4000002760003184", true)
	s.must(err)
	sub := s.all("subscription")[0]
	if next != "http://shop.test/back?s="+o.ID || sub.str("status") != "active" || sub.sub("metadata").str("org") != "org_1" || s.objects[sub.str("latest_invoice")].num("amount_paid") != 3000 {
		t.Errorf("%s %v", next, sub)
	}
	if _, _, err := s.CompleteCheckout(t.Context(), o.ID, "4242424242424242", false); err == nil {
		t.Error("it can be paid twice")
	}
}

func TestAPortalChangesTheCardAndCancels(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	cus := s.buyer("pm_card_visa")
	sub := s.subscribe(cus.ID, s.price(1000, "eur", "month").ID, 1)
	o, err := portal.Client{B: s.b, Key: key}.New(&stripe.BillingPortalSessionParams{Customer: &cus.ID, ReturnURL: stripe.String("http://shop.test/")})
	s.must(err)
	s.must(s.PortalCard(t.Context(), o.ID, "5555555555554444"))
	if pm := s.objects[s.objects[cus.ID].sub("invoice_settings").str("default_payment_method")]; pm.sub("card").str("last4") != "4444" {
		t.Errorf("card %v", pm)
	}
	s.must(s.PortalCancel(t.Context(), o.ID, sub.ID, true))
	if !s.objects[sub.ID].yes("cancel_at_period_end") {
		t.Error("it goes on")
	}
	s.must(s.PortalCancel(t.Context(), o.ID, sub.ID, false))
	if s.objects[sub.ID].yes("cancel_at_period_end") || s.objects[sub.ID]["cancel_at"] != nil {
		t.Error("it ends")
	}
}
