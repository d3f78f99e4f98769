package billing_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
)

// at moves to an hour of the day, tomorrow if it is past.
func (s *shop) at(hour, minute int) {
	s.T.Helper()
	now := s.Clock.Now()
	next := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 1, 0, time.UTC)
	if !next.After(now) {
		next = next.Add(oneDay)
	}
	s.Clock.Advance(next.Sub(now))
	s.RunJobs()
}

// keeps has Stripe keep an event that it did not deliver.
func (s *shop) keeps(id, typ, kind, of string) {
	s.stripe.Put(id, object{"object": "event", "type": typ, "livemode": false, "api_version": stripe.APIVersion, "created": s.Clock.Now().Unix(),
		"data": object{"object": object{"id": of, "object": kind, "customer": "cus_1"}}})
}

func TestAnEventThatWasNotDelivered(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.subscribe("sub_1", "past_due", nil)
	s.keeps("evt_lost", "customer.subscription.updated", "subscription", "sub_1")
	s.keeps("evt_1", "customer.subscription.updated", "subscription", "sub_1") // that did come
	s.at(14, 20)
	if got := s.state(); got != "grace" {
		t.Error(got)
	}
	if got := s.Query(`SELECT source || ' ' || state FROM billing_event WHERE id = 'evt_lost'`); got != "reconciler done" {
		t.Error(got)
	}
	if s.Count("billing_event") != 2 {
		t.Error("an event is there twice")
	}
	if s.stripe.Called("GET events?", "delivery_success=false", "created") == 0 {
		t.Error("all events were listed")
	}
}

func TestAChangeWithoutAnyEvent(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.subscribe("sub_2", "active", nil)
	s.changed()
	s.subscribe("sub_1", "active", object{"cancel_at_period_end": true})
	s.stripe.Remove("sub_2")
	s.at(3, 17)
	if got := s.Query(`SELECT cancel_at_period_end || ' ' || (SELECT state FROM billing_subscription WHERE id = 'sub_2') FROM billing_subscription WHERE id = 'sub_1'`); got != "1 canceled" {
		t.Error(got)
	}
	if n := s.Billing.Counts()[billing.Count{Of: "drift", Which: "repaired"}]; n != 2 || s.Count("billing_drift") != 2 {
		t.Errorf("%d repairs were counted", n)
	}
	s.stripe.Called("")
	s.at(3, 17)
	if n := s.stripe.Called("GET customers"); n != 0 {
		t.Error("what is the same is fetched all the same")
	}
}

func TestACustomerWhomOnlyStripeKnows(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.at(3, 17)
	if e := s.may(); e.Plan != "team" {
		t.Errorf("%+v", e)
	}
}

func TestFault30TheDatabaseIsAnHourOld(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.on(13)
	s.Clock.Advance(23 * time.Hour) // past the nightly round
	s.RunJobs()
	s.subscribe("sub_1", "active", nil)
	s.bill("in_2", "paid", nil)
	s.keeps("evt_delivered", "invoice.paid", "invoice", "in_2") // to the database that was lost
	s.Must(s.Billing.Restored(t.Context()))
	s.stripe.Called("")
	s.stripe.Fails(func(r *http.Request) *http.Response {
		if strings.HasSuffix(r.URL.Path, "/events") {
			return apptest.FailingStripe(500, "")
		}
		return nil
	})
	s.Clock.Advance(2 * time.Hour) // past the hour at which access would narrow
	s.RunJobs()
	if n := s.stripe.Called("GET customers"); n != 0 {
		t.Error("reminders did not wait for what happened meanwhile")
	}
	s.stripe.Fails(nil)
	s.Clock.Advance(10 * time.Minute)
	s.RunJobs()
	s.wantAccess(billing.Active, billing.AccessFull)
	if n := s.stripe.Called("GET events?", "delivery_success"); n != 0 {
		t.Error("only those were listed whose delivery failed")
	}
	if got := s.Query(`SELECT source || ' ' || state FROM billing_event WHERE id = 'evt_delivered'`); got != "reconciler done" {
		t.Error(got)
	}
	for _, a := range s.actions() {
		if a == "dunning.restricted" {
			t.Error("access was narrowed before it was known what had happened")
		}
	}
}

func TestFaultyDeliveryConverges(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	random := rand.New(rand.NewPCG(1, 2))
	states := []string{"incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled"}
	const customers = 8
	orgs := map[string]string{}
	for i := range customers {
		mail, id := fmt.Sprintf("c%d@example.com", i), fmt.Sprintf("cus_c%d", i)
		s.SignUp(mail)
		orgs[id] = s.PersonalOrg(mail)
		s.stripe.Put(id, object{"object": "customer", "currency": "eur", "metadata": object{"seaworthy_org": orgs[id]}})
	}
	var late []string
	for n := range 120 {
		c := fmt.Sprintf("c%d", random.IntN(customers))
		s.subscribe("sub_"+c, states[random.IntN(len(states))], object{"customer": "cus_" + c})
		if random.IntN(4) == 0 {
			s.bill("in_"+c, "paid", object{"customer": "cus_" + c, "subscription": "sub_" + c})
		}
		body := strings.Replace(s.event(fmt.Sprintf("evt_%d", n), "customer.subscription.updated", "subscription", "sub_"+c), "cus_1", "cus_"+c, 1)
		for range 1 + random.IntN(2) { // some come twice, some late, one in ten never
			switch random.IntN(10) {
			case 0:
			case 1, 2:
				late = append(late, body)
			default:
				s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
			}
		}
		if n%20 == 0 {
			s.RunJobs()
			s.Clock.Advance(time.Minute)
		}
	}
	random.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	for _, body := range late {
		s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
	}
	s.RunJobs()
	s.at(3, 17)
	for id, o := range s.stripe.Objects {
		if o["object"] != "subscription" {
			continue
		}
		if got := s.Query(`SELECT status FROM billing_subscription WHERE id = ?`, id); got != o["status"] {
			t.Errorf("%s is %s here and %s at Stripe", id, got, o["status"])
		}
	}
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM (SELECT recipient, subject FROM email_inbox WHERE subject LIKE 'Receipt%' GROUP BY recipient, subject HAVING count(*) > 1)`); got != "0" {
		t.Errorf("%s receipts came twice", got)
	}
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event WHERE state <> 'done'`); got != "0" {
		t.Errorf("%s events are not done", got)
	}
}
