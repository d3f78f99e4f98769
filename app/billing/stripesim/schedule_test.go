package stripesim

import (
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/invoice"
	"github.com/stripe/stripe-go/v76/subscriptionschedule"
)

func (s *shop) schedules() subscriptionschedule.Client {
	return subscriptionschedule.Client{B: s.b, Key: key}
}

// later has a subscription become another price with its next period.
func (s *shop) later(sub *stripe.Subscription, price string, quantity int64) *stripe.SubscriptionSchedule {
	s.Helper()
	o, err := s.schedules().New(&stripe.SubscriptionScheduleParams{FromSubscription: &sub.ID})
	s.must(err)
	item := sub.Items.Data[0]
	o, err = s.schedules().Update(o.ID, &stripe.SubscriptionScheduleParams{EndBehavior: stripe.String("release"), Phases: []*stripe.SubscriptionSchedulePhaseParams{
		{StartDate: &o.CurrentPhase.StartDate, EndDate: &o.CurrentPhase.EndDate, Items: []*stripe.SubscriptionSchedulePhaseItemParams{{Price: &item.Price.ID, Quantity: &item.Quantity}}},
		{Iterations: stripe.Int64(1), ProrationBehavior: stripe.String("none"), Items: []*stripe.SubscriptionSchedulePhaseItemParams{{Price: &price, Quantity: &quantity}}}}})
	s.must(err)
	return o
}

// types are the events so far, the oldest first.
func (s *shop) types() string {
	var all []string
	for _, e := range s.all("event") {
		all = append([]string{e.str("type")}, all...)
	}
	return strings.Join(all, " ")
}

func TestAScheduleChangesTheItemsWithThePeriod(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	old, small := s.price(9900, "eur", "month"), s.price(4900, "eur", "month")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, old.ID, 1)
	o := s.later(sub, small.ID, 2)
	if len(o.Phases) != 2 || o.Phases[1].StartDate != sub.CurrentPeriodEnd || o.EndBehavior != "release" {
		t.Fatalf("%+v", o)
	}
	up, err := invoice.Client{B: s.b, Key: key}.Upcoming(&stripe.InvoiceUpcomingParams{Subscription: &sub.ID})
	s.must(err)
	if up.AmountDue != 9800 {
		t.Errorf("the next invoice is to be %d", up.AmountDue)
	}
	s.must(s.Advance(t.Context(), 30*24*time.Hour))
	now, err := s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if it := now.Items.Data[0]; it.Price.ID != small.ID || it.Quantity != 2 || it.ID != sub.Items.Data[0].ID {
		t.Errorf("%s × %d", it.Price.ID, it.Quantity)
	}
	if now.CurrentPeriodStart != sub.CurrentPeriodEnd || now.Schedule == nil || now.LatestInvoice == nil {
		t.Errorf("%+v", now)
	}
	if inv := s.objects[now.LatestInvoice.ID]; inv.num("total") != 9800 || len(inv.rows("lines")) != 1 {
		t.Errorf("billed %v", inv["total"])
	}
	s.must(s.Advance(t.Context(), 31*24*time.Hour)) // the last phase is over
	now, err = s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if o, err = s.schedules().Get(o.ID, nil); err != nil || o.Status != "released" || now.Schedule != nil || now.Items.Data[0].Price.ID != small.ID {
		t.Errorf("%+v, %v", o, err)
	}
	for _, want := range []string{"subscription_schedule.created", "subscription_schedule.updated", "subscription_schedule.released", "customer.subscription.updated"} {
		if !strings.Contains(s.types(), want) {
			t.Errorf("no %s in %s", want, s.types())
		}
	}
}

func TestAScheduleToAnotherIntervalBeginsAPeriod(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	year, month := s.price(99000, "eur", "year"), s.price(9900, "eur", "month")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, year.ID, 1)
	s.later(sub, month.ID, 1)
	s.must(s.Advance(t.Context(), 365*24*time.Hour))
	now, err := s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if d := now.CurrentPeriodEnd - now.CurrentPeriodStart; now.CurrentPeriodStart != sub.CurrentPeriodEnd || d != 28*86400 {
		t.Errorf("a period of %d days", d/86400)
	}
}

func TestAReleasedScheduleChangesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	old, small := s.price(9900, "eur", "month"), s.price(4900, "eur", "month")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, old.ID, 1)
	o := s.later(sub, small.ID, 1)
	_, err := s.subscriptions().Update(sub.ID, &stripe.SubscriptionParams{CancelAtPeriodEnd: stripe.Bool(true)})
	if e := failure(t, err); !strings.Contains(e.Msg, "managed by the subscription schedule") {
		t.Error(e.Msg)
	}
	_, err = s.schedules().New(&stripe.SubscriptionScheduleParams{FromSubscription: &sub.ID})
	failure(t, err)
	_, err = s.schedules().Release(o.ID, nil)
	s.must(err)
	_, err = s.schedules().Release(o.ID, nil)
	failure(t, err)
	s.must(s.Advance(t.Context(), 31*24*time.Hour))
	now, err := s.subscriptions().Get(sub.ID, nil)
	s.must(err)
	if now.Items.Data[0].Price.ID != old.ID || now.Schedule != nil {
		t.Errorf("%+v", now.Items.Data[0].Price)
	}
	o = s.later(sub, small.ID, 1)
	_, err = s.subscriptions().Cancel(sub.ID, nil)
	s.must(err)
	if o, err = s.schedules().Get(o.ID, nil); err != nil || o.Status != "canceled" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestADiscountIsTakenAway(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
	_, err := s.subscriptions().DeleteDiscount(sub.ID, nil)
	failure(t, err)
}
