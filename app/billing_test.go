package app_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/billing"
)

// sellingTo makes plans, and a subscription of an org's at the recorded Stripe.
func sellingTo(a *apptest.App, f *apptest.Stripe, org string) {
	a.T.Helper()
	price := func(id string, amount int) apptest.Object {
		o := apptest.Object{"object": "price", "active": true, "currency": "eur", "unit_amount": amount, "product": "prod_" + id, "recurring": apptest.Object{"interval": "month", "interval_count": 1}}
		f.Put(id, o)
		o["id"] = id
		return o
	}
	team := price("price_team", 4900)
	price("price_pro", 9900)
	if a.Query(`SELECT cast(count(*) AS TEXT) FROM billing_plan WHERE key = 'team'`) == "0" {
		k := a.Key("payments:manage")
		for _, p := range []string{
			`{"key":"free","kind":"free","name":"Free","description":"To try it","features":["basics"],"limits":{"seats":{"value":3}}}`,
			`{"key":"team","kind":"plan","name":"Team","description":"For a team that works together","rank":10,"features":["basics","reports"],"limits":{"seats":{"value":5},"projects":{"unlimited":true}},"prices":["price_team"]}`,
			`{"key":"pro","kind":"plan","name":"Pro","description":"For a company","rank":20,"features":["basics","reports","sso"],"limits":{"seats":{"value":50},"projects":{"unlimited":true}},"prices":["price_pro"]}`,
		} {
			k.Do("PUT", "/-/api/v1/billing/plans", "application/json", p).Want(200)
		}
	}
	now := a.Clock.Now()
	f.Put("cus_"+org, apptest.Object{"object": "customer", "metadata": apptest.Object{"seaworthy_org": org}, "currency": "eur",
		"invoice_settings": apptest.Object{"default_payment_method": apptest.Object{"id": "pm_" + org, "type": "card", "card": apptest.Object{"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030}}}})
	f.Put("sub_"+org, apptest.Object{"object": "subscription", "status": "active", "customer": "cus_" + org, "currency": "eur", "collection_method": "charge_automatically",
		"current_period_start": now.Unix(), "current_period_end": now.AddDate(0, 1, 0).Unix(), "start_date": now.Unix(),
		"items": apptest.Object{"object": "list", "data": []apptest.Object{{"id": "si_" + org, "quantity": 1, "price": team}}}})
	f.Put("in_"+org, apptest.Object{"object": "invoice", "status": "paid", "customer": "cus_" + org, "subscription": "sub_" + org, "currency": "eur", "number": "2026-0001", "total": 4900,
		"amount_due": 4900, "amount_paid": 4900, "created": now.Unix(), "status_transitions": apptest.Object{"finalized_at": now.Unix(), "paid_at": now.Unix()}, "hosted_invoice_url": "https://stripe.example/i/1"})
	f.OnPost = func(path string, _ url.Values) apptest.Object {
		if path != "invoices/upcoming" {
			return nil
		}
		return apptest.Object{"object": "invoice", "amount_due": 2500, "currency": "eur", "lines": apptest.Object{"object": "list", "data": []apptest.Object{
			{"id": "il_1", "description": "Unused time on Team after 22 Nov 2026", "amount": -2450, "proration": true}, {"id": "il_2", "description": "Remaining time on Pro after 22 Nov 2026", "amount": 4950, "proration": true}}}}
	}
	tellStripe(a, "evt_"+org, "customer.subscription.created", "subscription", "sub_"+org, "cus_"+org)
	a.RunJobs()
}

// billingOf is the page of billing of a person's own org.
func billingOf(a *apptest.App, email string) string {
	return "/-/org/" + a.Query(`SELECT slug FROM auth_org WHERE id = ?`, a.PersonalOrg(email)) + "/billing"
}

// otherMode raises an alarm.
func otherMode(a *apptest.App) {
	sendStripe(a, `{"id":"evt_live","object":"event","type":"customer.updated","livemode":true,"data":{"object":{"id":"cus_x","object":"customer"}}}`)
}

// tellStripe sends an event as Stripe does.
func tellStripe(a *apptest.App, id, typ, kind, of, customer string) {
	a.T.Helper()
	body, _ := json.Marshal(apptest.Object{"id": id, "object": "event", "type": typ, "api_version": "2023-10-16", "livemode": false, "created": a.Clock.Now().Unix(),
		"data": apptest.Object{"object": apptest.Object{"id": of, "object": kind, "customer": customer}}})
	sendStripe(a, string(body))
}

// sendStripe posts a body with Stripe's signature.
func sendStripe(a *apptest.App, body string) {
	a.T.Helper()
	b := a.Browser()
	b.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", a.Clock.Now().Unix(), hex.EncodeToString(webhook.ComputeSignature(a.Clock.Now(), []byte(body), apptest.StripeSecret))))
	b.Do("POST", "/-/webhooks/stripe", "application/json", body).Want(200)
}

// driveBilling drives what people do about money.
func driveBilling(a *apptest.App, f *apptest.Stripe) map[string]func() {
	const api = "/-/api/v1/billing/"
	buyer := func(name string) *apptest.Browser {
		b := a.SignUp(name + "@money.example")
		sellingTo(a, f, a.PersonalOrg(name+"@money.example"))
		return b
	}
	return map[string]func(){
		"PUT /-/api/v1/billing/plans": func() {
			a.Key("payments:manage").Do("PUT", api+"plans", "application/json", `{"key":"extra","kind":"addon","name":"Extra"}`).Want(200)
		},
		"POST /-/api/v1/billing/checkout": func() {
			buyer("checkout")
			a.SignUp("checkout2@money.example").PostJSON(api+"checkout", map[string]any{"price": "price_team"}).Want(201)
		},
		"POST /-/api/v1/billing/portal": func() { buyer("portal").PostJSON(api+"portal", map[string]any{}).Want(201) },
		"POST /-/api/v1/billing/change/preview": func() {
			buyer("preview").PostJSON(api+"change/preview", map[string]any{"price": "price_pro"}).Want(201)
		},
		"POST /-/api/v1/billing/change": func() {
			b := buyer("change")
			var p billing.Preview
			b.PostJSON(api+"change/preview", map[string]any{"price": "price_pro"}).Want(201).JSON(&p)
			b.PostJSON(api+"change", map[string]any{"preview": p.ID}).Want(200)
		},
		"POST /-/org/{slug}/billing/checkout": func() {
			buyer("checkoutform")
			a.SignUp("checkoutform2@money.example").Post(billingOf(a, "checkoutform2@money.example")+"/checkout", "price", "price_team", "quantity", "1").Want(200, "On to Stripe")
		},
		"POST /-/org/{slug}/billing/portal": func() {
			buyer("portalform").Post(billingOf(a, "portalform@money.example")+"/portal", "flow", "payment_method_update").Want(200, "On to Stripe")
		},
		"POST /-/org/{slug}/billing/preview": func() {
			buyer("previewform").Post(billingOf(a, "previewform@money.example")+"/preview", "price", "price_pro").Want(200, "Due today", "25.00 EUR")
		},
		"POST /-/org/{slug}/billing/change": func() {
			b := buyer("changeform")
			base := billingOf(a, "changeform@money.example")
			p := b.Post(base+"/preview", "price", "price_pro").Want(200, "Pay 25.00 EUR and change")
			_, id, _ := strings.Cut(p.Path, "preview=")
			b.Post(base+"/change", "preview", id).Want(200, "The plan is changed.")
		},
		"POST /-/org/{slug}/billing/cancel": func() {
			buyer("cancelform").Post(billingOf(a, "cancelform@money.example")+"/cancel", "reason", "unused", "comment", "").Want(200, "ends with what is paid for")
		},
		"POST /-/org/{slug}/billing/resume": func() {
			b := buyer("resumeform")
			b.Post(billingOf(a, "resumeform@money.example") + "/cancel").Want(200)
			a.RunJobs()
			b.Post(billingOf(a, "resumeform@money.example")+"/resume").Want(200, "goes on")
		},
		"POST /-/api/v1/billing/events/{id}/replay": func() {
			buyer("replay")
			a.Key("payments:manage").PostJSON(api+"events/evt_"+a.PersonalOrg("replay@money.example")+"/replay", nil).Want(202)
		},
		"POST /-/admin/billing/replay": func() {
			buyer("replayform")
			operator(a).Post("/-/admin/billing/replay", "event", "evt_"+a.PersonalOrg("replayform@money.example")).Want(200, "looked at once more")
		},
		"POST /-/api/v1/billing/alarms/clear": func() {
			otherMode(a)
			a.Key("payments:manage").PostJSON(api+"alarms/clear", map[string]string{"key": "other_mode:"}).Want(204)
		},
		"POST /-/admin/billing/clear": func() {
			otherMode(a)
			operator(a).Post("/-/admin/billing/clear", "key", "other_mode:").Want(200, "The alarm is cleared")
		},
		"POST /-/admin/billing/plans/edit": func() {
			operator(a).Post("/-/admin/billing/plans/edit", "key", "more", "kind", "addon", "name", "More", "rank", "1", "trial_days", "0", "version", "0", "features", "sso\naudit", "limits", "seats = 5\ndisks = unlimited").Want(200, "The plan is saved")
		},
		"POST /-/api/v1/billing/cancel": func() { buyer("cancel").PostJSON(api+"cancel", map[string]any{}).Want(200) },
		"POST /-/api/v1/billing/resume": func() {
			b := buyer("resume")
			b.PostJSON(api+"cancel", map[string]any{}).Want(200)
			a.RunJobs()
			b.PostJSON(api+"resume", map[string]any{}).Want(200)
		},
	}
}

// BenchmarkWebhook is an event of 2.5 KB through HTTP: verified, stored with its job,
// durable, from 16 clients, while the jobs that look at the events run.
func BenchmarkWebhook(b *testing.B) {
	stripe := apptest.NewStripe()
	url, client := serveWith(b, auth.NewCheapHasher(), apptest.Selling(stripe))
	pad := strings.Repeat("x", 2200)
	var l latencies
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.subscription.updated","api_version":"2023-10-16","livemode":false,"created":1,"data":{"object":{"id":"sub_%d","object":"subscription","customer":"cus_%d","description":"%s"}}}`, i, i%1000, i%1000, pad)
			now := time.Now()
			r, _ := http.NewRequest("POST", url+"/-/webhooks/stripe", strings.NewReader(body))
			r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now.Unix(), hex.EncodeToString(webhook.ComputeSignature(now, []byte(body), apptest.StripeSecret))))
			res, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != 200 {
				b.Errorf("status %d", res.StatusCode)
				return
			}
			l.add(time.Since(now))
		}
	})
	l.report(b)
}
