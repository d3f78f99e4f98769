package stripesim

import (
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/testhelpers/testclock"
)

// Who has canceled is not charged for what was open: Stripe stops collecting it.
func TestNothingIsCollectedAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	sub := s.subscribe(s.buyer("pm_card_visa").ID, s.price(1000, "eur", "month").ID, 1)
	s.FailNextPayment("")
	s.must(s.Advance(t.Context(), time.Unix(sub.CurrentPeriodEnd, 0).Sub(s.Now())+2*time.Hour))
	if got := s.status(sub.ID); got != "past_due" {
		t.Fatal(got)
	}
	_, err := s.subscriptions().Cancel(sub.ID, nil)
	s.must(err)
	s.must(s.Advance(t.Context(), 20*24*time.Hour))
	inv := s.all("invoice")[0]
	if inv.str("status") != "open" || inv.num("attempt_count") != 1 || inv.yes("auto_advance") {
		t.Errorf("the invoice is %s after %d attempts", inv.str("status"), inv.num("attempt_count"))
	}
}

func TestATestClockGoesTwoYearsAtMost(t *testing.T) {
	t.Parallel()
	s := newShop(t, "")
	clocks := testclock.Client{B: s.b, Key: key}
	c, err := clocks.New(&stripe.TestHelpersTestClockParams{FrozenTime: stripe.Int64(s.Now().Unix())})
	s.must(err)
	_, err = clocks.Advance(c.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(s.Now().AddDate(900, 0, 0).Unix())})
	if e := failure(t, err); e.HTTPStatusCode != 400 || e.Param != "frozen_time" {
		t.Error(e)
	}
	_, err = clocks.Advance(c.ID, &stripe.TestHelpersTestClockAdvanceParams{FrozenTime: stripe.Int64(s.Now().AddDate(0, 2, 0).Unix())})
	s.must(err)
}
