package billing_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/queue"
)

// actions are the audit actions about billing since the start, oldest first.
func (s *shop) actions() (all []string) {
	s.T.Helper()
	for _, e := range slices.Backward(s.Events(200)) {
		if a := string(e.Action); strings.HasPrefix(a, "subscription.") || strings.HasPrefix(a, "invoice.") || strings.HasPrefix(a, "dunning.") || strings.HasPrefix(a, "dispute.") || strings.HasPrefix(a, "billing_customer.") {
			all = append(all, a)
		}
	}
	return all
}

func (s *shop) wantActions(want ...string) {
	s.T.Helper()
	if got := s.actions(); !slices.Equal(got, want) {
		s.T.Errorf("audit events:\n  got  %v\n  want %v", got, want)
	}
}

// state is what we make of the subscription.
func (s *shop) state() string {
	return s.Query(`SELECT state FROM billing_subscription WHERE id = 'sub_1'`)
}

// may reads what the org may use.
func (s *shop) may() *billing.Entitlements {
	s.T.Helper()
	e, err := s.Billing.Entitlements(s.T.Context(), s.org)
	s.Must(err)
	return e
}

func TestASubscriptionStarts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	s.tell("customer.subscription.created", "subscription", "sub_1")
	s.RunJobs()
	s.Expect(apptest.Happened{
		Audit: []string{"billing_customer.linked", "payment_method.changed", "subscription.started", "invoice.paid", "email.sent"},
		Jobs:  []string{"billing.look", "billing.tell", "email.deliver"},
		Ran:   []string{"billing.look completed", "billing.tell completed", "email.deliver completed"},
		Mails: []string{"ada@example.com: Receipt 2026-in_1 from Acme"},
		Rows: map[string]int{"billing_event": 1, "billing_customer": 1, "billing_subscription": 1, "billing_item": 1, "billing_invoice": 1,
			"billing_method": 1, "billing_notice": 1},
	})
	e := s.may()
	if e.Plan != "team" || e.Access != billing.AccessFull || !e.Has("reports") || e.Limits["seats"].Value != 1 || !e.Limits["projects"].Unlimited {
		t.Errorf("%+v", e)
	}
	s.owner.Get("/-/api/v1/billing/subscription").Want(200, `"plan":"team"`, `"state":"active"`)
	s.owner.Get("/-/api/v1/billing/invoices").Want(200, `"number":"2026-in_1"`)
	s.owner.Get("/-/api/v1/billing/entitlements").Want(200, `"features":["basics","reports"]`, `"used":{"seats":1}`)
}

func TestFault02TwoEventsOfOneChange(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.tell("customer.subscription.created", "subscription", "sub_1")
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	s.tell("invoice.updated", "invoice", "in_1")
	s.RunJobs()
	s.wantActions("billing_customer.linked", "subscription.started")
	if n := s.stripe.Called("GET subscriptions"); n != 1 {
		t.Errorf("%d fetches for a burst of three events", n)
	}
	if n := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event WHERE state = 'done'`); n != "3" {
		t.Errorf("%s events are done", n)
	}
}

func TestFault03And04EventsOutOfOrder(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"customer.subscription.updated", "customer.subscription.created"}, {"customer.subscription.created", "customer.subscription.updated"}} {
		s := newShop(t)
		s.subscribe("sub_1", "incomplete", nil)
		s.tell(order[0], "subscription", "sub_1")
		s.subscribe("sub_1", "active", nil) // within the same second
		s.tell(order[1], "subscription", "sub_1")
		s.RunJobs()
		if got := s.state(); got != "active" {
			t.Errorf("%v: %s", order, got)
		}
	}
}

func TestFault05ALateUpdateAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	late := s.event("evt_late", "customer.subscription.updated", "subscription", "sub_1")
	s.subscribe("sub_1", "canceled", object{"ended_at": s.Clock.Now().Unix()})
	s.tell("customer.subscription.deleted", "subscription", "sub_1")
	s.RunJobs()
	s.send(late, s.sign(late, secret, s.Clock.Now())).Want(200, "taken")
	s.RunJobs()
	if got := s.state(); got != "canceled" {
		t.Error(got)
	}
	s.wantActions("billing_customer.linked", "subscription.started", "subscription.ended")
	if e := s.may(); e.Plan != "free" || e.Access != billing.AccessFull {
		t.Errorf("%+v", e)
	}
}

func TestFault15AnotherVersionOfTheAPI(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	body := strings.Replace(s.event("evt_1", "customer.subscription.updated", "subscription", "sub_1"), "2023-10-16", "2026-09-30.dahlia", 1)
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200, "taken")
	s.RunJobs()
	if got := s.state(); got != "active" {
		t.Error(got)
	}
	if got := s.Query(`SELECT about FROM billing_alarm WHERE kind = 'api_version'`); !strings.Contains(got, "2026-09-30.dahlia") {
		t.Error(got)
	}
}

func TestFault17ACustomerWhomNobodyKnows(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.stripe.Put("cus_1", object{"metadata": object{}})
	s.tell("customer.updated", "customer", "cus_1")
	for range 5 {
		s.RunJobs()
		s.Clock.Advance(2 * time.Minute)
	}
	if got := s.Query(`SELECT state FROM billing_event`); got != "queued" {
		t.Errorf("after four tries: %s", got)
	}
	s.RunJobs()
	if got := s.Query(`SELECT state FROM billing_event`); got != "parked" {
		t.Errorf("after five pauses: %s", got)
	}
	if got := s.Query(`SELECT kind FROM billing_alarm`); got != "unknown_customer" {
		t.Error(got)
	}
	if n := s.stripe.Called("GET customers/cus_1"); n != 6 {
		t.Errorf("asked %d times", n)
	}
}

func TestFault18TheCustomerIsDeleted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.stripe.Put("cus_1", object{"deleted": true})
	s.tell("customer.deleted", "customer", "cus_1")
	s.RunJobs()
	s.wantActions("billing_customer.linked", "subscription.started", "subscription.ended", "billing_customer.unlinked")
	if e := s.may(); e.Plan != "free" {
		t.Errorf("%+v", e)
	}
	if s.Count("billing_subscription") != 1 || s.Count("billing_customer") != 1 {
		t.Error("the history is gone")
	}
}

func TestFault19TheNewestFetchWins(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	began, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s.subscribe("sub_1", "past_due", nil)
	s.stripe.Fails(func(r *http.Request) *http.Response {
		if strings.Contains(r.URL.Path, "/invoices") && first.CompareAndSwap(false, true) {
			close(began) // what it knows of the subscription is old by now
			<-goOn
		}
		return nil
	})
	done := make(chan error)
	go func() { done <- billing.SyncNow(s.Billing, t.Context(), "cus_1") }()
	<-began
	s.subscribe("sub_1", "active", object{"cancel_at_period_end": true})
	s.Must(billing.SyncNow(s.Billing, t.Context(), "cus_1"))
	close(goOn)
	s.Must(<-done)
	if got := s.Query(`SELECT status || ' ' || cancel_at_period_end FROM billing_subscription`); got != "active 1" {
		t.Errorf("the slow answer was taken: %s", got)
	}
}

func TestFault20NothingIsToldTwice(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	for range 3 { // as after a kill between the effect and the end of the job
		s.Must(billing.SyncNow(s.Billing, t.Context(), s.link()))
		s.RunJobs()
	}
	if n := len(s.Mails("ada@example.com")); n != 2 { // with the one of the sign-up
		t.Errorf("%d mails", n)
	}
}

// link binds the customer without an event.
func (s *shop) link() string {
	s.T.Helper()
	s.Must(billing.LinkNow(s.Billing, s.T.Context(), "cus_1", s.org))
	return "cus_1"
}

func TestFault24APriceThatBelongsToNoPlan(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	strange := object{"id": "price_x", "object": "price", "active": false, "currency": "eur", "unit_amount": 900, "recurring": object{"interval": "month", "interval_count": 1}}
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{{"id": "si_1", "quantity": 1, "price": strange}}}})
	s.changed()
	if e := s.may(); e.Plan != "team" || !e.Has("reports") {
		t.Errorf("the last entitlements are not kept: %+v", e)
	}
	if got := s.Query(`SELECT about FROM billing_alarm WHERE kind = 'unmapped_price' AND cleared_at IS NULL`); !strings.Contains(got, "price_x") {
		t.Error(got)
	}
	s.Key("payments:manage").Do("PUT", "/-/api/v1/billing/plans", "application/json", `{"key":"team","kind":"plan","name":"Team","rank":10,"trial_days":14,"version":1,"features":["basics","reports"],"limits":{},"prices":["price_team","price_x"]}`).Want(200)
	s.changed()
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_alarm WHERE cleared_at IS NULL`); got != "0" {
		t.Errorf("%s alarms stay", got)
	}
}

func TestFault33AStormOfTooManyRequests(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	var storm atomic.Bool
	storm.Store(true)
	s.stripe.Fails(func(*http.Request) *http.Response {
		if storm.Load() {
			return apptest.FailingStripe(429, "rate_limit")
		}
		return nil
	})
	for range 50 {
		s.tell("customer.subscription.updated", "subscription", "sub_1")
	}
	ran := s.RunJobs()
	if len(ran) != 1 || ran[0].State != queue.Retryable {
		t.Fatalf("%d ran, the first is %+v", len(ran), ran[0])
	}
	storm.Store(false)
	s.Clock.Advance(time.Minute)
	s.RunJobs()
	if got := s.state(); got != "active" {
		t.Error(got)
	}
	if n := s.stripe.Called("GET subscriptions"); n != 1 {
		t.Errorf("%d fetches after the storm", n)
	}
	if n := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event WHERE state = 'done'`); n != "50" {
		t.Errorf("%s of 50 events are done", n)
	}
}

func TestAnUnknownStatusKeepsTheState(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.subscribe("sub_1", "hibernating", nil)
	s.changed()
	if got := s.state(); got != "active" {
		t.Error(got)
	}
	if got := s.Query(`SELECT about FROM billing_alarm WHERE kind = 'unknown_status'`); !strings.Contains(got, "hibernating") {
		t.Error(got)
	}
}

func TestADisputeAndARefund(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	s.changed()
	s.stripe.Put("ch_1", object{"object": "charge", "customer": "cus_1", "invoice": "in_1", "payment_method_details": object{"card": object{"brand": "visa", "last4": "4242"}},
		"refunds": object{"object": "list", "data": []object{{"id": "re_1", "object": "refund", "amount": 900, "currency": "eur", "status": "succeeded", "created": s.Clock.Now().Unix()}}}})
	s.tell("charge.refunded", "charge", "ch_1")
	s.RunJobs()
	if mails := s.Mails("ada@example.com"); !strings.Contains(mails[0].Subject, "refund of 9.00 EUR") {
		t.Error(mails[0].Subject)
	}
	s.stripe.Put("dp_1", object{"object": "dispute", "amount": 4900, "currency": "eur", "status": "needs_response", "reason": "fraudulent", "created": s.Clock.Now().Unix(),
		"charge": object{"id": "ch_1", "object": "charge", "customer": "cus_1"}})
	s.tell("charge.dispute.created", "dispute", "dp_1")
	s.RunJobs()
	s.stripe.Put("dp_1", object{"status": "won"})
	s.tell("charge.dispute.closed", "dispute", "dp_1")
	s.RunJobs()
	s.wantActions("billing_customer.linked", "subscription.started", "invoice.paid", "dispute.opened", "dispute.closed")
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_alarm WHERE cleared_at IS NULL`); got != "0" {
		t.Errorf("%s alarms stay", got)
	}
}
