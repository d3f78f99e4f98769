package billing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
)

// A new card pays what is overdue of what goes on, and nothing of what has ended.
func TestANewCardPaysNothingOfAnEndedSubscription(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_old", "canceled", object{"ended_at": s.Clock.Now().Unix()})
	s.bill("in_old", "open", object{"subscription": "sub_old", "attempt_count": 8})
	s.behind(nil)
	s.stripe.Put("cus_1", object{"invoice_settings": object{"default_payment_method": object{"id": "pm_2", "object": "payment_method", "type": "card", "card": object{"brand": "visa", "last4": "1111"}}}})
	given := s.remember()
	s.tell("customer.updated", "customer", "cus_1")
	s.RunJobs()
	if f := given("POST invoices/in_2/pay"); f.Get("payment_method") != "pm_2" {
		t.Errorf("what is overdue is paid with %v", f)
	}
	if f := given("POST invoices/in_old/pay"); f != nil {
		t.Errorf("what has ended is paid with %v", f)
	}
}

// A card that was refused has money by now: it is asked again, not Stripe's memory of it.
func TestACardThatWasRefusedIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	card := func(id string) {
		s.stripe.Put("cus_1", object{"invoice_settings": object{"default_payment_method": object{"id": id, "object": "payment_method", "type": "card", "card": object{"brand": "visa", "last4": "1111"}}}})
		s.tell("customer.updated", "customer", "cus_1")
		s.RunJobs()
	}
	card("pm_2")
	s.bill("in_2", "open", object{"attempt_count": 2})
	card("pm_3")
	card("pm_2")
	pays := map[string]bool{}
	for _, k := range s.stripe.Keys {
		if strings.Contains(k, "pay:in_2:pm_2:") {
			pays[k] = true
		}
	}
	if len(pays) != 2 {
		t.Errorf("the keys of its payments are %v", pays)
	}
}

func TestADeletedCustomerOwesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "open", object{"subscription": nil, "attempt_count": 1})
	s.changed()
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.stripe.Put("cus_1", object{"deleted": true})
	s.tell("customer.deleted", "customer", "cus_1")
	s.RunJobs()
	if n := s.Count("billing_dunning"); n != 0 {
		t.Errorf("%d are reminded", n)
	}
	s.on(30)
	s.wantAccess(billing.None, billing.AccessFull)
}

// Money for something else narrows access until it is paid, but ends no plan: that one
// is paid for.
func TestAnInvoiceOfNoSubscriptionEndsNoPlan(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "open", object{"subscription": nil, "attempt_count": 1, "next_payment_attempt": s.Clock.Now().Add(3 * oneDay).Unix()})
	s.changed()
	for _, day := range []int{2, 5, 10, 14} {
		s.on(day)
	}
	s.wantAccess(billing.Restricted, billing.AccessRead)
	s.owner = s.Browser()
	s.owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
	if p := s.owner.Get(api+"subscription").Want(200, `"state":"restricted"`); strings.Contains(p.Body, "plan_ends_on") {
		t.Error(p.Body)
	}
	s.owner.Get("/-/billing").Want(200, "is read-only until it is paid.").Without("the plan ends")
	if m := s.Mails("ada@example.com")[0]; !strings.Contains(m.Subject, "is now limited") || strings.Contains(m.Text, "the plan ends") {
		t.Errorf("%s: %s", m.Subject, m.Text)
	}
	s.Operator("grace@example.com").Get("/-/admin/billing").Want(200, "it stays read-only until it is paid")
	s.on(40)
	s.wantAccess(billing.Restricted, billing.AccessRead)
	if n := s.stripe.Called("DELETE subscriptions"); n != 0 {
		t.Error("a plan that is paid for was ended")
	}
	s.bill("in_1", "paid", object{"subscription": nil})
	s.changed()
	s.wantAccess(billing.Active, billing.AccessFull)
	if e := s.may(); e.Plan != "team" {
		t.Errorf("%+v", e)
	}
}

// An invoice that is older than the newest hundred is in no list once it is paid.
func TestAnOldInvoiceThatIsPaidIsNotOwed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.stripe.Fails(func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/v1/invoices") {
			answer := httptest.NewRecorder()
			answer.Header().Set("Content-Type", "application/json")
			answer.WriteString(`{"object":"list","url":"/v1/invoices","has_more":false,"data":[]}`)
			return answer.Result()
		}
		return nil
	})
	s.bill("in_2", "paid", nil)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	if got := s.Query(`SELECT status FROM billing_invoice WHERE id = 'in_2'`); got != "paid" {
		t.Errorf("it is %s here", got)
	}
	s.wantAccess(billing.Active, billing.AccessFull)
}

// A pause that is left on what has ended: nobody waits for it to begin or to end.
func TestAPauseOfWhatHasEndedIsLookedAtNoMore(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*shop){
		"canceled": func(s *shop) {
			s.stripe.Put("sub_1", object{"status": "canceled", "ended_at": s.Clock.Now().Unix()})
			s.tell("customer.subscription.deleted", "subscription", "sub_1")
		},
		"not listed": func(s *shop) {
			s.stripe.Remove("sub_1")
			s.tell("customer.subscription.deleted", "subscription", "sub_1")
		},
		"the customer is deleted": func(s *shop) {
			s.stripe.Put("cus_1", object{"deleted": true})
			s.tell("customer.deleted", "customer", "cus_1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.subscribe("sub_1", "active", object{"pause_collection": object{"behavior": "void", "resumes_at": s.Clock.Now().Add(40 * oneDay).Unix()}})
			s.changed()
			end(s)
			s.RunJobs()
			for _, days := range []time.Duration{32, 10} { // it would have begun, and ended
				s.Clock.Advance(days * oneDay)
				s.RunJobs()
				s.stripe.Called("")
				s.Must(s.Billing.Sweep(t.Context()))
				s.RunJobs()
				if n := s.stripe.Called("GET customers"); n != 0 {
					t.Errorf("it is fetched again, %d times", n)
				}
			}
			s.Operator("grace@example.com").Get("/-/admin/billing/customers/cus_1").Want(200, "ended").Without("pauses")
		})
	}
}

// Those who were told of the end of their trials do not stand in the way of the others.
func TestMoreTrialsEndThanASweepTakes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const trials = 203
	for n := range trials {
		s.subscribe(fmt.Sprintf("sub_%03d", n), "trialing", object{"trial_end": s.Clock.Now().Add(14*oneDay + time.Duration(n)*time.Second).Unix()})
	}
	s.changed()
	s.Clock.Advance(12 * oneDay)
	for range 2 {
		s.Must(s.Billing.Sweep(t.Context()))
	}
	if n := s.Count("billing_notice"); n != trials {
		t.Errorf("%d of %d are told", n, trials)
	}
}

// A bank may take longer over a refund than news stay fresh.
func TestARefundThatTakesItsTimeIsTold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	s.changed()
	refund := func(status string, made time.Time) {
		s.stripe.Put("ch_1", object{"object": "charge", "customer": "cus_1", "invoice": "in_1",
			"refunds": object{"object": "list", "data": []object{{"id": "re_1", "object": "refund", "amount": 900, "currency": "eur", "status": status, "created": made.Unix()}}}})
		s.tell("charge.refund.updated", "charge", "ch_1")
		s.RunJobs()
	}
	made := s.Clock.Now()
	refund("pending", made)
	s.Clock.Advance(5 * oneDay)
	refund("succeeded", made)
	if m := s.Mails("ada@example.com")[0]; !strings.Contains(m.Subject, "refund of 9.00 EUR") {
		t.Errorf("the last mail is %q", m.Subject)
	}
}

// One that was sent and is due later does not begin the calendar anew.
func TestAnInvoiceThatWasSentEarlierPutsNothingOff(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.bill("in_0", "open", object{"created": s.Clock.Now().Add(-10 * oneDay).Unix(), "due_date": s.Clock.Now().Add(5 * oneDay).Unix()})
	s.changed()
	s.on(6)
	s.changed()
	if got := s.Query(`SELECT invoice_id FROM billing_dunning`); got != "in_2" {
		t.Errorf("%s is dunned for", got)
	}
	s.on(14)
	s.wantAccess(billing.Restricted, billing.AccessRead)
}

// Days of a dispute from before there was anything to pay are not taken off.
func TestADisputeStopsOnlyTheDaysThatItTakes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.stripe.Put("dp_1", object{"object": "dispute", "amount": 4900, "currency": "eur", "status": "needs_response", "created": s.Clock.Now().Unix(), "charge": object{"id": "ch_1", "customer": "cus_1"}})
	s.on(4)
	s.tell("charge.dispute.created", "dispute", "dp_1")
	s.RunJobs()
	s.on(8)
	s.bill("in_2", "paid", nil)
	s.bill("in_3", "open", object{"attempt_count": 1})
	s.changed()
	s.on(10)
	s.stripe.Put("dp_1", object{"status": "won"})
	s.tell("charge.dispute.closed", "dispute", "dp_1")
	s.RunJobs()
	s.on(23) // two of the days since in_3 failed do not count
	s.wantAccess(billing.Grace, billing.AccessFull)
	s.on(25)
	s.wantAccess(billing.Restricted, billing.AccessRead)
}

// A schedule of the dashboard's names all items; what changes is the one that it changes.
func TestAScheduleBesideAnAddonTellsOfThePlan(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.stripe.Put("price_sms", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 500, "product": "prod_sms", "recurring": object{"interval": "month", "interval_count": 1}})
	s.Key("payments:manage").Do("PUT", api+"plans", "application/json", `{"key":"sms","kind":"addon","name":"Texts","prices":["price_sms"]}`).Want(200)
	s.RunJobs()
	now, next := s.Clock.Now().Unix(), s.Clock.Now().AddDate(0, 1, 0).Unix()
	phase := func(start int64, plan string) object {
		return object{"start_date": start, "end_date": start + 1, "items": []object{{"price": "price_sms", "quantity": 1}, {"price": plan, "quantity": 1}}}
	}
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{{"id": "si_a", "quantity": 1, "price": s.stripe.Objects["price_sms"]}, {"id": "si_b", "quantity": 1, "price": s.stripe.Objects["price_pro"]}}},
		"schedule": object{"id": "sub_sched_1", "object": "subscription_schedule", "status": "active", "current_phase": object{"start_date": now, "end_date": next}, "phases": []object{phase(now, "price_pro"), phase(next, "price_team")}}})
	s.changed()
	s.owner.Get(api+"subscription").Want(200, `"plan":"pro"`, `"scheduled":{"plan":"team","price":"price_team","quantity":1`)
}
