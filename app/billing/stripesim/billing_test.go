package stripesim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/invoice"
)

// TestProrationVectors holds the table of the specification; A is April 2026.
func TestProrationVectors(t *testing.T) {
	t.Parallel()
	const start, end = 1775001600, 1777593600
	for _, c := range []struct {
		name              string
		old, q, fresh, fq int64
		currency, then    string
		at                int64
		lines             []int64
		behaviour         string
		net, newPeriod    int64
	}{
		{"upgrade", 1000, 1, 2000, 1, "eur", "month", 1776297600, []int64{-500, 1000}, "always_invoice", 500, end},
		{"downgrade", 4900, 1, 1900, 1, "eur", "month", 1775889015, []int64{-3222, 1250}, "always_invoice", -1972, end},
		{"quantity", 700, 3, 700, 5, "eur", "month", 1776707109, []int64{-718, 1197}, "always_invoice", 479, end},
		{"interval", 1900, 1, 19000, 1, "eur", "year", 1775889015, []int64{-1250, 19000}, "create_prorations", 17750, 1807425015},
		{"yen", 500, 1, 980, 1, "jpy", "month", 1775704867, []int64{-364, 714}, "always_invoice", 350, end},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, "")
			s.clock = time.Unix(start, 0)
			old, fresh := s.price(c.old, c.currency, "month"), s.price(c.fresh, c.currency, c.then)
			sub := s.subscribe(s.buyer("pm_card_visa").ID, old.ID, c.q)
			if sub.CurrentPeriodEnd != end {
				t.Fatalf("period ends %d", sub.CurrentPeriodEnd)
			}
			s.clock = time.Unix(c.at, 0)
			items := []*stripe.SubscriptionItemsParams{{ID: &sub.Items.Data[0].ID, Price: &fresh.ID, Quantity: &c.fq}}
			preview, err := invoice.Client{B: s.b, Key: key}.Upcoming(&stripe.InvoiceUpcomingParams{Subscription: &sub.ID, SubscriptionItems: items, SubscriptionProrationDate: &c.at, SubscriptionProrationBehavior: &c.behaviour})
			s.must(err)
			if got := amounts(preview); got != fmt.Sprint(c.lines) || preview.Total != c.net {
				t.Errorf("preview %s = %d", got, preview.Total)
			}
			if now, err := s.subscriptions().Get(sub.ID, nil); err != nil || now.Items.Data[0].Price.ID != old.ID || len(s.all("invoice")) != 1 {
				t.Errorf("a preview changed something: %v", err)
			}
			p := &stripe.SubscriptionParams{Items: items, ProrationDate: &c.at, ProrationBehavior: &c.behaviour}
			p.AddExpand("latest_invoice")
			got, err := s.subscriptions().Update(sub.ID, p)
			s.must(err)
			if lines := amounts(got.LatestInvoice); lines != fmt.Sprint(c.lines) || got.LatestInvoice.Total != c.net || got.CurrentPeriodEnd != c.newPeriod {
				t.Errorf("%s = %d, until %d", lines, got.LatestInvoice.Total, got.CurrentPeriodEnd)
			}
		})
	}
}

func amounts(inv *stripe.Invoice) string {
	var all []int64
	for _, l := range inv.Lines.Data {
		all = append(all, l.Amount)
	}
	return fmt.Sprint(all)
}

func TestRoundingIsToTheNearestOnceALine(t *testing.T) {
	t.Parallel()
	if got := prorate(1000, 1, 1489449600-28*86400, 1489449600, 1488568488); got != 364 {
		t.Errorf("364.216 is %d", got)
	}
	if got := round(-5, 2); got != -3 {
		t.Errorf("-2.5 is %d", got)
	}
}

func TestProrationOfLargeAmounts(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * 3600
	for at, want := range map[int64]int64{0: 9_999_999_900_000, year / 2: 4_999_999_950_000, year: 0} {
		if got := prorate(99_999_999, 100_000, 0, year, at); got != want {
			t.Errorf("at %d: %d, want %d", at, got, want)
		}
	}
}

func TestARenewalIsADraftForAnHourAndThenPaid(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
	end := time.Unix(sub.CurrentPeriodEnd, 0).UTC()
	if want := time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC); !end.Equal(want) {
		t.Fatalf("a month from 31 January ends %s", end)
	}
	s.must(s.Advance(t.Context(), end.Sub(s.Now())))
	inv := s.all("invoice")[0]
	if inv.str("status") != "draft" || inv.num("total") != 1000 {
		t.Fatalf("renewal %s over %d", inv.str("status"), inv.num("total"))
	}
	s.must(s.Advance(t.Context(), time.Hour))
	now, err := s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if next := time.Unix(now.CurrentPeriodEnd, 0).UTC(); s.status(inv.str("id")) != "paid" || next.Day() != 31 || next.Month() != 3 {
		t.Errorf("invoice %s, next end %s", s.status(inv.str("id")), next)
	}
}

func TestAFailedRenewalIsTriedEightTimesInTwoWeeks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, ends string }{{"", "past_due"}, {"unpaid", "unpaid"}, {"cancel", "canceled"}} {
		s := newShop(t, "")
		s.must(s.SetFaults(t.Context(), Faults{EndRule: c.rule}))
		sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
		_, err := s.customers().Update(sub.Customer.ID, &stripe.CustomerParams{PaymentMethod: stripe.String("pm_card_chargeCustomerFail")})
		s.must(err)
		bad := s.all("payment_method")[0].str("id")
		_, err = s.customers().Update(sub.Customer.ID, &stripe.CustomerParams{InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: &bad}})
		s.must(err)
		s.must(s.Advance(t.Context(), time.Unix(sub.CurrentPeriodEnd, 0).Sub(s.Now())+time.Hour))
		inv := s.all("invoice")[0].str("id")
		if s.status(sub.ID) != "past_due" || s.status(inv) != "open" {
			t.Fatalf("subscription %s, invoice %s", s.status(sub.ID), s.status(inv))
		}
		s.must(s.Advance(t.Context(), 14*24*time.Hour))
		if got := s.objects[inv].num("attempt_count"); got != 9 || s.status(sub.ID) != c.ends || s.objects[inv]["next_payment_attempt"] != nil {
			t.Errorf("rule %q: %d attempts, %s", c.rule, got, s.status(sub.ID))
		}
	}
}

func TestWhatIsNotPaidInTimeExpires(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	sub := s.subscribe(s.buyer("pm_card_chargeCustomerFail").ID, s.price(1000, "eur", "month").ID, 1)
	if sub.Status != "incomplete" {
		t.Fatalf("status %s", sub.Status)
	}
	s.must(s.Advance(t.Context(), 23*time.Hour))
	if s.status(sub.ID) != "incomplete_expired" || s.status(sub.LatestInvoice.ID) != "void" {
		t.Errorf("%s, %s", s.status(sub.ID), s.status(sub.LatestInvoice.ID))
	}
}

func TestTrialsEndWithNotice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ behaviour, ends string }{{"pause", "paused"}, {"cancel", "canceled"}} {
		s := newShop(t, "")
		cus, err := s.customers().New(&stripe.CustomerParams{})
		s.must(err)
		sub, err := s.subscriptions().New(&stripe.SubscriptionParams{Customer: &cus.ID, TrialPeriodDays: stripe.Int64(14), Items: []*stripe.SubscriptionItemsParams{{Price: stripe.String(s.price(1000, "eur", "month").ID)}},
			TrialSettings: &stripe.SubscriptionTrialSettingsParams{EndBehavior: &stripe.SubscriptionTrialSettingsEndBehaviorParams{MissingPaymentMethod: &c.behaviour}}})
		s.must(err)
		s.must(s.Advance(t.Context(), 11*24*time.Hour))
		if e := s.all("event")[0]; sub.Status != "trialing" || e.str("type") != "customer.subscription.trial_will_end" {
			t.Errorf("%s, last event %s", sub.Status, e.str("type"))
		}
		s.must(s.Advance(t.Context(), 3*24*time.Hour))
		if s.status(sub.ID) != c.ends {
			t.Errorf("%s: %s", c.behaviour, s.status(sub.ID))
		}
	}
}

func TestAnUpgradeThatNeedsTheOwnerWaits(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	old, fresh := s.price(1000, "eur", "month"), s.price(2000, "eur", "month")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, old.ID, 1)
	_, err := s.customers().Update(sub.Customer.ID, &stripe.CustomerParams{PaymentMethod: stripe.String("pm_card_authenticationRequired")})
	s.must(err)
	_, err = s.customers().Update(sub.Customer.ID, &stripe.CustomerParams{InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String(s.all("payment_method")[0].str("id"))}})
	s.must(err)
	s.clock = s.clock.AddDate(0, 0, 10)
	got, err := s.subscriptions().Update(sub.ID, &stripe.SubscriptionParams{Items: []*stripe.SubscriptionItemsParams{{ID: &sub.Items.Data[0].ID, Price: &fresh.ID}}, ProrationBehavior: stripe.String("always_invoice"), PaymentBehavior: stripe.String("pending_if_incomplete")})
	s.must(err)
	if got.PendingUpdate == nil || got.Items.Data[0].Price.ID != old.ID || got.Status != "active" {
		t.Fatalf("pending %v, price %s, %s", got.PendingUpdate, got.Items.Data[0].Price.ID, got.Status)
	}
	s.must(s.Advance(t.Context(), 23*time.Hour))
	if got, err = s.subscriptions().Get(sub.ID, nil); err != nil || got.PendingUpdate != nil || got.Items.Data[0].Price.ID != old.ID || s.status(got.LatestInvoice.ID) != "void" {
		t.Errorf("abandoned: %+v, %v", got.PendingUpdate, err)
	}
}

func TestACreditIsUsedByTheNextInvoice(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	cus := s.buyer("pm_card_visa")
	_, err := s.customers().Update(cus.ID, &stripe.CustomerParams{Balance: stripe.Int64(-300)})
	s.must(err)
	sub := s.subscribe(cus.ID, s.price(1000, "eur", "month").ID, 1)
	inv := s.objects[sub.LatestInvoice.ID]
	if inv.num("amount_paid") != 700 || s.objects[cus.ID].num("balance") != 0 {
		t.Errorf("paid %d, balance %d", inv.num("amount_paid"), s.objects[cus.ID].num("balance"))
	}
}
