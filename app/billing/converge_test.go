package billing_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// storm is Stripe on a bad day: it changes what its customers have, tells of it late, twice,
// in the wrong order, under the wrong secret or never, and answers when it likes.
type storm struct {
	*shop
	random *rand.Rand
	late   []string // bodies on their way
	events int
	told   map[string]bool // customers that were told of since the jobs last ran
	bursts int

	mu     sync.Mutex
	answer *rand.Rand // of its own: calls come from other goroutines
	broken bool       // calls may fail
}

// size is how many customers there are: some in a run by hand, many in CI.
func size(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("SEAWORTHY_CONVERGE")); err == nil && n > 0 {
		return n
	}
	return 25
}

// Ten events a customer, and whatever goes wrong with their delivery: in the end everything
// here is as it is at Stripe, and nobody got a mail twice. SEAWORTHY_CONVERGE is the number
// of customers, SEAWORTHY_SEED the seed.
func TestTenThousandFaultedEventsConverge(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("SEAWORTHY_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	customers := size(t)
	t.Logf("SEAWORTHY_SEED=%d SEAWORTHY_CONVERGE=%d repeats this run", seed, customers)
	s := &storm{shop: newShop(t), random: rand.New(rand.NewPCG(seed, 1)), answer: rand.New(rand.NewPCG(seed, 2)), told: map[string]bool{}}
	for i := range customers {
		mail := fmt.Sprintf("c%d@example.com", i)
		s.SignUp(mail)
		s.stripe.Put(fmt.Sprintf("cus_c%d", i), object{"object": "customer", "currency": "eur", "balance": 0, "metadata": object{"seaworthy_org": s.PersonalOrg(mail)}})
		if i%100 == 99 {
			s.RunJobs()
		}
	}
	s.RunJobs()
	s.stripe.Fails(s.fail)
	fetched := 0
	for round := 0; s.events < 10*customers; round++ {
		calm := round%2 == 0 // fetches are counted while no call fails
		s.setBroken(!calm)
		if calm { // what failed before, and what was never told, is fetched for none of these bursts
			s.RunJobs()
		}
		s.stripe.Called("")
		before := s.bursts
		for range max(1, customers/20) {
			s.burst(s.random.IntN(customers))
		}
		s.come(len(s.late) / 2)
		s.bursts += len(s.told)
		clear(s.told)
		s.RunJobs()
		if n := s.stripe.Called("GET subscriptions?"); calm {
			fetched += n
		} else {
			s.bursts = before
		}
		s.Clock.Advance(time.Duration(s.random.IntN(120)) * time.Second)
	}
	s.setBroken(false)
	s.come(len(s.late))
	for range 8 { // what failed is tried again, what was never told is found
		s.RunJobs()
		s.Clock.Advance(15 * time.Minute)
	}
	s.compare()
	s.at(3, 17) // all that the nightly round could repair was right already
	s.RunJobs()
	if n := s.Count("billing_drift"); n != 0 {
		t.Errorf("the nightly round found %d differences", n)
	}
	s.compare()
	if s.bursts > 0 && float64(fetched) > 1.5*float64(s.bursts) {
		t.Errorf("%d fetches for %d bursts of events: more than 1.5 each", fetched, s.bursts)
	}
	t.Logf("%d events, %d bursts counted, %d fetches for them", s.events, s.bursts, fetched)
}

func (s *storm) setBroken(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = yes
}

// fail has one call in eight fail, by one of the ways that calls do.
func (s *storm) fail(r *http.Request) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.broken {
		return nil
	}
	switch s.answer.IntN(24) {
	case 0:
		return apptest.FailingStripe(http.StatusTooManyRequests, "rate_limit")
	case 1:
		return apptest.FailingStripe(http.StatusInternalServerError, "")
	case 2:
		return &http.Response{} // the connection breaks
	}
	return nil
}

// burst changes something of a customer's, as one act of his does, and tells of each part.
func (s *storm) burst(i int) {
	c := fmt.Sprintf("c%d", i)
	cus, sub := "cus_"+c, "sub_"+c
	tell := func(typ, kind, of string) { s.post(cus, typ, kind, of) }
	now, _ := s.stripe.Objects[sub]["status"].(string)
	in := fmt.Sprintf("in_%s_%d", c, s.events)
	fields := object{"customer": cus, "subscription": sub}
	switch {
	case now == "" || now == "canceled": // a new start
		s.subscribe(sub, "active", object{"customer": cus, "ended_at": nil, "cancel_at_period_end": false})
		s.bill(in, "paid", fields)
		tell("customer.subscription.created", "subscription", sub)
		tell("invoice.created", "invoice", in)
		tell("invoice.paid", "invoice", in)
		tell("customer.subscription.updated", "subscription", sub)
	case s.random.IntN(3) == 0 && now == "active": // a renewal fails
		s.stripe.Put(sub, object{"status": "past_due"})
		s.bill(in, "open", object{"customer": cus, "subscription": sub, "attempt_count": 1, "attempted": true})
		s.stripe.Put(sub, object{"latest_invoice": in})
		tell("invoice.payment_failed", "invoice", in)
		tell("customer.subscription.updated", "subscription", sub)
	case now == "past_due": // and is paid
		for id, o := range s.stripe.Objects {
			if o["object"] == "invoice" && o["customer"] == cus && o["status"] == "open" {
				s.stripe.Put(id, object{"status": "paid", "amount_paid": 4900, "amount_remaining": 0, "attempt_count": 2,
					"status_transitions": object{"finalized_at": s.Clock.Now().Unix(), "paid_at": s.Clock.Now().Unix()}})
				tell("invoice.paid", "invoice", id)
			}
		}
		s.stripe.Put(sub, object{"status": "active"})
		tell("customer.subscription.updated", "subscription", sub)
	case s.random.IntN(4) == 0: // he leaves
		s.stripe.Put(sub, object{"status": "canceled", "ended_at": s.Clock.Now().Unix(), "canceled_at": s.Clock.Now().Unix()})
		tell("customer.subscription.deleted", "subscription", sub)
	default:
		soon, _ := s.stripe.Objects[sub]["cancel_at_period_end"].(bool)
		s.stripe.Put(sub, object{"cancel_at_period_end": !soon})
		s.stripe.Put(cus, object{"balance": -s.random.IntN(5000)})
		tell("customer.subscription.updated", "subscription", sub)
		tell("customer.updated", "customer", cus)
	}
}

// post sends an event, or what becomes of it on the way.
func (s *storm) post(cus, typ, kind, of string) {
	s.events++
	id := fmt.Sprintf("evt_s%d", s.events)
	body := strings.Replace(s.event(id, typ, kind, of), `"cus_1"`, `"`+cus+`"`, 1)
	switch s.random.IntN(12) {
	case 0: // never; Stripe keeps that it was not delivered
		s.stripe.Put(id, object{"object": "event", "type": typ, "livemode": false, "api_version": "2023-10-16", "created": s.Clock.Now().Unix(),
			"data": object{"object": object{"id": of, "object": kind, "customer": cus}}})
		return
	case 1: // twice
		s.deliver(body)
		s.deliver(body)
	case 2, 3: // later, among others, and perhaps twice
		for range 1 + s.random.IntN(2) {
			s.late = append(s.late, body)
		}
		return
	case 4: // under a secret that nobody knows, and then again as it should be
		s.send(body, s.sign(body, "whsec_of_nobody", s.Clock.Now())).Want(400)
		s.deliver(body)
	case 5: // cut short, and then whole
		s.send(body[:len(body)/2], s.sign(body, secret, s.Clock.Now())).Want(400)
		s.deliver(body)
	case 6: // stamped by a clock that is wrong
		s.send(body, s.sign(body, secret, s.Clock.Now().Add(time.Hour))).Want(400)
		s.deliver(body)
	case 7: // in a version that we do not read
		s.deliver(strings.Replace(body, "2023-10-16", "2026-08-26.dahlia", 1))
	default:
		s.deliver(body)
	}
	s.told[cus] = true
}

func (s *storm) deliver(body string) {
	s.T.Helper()
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
}

// come delivers some of what is late, in any order.
func (s *storm) come(n int) {
	s.random.Shuffle(len(s.late), func(i, j int) { s.late[i], s.late[j] = s.late[j], s.late[i] })
	for _, body := range s.late[:n] {
		s.deliver(body)
		_, rest, _ := strings.Cut(body, "cus_c")
		number, _, _ := strings.Cut(rest, `"`)
		s.told["cus_c"+number] = true
	}
	s.late = s.late[n:]
}

// compare holds what is here against what is at Stripe, row by row.
func (s *storm) compare() {
	s.T.Helper()
	wrong := 0
	differ := func(format string, args ...any) {
		if wrong++; wrong <= 10 {
			s.T.Errorf(format, args...)
		}
	}
	seen := map[string]int{}
	for id, o := range s.stripe.Objects {
		kind, _ := o["object"].(string)
		var got, want string
		switch kind {
		case "subscription":
			soon := 0
			if yes, _ := o["cancel_at_period_end"].(bool); yes {
				soon = 1
			}
			want = fmt.Sprintf("%v %d", o["status"], soon)
			got = s.Query(`SELECT coalesce((SELECT status || ' ' || cancel_at_period_end FROM billing_subscription WHERE id = ?), 'missing')`, id)
		case "invoice":
			want = fmt.Sprintf("%v %v %v", o["status"], o["amount_remaining"], o["attempt_count"])
			got = s.Query(`SELECT coalesce((SELECT status || ' ' || amount_remaining || ' ' || attempts FROM billing_invoice WHERE id = ?), 'missing')`, id)
		case "customer":
			if id == "cus_1" || s.stripe.Objects["sub_"+strings.TrimPrefix(id, "cus_")] == nil {
				continue // nothing was ever told of him
			}
			want = fmt.Sprint(o["balance"])
			got = s.Query(`SELECT coalesce((SELECT cast(balance AS TEXT) FROM billing_customer WHERE id = ?), 'missing')`, id)
		default:
			continue
		}
		seen[kind]++
		if got != want {
			differ("%s is %q here and %q at Stripe", id, got, want)
		}
	}
	for kind, table := range map[string]string{"subscription": "billing_subscription", "invoice": "billing_invoice"} {
		if n := s.Count(table); n != seen[kind] {
			differ("%d rows of %s, %d at Stripe", n, table, seen[kind])
		}
	}
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_event WHERE state <> 'done'`); got != "0" {
		differ("%s events are not done", got)
	}
	// Each org has one person who is told, so a notice is one mail, whatever came how often.
	if got := s.Query(`SELECT (SELECT count(*) FROM email_message WHERE template LIKE 'billing/%') || ' ' || (SELECT count(*) FROM billing_notice WHERE state = 'sent')`); func() bool {
		mails, notices, _ := strings.Cut(got, " ")
		return mails != notices || mails == "0"
	}() {
		differ("mails and notices: %s", got)
	}
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM (SELECT recipient, subject FROM email_inbox WHERE subject LIKE 'Receipt%' GROUP BY recipient, subject HAVING count(*) > 1)`); got != "0" {
		differ("%s receipts came twice", got)
	}
	if wrong > 0 {
		s.T.Errorf("%d differences", wrong)
	}
}
