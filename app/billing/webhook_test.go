package billing_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/config"
)

func TestFault01TheSameEventAHundredTimes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := s.event("evt_1", "customer.subscription.updated", "subscription", "sub_1")
	signature := s.sign(body, secret, s.Clock.Now())
	var group sync.WaitGroup
	statuses := make(chan int, 100)
	for range 100 {
		group.Go(func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+hook, strings.NewReader(body))
			r.Header.Set("Stripe-Signature", signature)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			statuses <- res.StatusCode
		})
	}
	group.Wait()
	close(statuses)
	for status := range statuses {
		if status != 200 {
			t.Errorf("status %d", status)
		}
	}
	s.Expect(apptest.Happened{Jobs: []string{"billing.look"}, Rows: map[string]int{"billing_event": 1}})
}

func TestFault06ThreeDaysLateWithAFreshTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	body := s.event("evt_1", "invoice.paid", "invoice", "in_1")
	s.Clock.Advance(72 * time.Hour)
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200, "taken")
	s.RunJobs()
	if got := s.Mails("ada@example.com"); len(got) != 1 { // the address was to be verified, at sign-up
		t.Errorf("%d mails: a receipt of three days ago is stale", len(got))
	}
	if state := s.Query(`SELECT status FROM billing_invoice WHERE id = 'in_1'`); state != "paid" {
		t.Error(state)
	}
}

func TestFault07And08ReplaysAndTheFuture(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := s.event("evt_1", "customer.updated", "customer", "cus_1")
	signed := s.Clock.Now()
	s.send(body, s.sign(body, secret, signed)).Want(200, "taken")
	s.Clock.Advance(300 * time.Second)
	s.send(body, s.sign(body, secret, signed)).Want(200, "known")
	s.Expect(apptest.Happened{Jobs: []string{"billing.look"}, Rows: map[string]int{"billing_event": 1}})
	s.Clock.Advance(time.Second)
	s.send(body, s.sign(body, secret, signed)).WantProblem(400, "bad_time")
	s.send(body, s.sign(body, secret, s.Clock.Now().Add(10*time.Minute))).WantProblem(400, "bad_time")
	s.send(body, s.sign(body, secret, s.Clock.Now().Add(299*time.Second))).Want(200)
	s.ExpectNothing()
}

func TestFault09And14SignaturesThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := s.event("evt_1", "customer.updated", "customer", "cus_1")
	good := s.sign(body, secret, s.Clock.Now())
	_, v1, _ := strings.Cut(good, ",")
	for name, header := range map[string]string{
		"another secret": s.sign(body, "whsec_of_somebody", s.Clock.Now()), "none": "", "an empty secret": s.sign(body, "", s.Clock.Now()),
		"no time": v1, "two times": good + ",t=1", "no pairs": "hello", "odd time": "t=soon," + v1, "a space": strings.Replace(good, ",", ", ", 1),
		"v0 alone": strings.Replace(good, "v1=", "v0=", 1), "another body's": s.sign(body+" ", secret, s.Clock.Now()),
	} {
		if p := s.send(body, header); p.Status != 400 {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	s.ExpectNothing()
	if n := s.Billing.Counts()[billing.Count{Of: "refused", Which: "bad_signature"}]; n < 9 {
		t.Errorf("%d refusals were counted", n)
	}
	s.send(body, good+",v0=00ff").Want(200, "taken")
}

func TestFault10SecretsAreRotated(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	old := "whsec_of_the_old_endpoint"
	body := s.event("evt_1", "customer.updated", "customer", "cus_1")
	now := s.Clock.Now()
	both := s.sign(body, old, now) + strings.TrimPrefix(s.sign(body, secret, now), fmt.Sprintf("t=%d", now.Unix()))
	for _, header := range []string{s.sign(body, old, now), both, s.sign(body, secret, now)} {
		s.send(body, header).Want(200)
	}
	if n := s.Billing.Counts()[billing.Count{Of: "secret", Which: "old"}]; n != 1 {
		t.Errorf("%d events counted under the old secret", n)
	}
	s.Clock.Advance(36 * time.Hour) // its end is past
	s.send(body, s.sign(body, old, s.Clock.Now())).WantProblem(400, "bad_signature")
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
}

func TestFault11AnEmptySecretIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, hooks := range []string{"", "whsec_", "old="} {
		c := config.Config{Addr: "127.0.0.1:0", URL: "https://app.example.com", StripeKey: "sk_live_x", StripeHooks: hooks, SMTPURL: "smtp://mail.example.com", MailFrom: "a@example.com"}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "STRIPE_WEBHOOK_SECRETS") {
			t.Errorf("%q: %v", hooks, err)
		}
	}
}

func TestFault12BodiesThatAreNoEvents(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	whole := s.event("evt_1", "customer.updated", "customer", "cus_1")
	s.send(whole[:60], s.sign(whole, secret, s.Clock.Now())).WantProblem(400, "bad_signature")
	for name, body := range map[string]string{"cut": whole[:60], "empty": "", "a list": "[]", "no id": `{"object":"event","type":"a.b"}`,
		"an odd id": strings.Replace(whole, "evt_1", "evt 1", 1), "an odd type": strings.Replace(whole, "customer.updated", "Customer", 1)} {
		if p := s.send(body, s.sign(body, secret, s.Clock.Now())); p.Status != 400 {
			t.Errorf("%s: %d", name, p.Status)
		}
	}
	s.ExpectNothing()
}

func TestFault13BodiesThatAreTooLargeOrTooSlow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	pad := func(n int) string {
		body := s.event("evt_1", "customer.updated", "customer", "cus_1")
		return strings.TrimSuffix(body, "}") + `,"pad":"` + strings.Repeat("x", n-len(body)-len(`,"pad":""`)) + `"}`
	}
	exact := pad(1 << 20)
	s.send(exact, s.sign(exact, secret, s.Clock.Now())).Want(200)
	large := pad(1<<20 + 1)
	s.send(large, s.sign(large, secret, s.Clock.Now())).WantProblem(413, "too_large")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(exact))
	z.Close()
	b := s.Browser()
	b.Header.Set("Content-Encoding", "gzip")
	b.Header.Set("Stripe-Signature", s.sign(zipped.String(), secret, s.Clock.Now()))
	b.Header.Set("Accept", "application/json")
	b.Do("POST", hook, "application/json", zipped.String()).WantProblem(400, "encoded")

	billing.SetHookRead(s.Billing, 100*time.Millisecond)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", hook)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 408 || !res.Close {
		t.Errorf("status %d, closes %v", res.StatusCode, res.Close)
	}
}

func TestFault16WhatIsOfNoUse(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, body := range []string{
		s.event("evt_1", "issuing_card.created", "issuing.card", "ic_1"),
		`{"id":"evt_2","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","created":"2026-11-22T14:05:00.000Z","livemode":false,"related_object":{"id":"mtr_1"}}`,
		`{"id":"evt_3","object":"event","type":"customer.updated","livemode":false,"created":1,"data":null}`,
		`{"id":"evt_4","object":"event","type":"customer.updated","account":"acct_1","livemode":false,"data":{"object":{"id":"cus_1","object":"customer"}}}`,
	} {
		s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200).Without("taken")
	}
	s.ExpectNothing()
}

func TestFault32TheOtherMode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := strings.Replace(s.event("evt_1", "customer.updated", "customer", "cus_1"), `"livemode":false`, `"livemode":true`, 1)
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200, "other mode")
	s.send(body, s.sign(body, secret, s.Clock.Now())).Want(200)
	s.Expect(apptest.Happened{Rows: map[string]int{"billing_alarm": 1}})
	if n := s.Query(`SELECT kind || ' ' || n FROM billing_alarm`); n != "other_mode 2" {
		t.Error(n)
	}
}

func TestFault22WhatCannotBeStoredIsSentAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	body := s.event("evt_1", "customer.updated", "customer", "cus_1")
	s.Must(s.DB.Close())
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+hook, strings.NewReader(body))
	s.Must(err)
	r.Header.Set("Stripe-Signature", s.sign(body, secret, s.Clock.Now()))
	res, err := http.DefaultClient.Do(r)
	s.Must(err)
	res.Body.Close()
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestNobodySellsWithoutAKey(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, o *app.Options) {})
	b := a.Browser()
	b.Header.Set("Stripe-Signature", "t=1,v1=00")
	b.Do("POST", hook, "application/json", "{}").Want(404)
	a.ExpectNothing()
}
