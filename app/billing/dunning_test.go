package billing_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
)

const oneDay = 24 * time.Hour

// behind has a renewal fail today.
func (s *shop) behind(fields object) {
	s.T.Helper()
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.subscribe("sub_1", "past_due", object{"latest_invoice": "in_2"})
	all := object{"attempt_count": 1, "next_payment_attempt": s.Clock.Now().Add(3 * oneDay).Unix()}
	for k, v := range fields {
		all[k] = v
	}
	s.bill("in_2", "open", all)
	s.tell("invoice.payment_failed", "invoice", "in_2")
	s.RunJobs()
}

// on moves to a day after the failure and lets what is due happen.
func (s *shop) on(day int) {
	s.T.Helper()
	s.Clock.Advance(apptest.Epoch.Add(time.Duration(day) * oneDay).Add(time.Minute).Sub(s.Clock.Now()))
	s.RunJobs()
}

// subjects are those of the mails about money, oldest first.
func (s *shop) subjects() (all []string) {
	s.T.Helper()
	for _, m := range s.Mails("ada@example.com") {
		if !strings.Contains(m.Subject, "Confirm your address") && !strings.Contains(m.Subject, "verify") {
			all = append([]string{m.Subject}, all...)
		}
	}
	return all
}

func (s *shop) wantMails(want ...string) {
	s.T.Helper()
	got := s.subjects()
	if len(got) > 0 && !strings.Contains(got[0], "ayment") && !strings.Contains(got[0], "eceipt") && !strings.Contains(got[0], "rial") && !strings.Contains(got[0], "limited") {
		got = got[1:] // of the sign-up
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		s.T.Errorf("mails:\n  got  %q\n  want %q", got, want)
	}
}

func (s *shop) wantAccess(state billing.State, access string) {
	s.T.Helper()
	if e := s.may(); e.State != state || e.Access != access {
		s.T.Errorf("the org is %s with access %s, want %s and %s", e.State, e.Access, state, access)
	}
}

func TestTheCalendarOfMoneyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.on(1)
	s.wantMails() // most is paid at Stripe's next try
	s.on(2)
	s.on(5)
	s.on(10)
	s.wantMails("Your payment for Acme did not go through", "Your payment for Acme is still due", "Ada Lovelace will be limited on 6 Dec 2026")
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.on(14)
	s.wantAccess(billing.Restricted, billing.AccessRead)
	s.OrgKey(s.org, "billing:read").Get("/-/api/v1/billing/subscription").Want(200, `"state":"restricted"`, `"plan_ends_on":"2026-12-20T14:05:00Z"`)
	s.on(21)
	s.on(28)
	if n := s.stripe.Called("DELETE subscriptions/sub_1"); n != 1 {
		t.Errorf("ended %d times at Stripe", n)
	}
	s.wantAccess(billing.None, billing.AccessFull) // the free plan
	if e := s.may(); e.Plan != "free" {
		t.Errorf("%+v", e)
	}
	s.wantActions("billing_customer.linked", "subscription.started", "subscription.changed", "invoice.payment_failed", "dunning.begun", "dunning.restricted", "dunning.given_up", "subscription.ended")
}

func TestPaidAtTheLastMoment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.on(2)
	s.on(14)
	s.wantAccess(billing.Restricted, billing.AccessRead)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_2", "paid", nil)
	s.tell("invoice.paid", "invoice", "in_2")
	s.RunJobs()
	s.wantAccess(billing.Active, billing.AccessFull)
	if got := s.subjects(); !strings.Contains(strings.Join(got, "|"), "Thank you: ") {
		t.Errorf("%q", got)
	}
	s.on(28)
	s.wantAccess(billing.Active, billing.AccessFull)
}

func TestAHardDeclineIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields object
		want   string
	}{
		"the bank asks":  {object{"payment_intent": object{"id": "pi_1", "status": "requires_action"}}, "Your bank asks you to confirm a payment to Acme"},
		"a stolen card":  {object{"payment_intent": object{"id": "pi_1", "status": "requires_payment_method", "last_payment_error": object{"type": "card_error", "code": "card_declined", "decline_code": "stolen_card"}}}, "Your payment for Acme did not go through"},
		"no more tries":  {object{"next_payment_attempt": nil}, "Your payment for Acme did not go through"},
		"a soft decline": {object{"payment_intent": object{"id": "pi_1", "status": "requires_payment_method", "last_payment_error": object{"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.behind(c.fields)
			if c.want == "" {
				s.wantMails()
				return
			}
			s.wantMails(c.want)
			s.on(2)
			s.wantMails(c.want) // the first mail is one mail
		})
	}
}

func TestFault27APaymentWhileAReminderIsQueued(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.Clock.Advance(2*oneDay + time.Minute)
	s.Must(billing.SyncNow(s.Billing, t.Context(), "cus_1")) // the reminder is decided on and queued
	if got := s.Query(`SELECT state FROM billing_notice WHERE key = 'dunning:in_2:first'`); got != "queued" {
		t.Fatal(got)
	}
	s.subscribe("sub_1", "active", nil)
	s.bill("in_2", "paid", nil)
	s.Must(billing.SyncNow(s.Billing, t.Context(), "cus_1"))
	s.RunJobs()
	if got := s.Query(`SELECT state || ': ' || note FROM billing_notice WHERE key = 'dunning:in_2:first'`); got != "suppressed: nothing is owed any more" {
		t.Error(got)
	}
	if got := strings.Join(s.subjects(), "|"); strings.Contains(got, "did not go through") {
		t.Error(got)
	}
}

func TestFault29ADisputePausesReminders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.stripe.Put("dp_1", object{"object": "dispute", "amount": 4900, "currency": "eur", "status": "needs_response", "created": s.Clock.Now().Unix(), "charge": object{"id": "ch_1", "customer": "cus_1"}})
	s.on(4)
	s.tell("charge.dispute.created", "dispute", "dp_1")
	s.RunJobs()
	s.on(20)
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.stripe.Put("dp_1", object{"status": "won"})
	s.tell("charge.dispute.closed", "dispute", "dp_1")
	s.RunJobs()
	s.on(29) // sixteen days were not counted
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.on(31)
	s.wantAccess(billing.Restricted, billing.AccessRead)
}

func TestFault31StripeIsDownWhenAccessIsToNarrow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.on(10)
	var down atomic.Bool
	down.Store(true)
	s.stripe.Fails(func(*http.Request) *http.Response {
		if down.Load() {
			return apptest.FailingStripe(500, "")
		}
		return nil
	})
	s.on(14)
	for range 12 {
		s.Clock.Advance(30 * time.Minute)
		s.RunJobs()
	}
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.subscribe("sub_1", "active", nil) // paid meanwhile, and no event came through
	s.bill("in_2", "paid", nil)
	down.Store(false)
	s.Clock.Advance(time.Hour)
	s.RunJobs()
	s.wantAccess(billing.Active, billing.AccessFull)
	for _, a := range s.actions() {
		if a == "dunning.restricted" {
			t.Error("access was narrowed")
		}
	}
}

func TestTriflesLimitNobody(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(object{"amount_remaining": 99})
	s.on(20)
	s.wantAccess(billing.Grace, billing.AccessFull)
	if s.Count("billing_dunning") != 0 {
		t.Error("99 cents are dunned for")
	}
}

func TestSomebodyWhoIsFoundLateIsNotCutOff(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.bill("in_2", "open", object{"attempt_count": 4, "next_payment_attempt": nil, "created": s.Clock.Now().Add(-40 * oneDay).Unix(), "status_transitions": object{"finalized_at": s.Clock.Now().Add(-40 * oneDay).Unix()}})
	s.subscribe("sub_1", "past_due", nil)
	s.changed()
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.wantMails("Your payment for Acme did not go through")
}

func TestATrialThatEnds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	end := s.Clock.Now().Add(14 * oneDay)
	s.subscribe("sub_1", "trialing", object{"trial_end": end.Unix()})
	s.changed()
	s.on(10)
	s.wantMails()
	s.on(11)
	s.wantMails("Your trial of Acme ends on 6 Dec 2026")
	s.subscribe("sub_1", "paused", object{"trial_end": end.Unix()})
	s.on(15)
	s.changed()
	s.wantAccess(billing.Restricted, billing.AccessRead)
}
