package billing_test

import (
	"testing"
	"time"
)

const ofAnotherAccount = "customer_missing:cus_1"

// gone has Stripe know nothing of the customer and what he has, as with a key of another account.
// back ends that.
func (s *shop) gone() (back func()) {
	customer, sub := s.stripe.Objects["cus_1"], s.stripe.Objects["sub_1"]
	s.stripe.Remove("cus_1")
	s.stripe.Remove("sub_1")
	return func() {
		s.stripe.Put("cus_1", customer)
		s.stripe.Put("sub_1", sub)
	}
}

// With a key of another account or of the other mode all customers seem to be gone. No plan ends:
// a person is called, and with the right key all goes on, what was told meanwhile too.
func TestAKeyOfAnotherAccountEndsNoPlan(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	back := s.gone()
	s.at(3, 20) // the look at all subscriptions, by night
	s.Clock.Advance(time.Hour)
	s.RunJobs()
	if got := s.Query(openAlarm); got != ofAnotherAccount {
		t.Errorf("by night, open alarms: %q", got)
	}
	s.changed()
	s.Clock.Advance(30 * time.Hour)
	s.RunJobs()
	s.wantActions("billing_customer.linked", "subscription.started")
	if e := s.may(); e.Plan != "team" || s.state() != "active" {
		t.Errorf("%s, %+v", s.state(), e)
	}
	if got := s.Query(openAlarm); got != ofAnotherAccount {
		t.Errorf("open alarms: %q", got)
	}
	if b := s.Billing.Banner(); b == nil || b.Path != "/-/admin/billing" {
		t.Errorf("above the console: %+v", b)
	}

	back()
	s.subscribe("sub_1", "past_due", nil)
	s.Clock.Advance(time.Hour + time.Minute)
	s.RunJobs()
	if got := s.Query(openAlarm) + s.tally("done") + s.state(); got != "2 of 2, jobs 2grace" {
		t.Errorf("with the right key: %q", got)
	}
}

// A dispute of which Stripe knows nothing waits for a person: none is ever deleted.
func TestADisputeOfAnotherAccountIsParked(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.tell("charge.dispute.created", "dispute", "dp_9")
	s.RunJobs()
	if got := s.tally("parked") + s.Query(openAlarm); got != "1 of 1, jobs 1customer_missing:dp_9" {
		t.Error(got)
	}
}

// Only a person ends what a customer had of whom Stripe knows nothing.
func TestACustomerIsLetGo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	k := s.Key("payments:manage", "payments:read")
	const path, yes = "/-/api/v1/billing/customers/cus_1/let-go", `{"confirm":"yes"}`
	k.Do("POST", path, "application/json", yes).WantProblem(409, "not_missing")
	s.gone()
	s.changed()
	k.Do("POST", path, "application/json", `{"confirm":"no"}`).WantProblem(422, "invalid", "confirm")
	s.wantActions("billing_customer.linked", "subscription.started")
	k.Do("POST", path, "application/json", yes).Want(204)
	s.wantActions("billing_customer.linked", "subscription.started", "subscription.ended", "billing_customer.unlinked")
	if got := s.Query(openAlarm) + s.tally("done"); got != "2 of 2, jobs 2" {
		t.Error(got)
	}
	if e := s.may(); e.Plan != "free" {
		t.Errorf("%+v", e)
	}
	k.Do("POST", path, "application/json", yes).WantProblem(409, "customer_deleted")
	s.Clock.Advance(2 * time.Hour)
	s.RunJobs()
	if got := s.Query(openAlarm); got != "" {
		t.Errorf("open alarms: %q", got)
	}
}
