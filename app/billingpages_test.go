package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// The pages of billing as a customer and an operator see them, narrow and wide, light
// and dark: nothing scrolls sideways, nothing is said in the browser's console, every
// control has a name.
func TestBillingPagesInChromium(t *testing.T) {
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.WithoutLimits, apptest.Selling(stripe))
	ada := a.Operator("ada@example.com")
	ada.Post("/-/account/orgs/new", "name", "Analytical Engines of London", "slug", "engines").Want(200)
	org := a.Query(`SELECT id FROM auth_org WHERE slug = 'engines'`)
	sellingTo(a, stripe, org)
	otherMode(a)
	preview := ada.Post("/-/org/engines/billing/preview", "price", "price_pro").Want(200, "Due today").Path
	ctx, said := chromium(t, 1280, 900)
	signedInAs(t, ctx, a, ada)
	look := func(path, name string) {
		t.Helper()
		for _, width := range []int64{360, 1280} {
			for _, theme := range []string{"light", "dark"} {
				a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(a.URL+path)))
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				if strings.HasSuffix(name, "-open") { // what is folded away must fit too
					_, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("details").forEach(d => { d.open = true }), 1`))
					a.Must(err)
				}
				fits(t, ctx, path)
				faultless(t, ctx, path)
				keep(t, ctx, fmt.Sprintf("billing-%s-%s-%d", name, theme, width))
			}
		}
	}
	now := a.Clock.Now()
	a.Key("payments:manage").Do("PUT", "/-/api/v1/billing/settings", "application/json", `{"downgrade_now":true,"max_pause_days":90}`).Want(200)
	look("/-/pricing", "pricing")
	look("/-/org/engines/billing", "org")
	look(preview, "change")
	becomes(a, stripe, "cus_"+org, "pro", apptest.Object{"items": apptest.Object{"object": "list", "data": []apptest.Object{{"id": "si_" + org, "quantity": 1, "price": stripe.Objects["price_pro"]}}}})
	look(ada.Post("/-/org/engines/billing/preview", "price", "price_team").Want(200, "Until then everything stays as it is").Path, "downgrade")
	start, end := now.Unix(), now.AddDate(0, 1, 0).Unix()
	becomes(a, stripe, "cus_"+org, "sched", apptest.Object{
		"discount": apptest.Object{"id": "di_1", "end": end, "coupon": apptest.Object{"id": "FIFTH", "name": "Spring", "percent_off": 20, "duration": "repeating", "duration_in_months": 3}},
		"schedule": apptest.Object{"id": "sub_sched_1", "status": "active", "current_phase": apptest.Object{"start_date": start, "end_date": end},
			"phases": []apptest.Object{{"start_date": start, "items": []apptest.Object{{"price": "price_pro", "quantity": 1}}}, {"start_date": end, "items": []apptest.Object{{"price": "price_team", "quantity": 1}}}}}})
	look("/-/org/engines/billing", "scheduled-open")
	becomes(a, stripe, "cus_"+org, "paused", apptest.Object{"schedule": nil, "current_period_end": start, "pause_collection": apptest.Object{"behavior": "void", "resumes_at": now.AddDate(0, 2, 0).Unix()}})
	look("/-/org/engines/billing", "paused")
	look("/-/admin/billing/customers/cus_"+org, "customer-paused")
	look("/-/admin/billing/settings", "settings")
	becomes(a, stripe, "cus_"+org, "again", apptest.Object{"pause_collection": nil, "discount": nil, "current_period_end": end})
	stripe.Put("sub_"+org, apptest.Object{"status": "past_due"})
	stripe.Put("in_2", apptest.Object{"object": "invoice", "status": "open", "customer": "cus_" + org, "subscription": "sub_" + org, "currency": "eur", "number": "2026-0002", "total": 4900,
		"amount_due": 4900, "amount_remaining": 4900, "attempt_count": 1, "created": now.Unix(), "status_transitions": apptest.Object{"finalized_at": now.Unix()}, "hosted_invoice_url": "https://stripe.example/i/2"})
	tellStripe(a, "evt_2", "invoice.payment_failed", "invoice", "in_2", "cus_"+org)
	a.RunJobs()
	a.Clock.Advance(5 * time.Minute)
	look("/-/org/engines/billing", "overdue")
	look("/-/admin/billing", "desk")
	look("/-/admin/billing/customers/cus_"+org, "customer")
	look("/-/admin/billing/customers/cus_"+org, "customer-open")
	stripe.Remove("cus_" + org)
	becomes(a, stripe, "cus_"+org, "missing", nil)
	a.Clock.Advance(5 * time.Minute)
	a.RunJobs()
	look("/-/admin/billing/customers/cus_"+org, "customer-missing-open")
	look("/-/admin/billing", "desk-missing")
	look("/-/admin/billing/plans", "plans")
	look("/-/admin/billing/plans/edit?plan=team", "plan")
	bob := a.SignUp("bob@example.com")
	a.SharedOrg("crew", "The Crew of a Ship With a Long Name", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member"})
	signedInAs(t, ctx, a, bob)
	look("/-/billing?org=crew", "ask")
	for _, s := range said() {
		if !strings.Contains(s, "favicon") {
			t.Error(s)
		}
	}
}
