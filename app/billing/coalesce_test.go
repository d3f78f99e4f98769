package billing_test

import (
	"testing"
	"time"

	"seaworthy/app/billing"
)

// tally is how many events there are of the customer in a state, and the jobs for all.
func (s *shop) tally(state string) string {
	s.T.Helper()
	return s.Query(`SELECT (SELECT count(*) FROM billing_event WHERE state = ?) || ' of ' || (SELECT count(*) FROM billing_event) || ', jobs ' || (SELECT count(*) FROM queue_job WHERE kind = 'billing.look')`, state)
}

// The job that a later event counts on finds its own event done by another fetch,
// which began before the later one came.
func TestAnEventThatCountsOnTheJobOfOneThatIsDone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	s.Must(billing.SyncNow(s.Billing, t.Context(), "cus_1"))
	s.subscribe("sub_1", "unpaid", nil)
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	if got := s.tally("queued"); got != "1 of 3, jobs 2" {
		t.Error(got)
	}
	s.RunJobs()
	if got := s.state(); got != "restricted" {
		t.Error(got)
	}
	if got := s.tally("done"); got != "3 of 3, jobs 2" {
		t.Error(got)
	}
}

func TestEventsWithoutAJobOfTheirOwnEndWithTheOneThatHasIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*shop)
		want  string
	}{
		"parked": {func(s *shop) { s.stripe.Put("cus_1", object{"metadata": object{}}) }, "3 of 3, jobs 1"},
		"done":   {func(s *shop) { s.stripe.Remove("cus_1") }, "3 of 3, jobs 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c.spoil(s)
			for range 3 {
				s.tell("customer.subscription.updated", "subscription", "sub_1")
			}
			for range 6 {
				s.RunJobs()
				s.Clock.Advance(2 * time.Minute)
			}
			s.RunJobs()
			if got := s.tally(name); got != c.want {
				t.Error(got)
			}
		})
	}
}
