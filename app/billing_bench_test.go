package app_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
)

// BenchmarkWebhookToState is the time from an event's arrival until what it tells of can be read here,
// where each call of Stripe's API takes 50 ms: the fetch of a customer is some of them.
func BenchmarkWebhookToState(b *testing.B) {
	stripe := apptest.NewStripe()
	url, client := serveWith(b, auth.NewCheapHasher(), apptest.Selling(stripe))
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	owner := &http.Client{Jar: jar, Transport: client.Transport}
	ask := func(method, path, body string) string {
		b.Helper()
		r, err := http.NewRequest(method, url+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := owner.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 300 {
			b.Fatalf("%s: %d %s %v", path, res.StatusCode, text, err)
		}
		return string(text)
	}
	ask("POST", "/-/api/v1/signup", fmt.Sprintf(`{"name":"Ada","email":"ada@example.com","password":%q}`, apptest.Password))
	var orgs struct{ Orgs []struct{ ID string } }
	if err := json.Unmarshal([]byte(ask("GET", "/-/api/v1/orgs", "")), &orgs); err != nil || len(orgs.Orgs) == 0 {
		b.Fatal(orgs, err)
	}
	stripe.Put("cus_1", apptest.Object{"object": "customer", "currency": "eur", "metadata": apptest.Object{"seaworthy_org": orgs.Orgs[0].ID}})
	stripe.Fails(func(*http.Request) *http.Response { time.Sleep(50 * time.Millisecond); return nil })
	var n atomic.Int64
	var l latencies
	b.ResetTimer()
	for range b.N {
		i := n.Add(1)
		now := time.Now()
		end := now.Add(time.Duration(i) * time.Hour).Truncate(time.Second).UTC()
		stripe.Put("sub_1", apptest.Object{"object": "subscription", "status": "active", "customer": "cus_1", "currency": "eur", "collection_method": "charge_automatically", "start_date": now.Unix(), "created": now.Unix(),
			"current_period_start": now.Unix(), "current_period_end": end.Unix(), "items": apptest.Object{"object": "list", "data": []apptest.Object{}}})
		body := fmt.Sprintf(`{"id":"evt_s%d","object":"event","type":"customer.subscription.updated","api_version":"2023-10-16","livemode":false,"created":1,"data":{"object":{"id":"sub_1","object":"subscription","customer":"cus_1"}}}`, i)
		r, _ := http.NewRequest("POST", url+"/-/webhooks/stripe", strings.NewReader(body))
		r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(webhook.ComputeSignature(now, []byte(body), apptest.StripeSecret))))
		res, err := client.Do(r)
		if err != nil || res.StatusCode != 200 {
			b.Fatal(res, err)
		}
		res.Body.Close()
		for want := end.Format(time.RFC3339); !strings.Contains(ask("GET", "/-/api/v1/billing/subscription", ""), want); {
			time.Sleep(time.Millisecond)
		}
		l.add(time.Since(now))
	}
	l.report(b)
	b.ReportMetric(float64(l.all[len(l.all)*95/100].Microseconds())/1000, "p95-ms")
}
