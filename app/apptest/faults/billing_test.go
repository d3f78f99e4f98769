//go:build faults

package faults

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app/apptest"
)

// till is a Stripe with one customer, and a process that sells.
type till struct {
	*apptest.Stripe
	t      *testing.T
	c      *child
	data   string
	env    []string
	host   string
	onCall atomic.Pointer[func()] // before a call is answered
	events int
	db     *sql.DB
}

func newTill(t *testing.T, data string) *till {
	t.Helper()
	s := &till{Stripe: apptest.NewStripe(), t: t, data: data}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.onCall.Swap(nil); f != nil {
			(*f)()
		}
		s.Serve(w, r)
	}))
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	s.env = []string{"FAULTS_STRIPE=" + s.host, "STRIPE_SECRET_KEY=sk_test_key", "STRIPE_WEBHOOK_SECRETS=" + apptest.StripeSecret}
	return s
}

// open makes the plan and the customer, and leaves the process running.
func (s *till) open() {
	s.t.Helper()
	first := serve(s.t, s.data)
	p, a, err := first.signUp("ada@example.com")
	if err != nil || p.user == "" {
		s.t.Fatal(a, err)
	}
	first.stop()
	key := newKey(s.t, s.data, "payments:*")
	var org string
	db := snapshot(s.t, s.data)
	must(s.t, db.QueryRow(`SELECT id FROM auth_org`).Scan(&org))
	s.Put("price_team", apptest.Object{"object": "price", "active": true, "currency": "eur", "unit_amount": 4900, "product": "prod_team",
		"recurring": apptest.Object{"interval": "month", "interval_count": 1, "usage_type": "licensed"}})
	s.Put("cus_1", apptest.Object{"object": "customer", "currency": "eur", "balance": 0, "metadata": apptest.Object{"seaworthy_org": org}})
	s.begin()
	ask(s.t, s.c, "PUT", "/-/api/v1/billing/plans", key, []byte(`{"key":"free","kind":"free","name":"Free"}`), http.StatusOK)
	ask(s.t, s.c, "PUT", "/-/api/v1/billing/plans", key, []byte(`{"key":"team","kind":"plan","name":"Team","rank":10,"prices":["price_team"]}`), http.StatusOK)
}

func (s *till) begin() {
	s.t.Helper()
	s.c = start(s.t, poisons, s.data, s.env...)
	s.c.answers()
}

// pay has the customer pay another month, and returns the events that tell of it.
func (s *till) pay(n int) (bodies []string) {
	now := time.Now().Unix()
	in := fmt.Sprintf("in_%d", n)
	s.Put("sub_1", apptest.Object{"object": "subscription", "status": "active", "customer": "cus_1", "currency": "eur", "collection_method": "charge_automatically",
		"current_period_start": now, "current_period_end": now + int64(n+1)*86400, "start_date": now, "created": now, "latest_invoice": in,
		"items": apptest.Object{"object": "list", "data": []apptest.Object{{"id": "si_1", "object": "subscription_item", "quantity": 1, "price": s.Objects["price_team"]}}}})
	s.Put(in, apptest.Object{"object": "invoice", "status": "paid", "customer": "cus_1", "subscription": "sub_1", "currency": "eur", "number": "N-" + in, "total": 4900, "amount_due": 4900,
		"amount_paid": 4900, "amount_remaining": 0, "created": now, "attempt_count": 1, "billing_reason": "subscription_cycle",
		"status_transitions": apptest.Object{"finalized_at": now, "paid_at": now}, "lines": apptest.Object{"object": "list", "data": []apptest.Object{{"id": "il_" + in, "description": "Team", "amount": 4900}}}})
	for typ, of := range map[string]string{"customer.subscription.updated": "sub_1", "invoice.paid": in} {
		s.events++
		kind := map[string]string{"sub_1": "subscription"}[of]
		if kind == "" {
			kind = "invoice"
		}
		body, err := json.Marshal(apptest.Object{"id": fmt.Sprintf("evt_%d", s.events), "object": "event", "type": typ, "api_version": "2023-10-16", "livemode": false, "created": now,
			"data": apptest.Object{"object": apptest.Object{"id": of, "object": kind, "customer": "cus_1"}}})
		must(s.t, err)
		bodies = append(bodies, string(body))
	}
	return bodies
}

// tell posts an event as Stripe does and reports whether it was acknowledged.
func (s *till) tell(body string) bool { return s.status(body) == http.StatusOK }

// status is what is answered; 0 for nothing.
func (s *till) status(body string) int {
	now := time.Now()
	r, err := http.NewRequest("POST", s.c.url+"/-/webhooks/stripe", bytes.NewReader([]byte(body)))
	must(s.t, err)
	r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(webhook.ComputeSignature(now, []byte(body), apptest.StripeSecret))))
	res, err := s.c.client.Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// Fault 20 of billing: the process is killed before the commit, after it and before the 200,
// after the 200, and while the job asks Stripe. What was acknowledged is acted upon, what was
// not is sent again and counts once, and nobody gets a receipt twice.
func TestFault20KillAroundAnEvent(t *testing.T) {
	s, dice := newTill(t, newData(t)), chance()
	s.open()
	for n := range *kills {
		bodies := s.pay(n)
		if n%2 == 1 { // while the job asks, so before its effect
			victim := s.c
			kill := func() { victim.kill() }
			s.onCall.Store(&kill)
		}
		acknowledged := map[string]bool{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, b := range bodies {
				acknowledged[b] = s.tell(b)
			}
		}()
		// Whichever instant it is of the others: the fault is that it can be any.
		select {
		case <-s.c.dead:
		case <-time.After(time.Duration(dice.IntN(12_000)) * time.Microsecond):
			if n%2 == 0 {
				s.c.kill()
			} else {
				<-done
			}
		}
		<-done
		if n%2 == 1 {
			select {
			case <-s.c.dead:
			case <-time.After(15 * time.Second):
				t.Fatal("no job asked for what an event told of")
			}
		}
		s.begin()
		for _, b := range bodies { // Stripe sends again what it has no answer to
			if !acknowledged[b] && !s.tell(b) {
				t.Fatalf("after kill %d an event is not taken", n+1)
			}
		}
	}
	db := func() string {
		var text string
		must(t, s.live().QueryRow(`SELECT (SELECT count(*) FROM billing_event WHERE state <> 'done') || ' waiting, ' || (SELECT count(*) FROM billing_event) || ' events, '
			|| (SELECT count(*) FROM billing_invoice WHERE status = 'paid') || ' paid, ' || (SELECT count(*) FROM billing_notice WHERE state = 'queued') || ' untold'`).Scan(&text))
		return text
	}
	want := fmt.Sprintf("0 waiting, %d events, %d paid, 0 untold", 2**kills, *kills)
	var got string
	defer func() {
		if t.Failed() {
			t.Log("it came to " + got)
		}
	}()
	eventually(t, 60*time.Second, "every event is done: "+want, func() bool { got = db(); return got == want })
	var notices, mails, twice, starts int
	must(t, s.live().QueryRow(`SELECT (SELECT count(*) FROM billing_notice WHERE template = 'billing/receipt' AND state = 'sent'), (SELECT count(*) FROM email_message WHERE template = 'billing/receipt'),
		(SELECT count(*) FROM (SELECT subject FROM email_inbox WHERE subject LIKE 'Receipt%' GROUP BY subject HAVING count(*) > 1)),
		(SELECT count(*) FROM audit_event WHERE action = 'subscription.started')`).Scan(&notices, &mails, &twice, &starts))
	if notices != *kills || mails != *kills || twice != 0 || starts != 1 {
		t.Errorf("%d receipts were decided, %d handed over, %d arrived twice, the subscription started %d times", notices, mails, twice, starts)
	}
	t.Logf("%d kills, %s", *kills, got)
}

// Fault 22 of billing: on a full disk an event is answered 503, which has Stripe send it again,
// and nothing of it is stored; once there is room it is taken and acted upon.
func TestFault22DiskFull(t *testing.T) {
	t.Parallel()
	disk := newTmpfs(t)
	s := newTill(t, filepath.Join(disk.dir, "data"))
	s.open()
	for _, b := range s.pay(0) {
		if got := s.status(b); got != http.StatusOK {
			t.Fatalf("before: %d", got)
		}
	}
	s.settles(2, 1)
	bodies, refused := s.pay(1), 0
	pad := strings.Replace(bodies[0], `"object":"event"`, `"object":"event","description":"`+strings.Repeat("x", 200<<10)+`"`, 1)
	eventually(t, 30*time.Second, "an event is refused", func() bool {
		disk.fill()
		switch got := s.status(pad); got {
		case http.StatusServiceUnavailable:
			refused++
		case http.StatusOK:
			// There was room in what was allotted already: the next one takes it.
			s.events++
			pad = strings.Replace(pad, `"id":"evt_`, `"id":"evt_again`, 1)
		default:
			t.Fatalf("on a full disk: %d", got)
		}
		return refused > 0
	})
	before := s.count(`SELECT count(*) FROM billing_event`)
	for range 3 {
		disk.fill()
		if got := s.status(pad); got != http.StatusServiceUnavailable {
			t.Errorf("still full: %d", got)
		}
	}
	if after := s.count(`SELECT count(*) FROM billing_event`); after != before {
		t.Errorf("%d events are stored of those that were refused", after-before)
	}
	disk.free()
	eventually(t, 30*time.Second, "events are taken again", func() bool { return s.tell(bodies[0]) && s.tell(bodies[1]) })
	eventually(t, 30*time.Second, "they are acted upon", func() bool {
		return s.count(`SELECT count(*) FROM billing_invoice WHERE status = 'paid'`) == 2 && s.count(`SELECT count(*) FROM billing_event WHERE state <> 'done'`) == 0
	})
	s.c.stop()
	if lost := s.count(`SELECT count(*) FROM billing_event WHERE job_id <> '' AND job_id NOT IN (SELECT id FROM queue_job)`); lost != 0 {
		t.Errorf("%d events without their job", lost)
	}
}

// settles waits until so many events are done, and so many invoices paid.
func (s *till) settles(events, paid int) {
	s.t.Helper()
	eventually(s.t, 30*time.Second, "events are done", func() bool {
		return s.count(`SELECT count(*) FROM billing_event WHERE state = 'done'`) == events && s.count(`SELECT count(*) FROM billing_invoice WHERE status = 'paid'`) == paid
	})
}

// live is the file beside a process that runs on it.
func (s *till) live() *sql.DB {
	if s.db == nil {
		s.db = openSQLite(s.t, dbFile(s.data), "?mode=ro&_pragma=busy_timeout(5000)")
	}
	return s.db
}

func (s *till) count(query string) (n int) {
	s.t.Helper()
	must(s.t, s.live().QueryRow(query).Scan(&n))
	return n
}
