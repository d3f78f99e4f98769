package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
)

// The life of a customer, by hand and eye: he signs up, chooses a plan, pays with a test card, changes
// to a larger one with a preview; his card fails, the clock moves on through grace until he may only read,
// he pays with another card, and everything is as before.
func TestBuyingInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.StripeSim, c.StripeMinimum = "on", 100 })
	k := a.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free","features":["basics"]}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"features":["basics","reports"],"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`,
		`{"key":"pro","kind":"plan","name":"Pro","rank":20,"features":["basics","reports","sso"],"make_prices":[{"currency":"eur","unit_amount":9900,"interval":"month"}]}`} {
		k.Do("PUT", "/-/api/v1/billing/plans", "application/json", p).Want(200)
	}
	a.RunJobs()
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			where, _ := chromedp.Run(ctx, chromedp.Location())
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("%v at %s\n%s", err, where, text)
		}
	}
	text := func() string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		a.Must(err)
		return got
	}
	reads := func(parts ...string) {
		t.Helper()
		got := text()
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Fatalf("the page does not say %q:\n%s", p, got)
			}
		}
	}
	settle := func() {
		t.Helper()
		a.Must(a.Simulator.Advance(t.Context(), 0))
	}
	own := func() {
		t.Helper()
		settle()
		run(chromedp.Navigate(a.URL+"/-/billing"), chromedp.WaitVisible("h1"))
	}

	run(chromedp.Navigate(a.URL+"/-/pricing"), chromedp.WaitVisible(".plans"))
	reads("Free", "Team", "49.00 EUR", "Pro")
	keep(t, ctx, "buy-01-pricing")
	run(chromedp.Click(`article[aria-label=Team] a.button`), chromedp.WaitVisible("input[name=name]"),
		chromedp.SendKeys("input[name=name]", "Ada Lovelace"), chromedp.SendKeys("input[name=email]", "ada@example.com"),
		chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), gone("input[name=password]"))
	a.RunJobs()
	own()
	keep(t, ctx, "buy-02-billing-free")
	run(chromedp.Click(`form[action$="/checkout"] button`), chromedp.WaitVisible(`form[action*="/-/dev/stripe/checkout/"] button`))
	reads("Simulated", "49.00")
	keep(t, ctx, "buy-03-checkout")
	run(chromedp.Click(`form[action*="/-/dev/stripe/checkout/"]:has(input[value="4242424242424242"]) button`), gone(`form[action*="/-/dev/stripe/checkout/"]`))
	own()
	reads("Team", "your plan")
	keep(t, ctx, "buy-04-billing-team")

	run(chromedp.Click(`form[action$="/preview"]:not(.inline-form) button`), chromedp.WaitVisible(`form[action$="/change"] button`))
	reads("Due today", "Pro")
	keep(t, ctx, "buy-05-preview")
	run(chromedp.Click(`form[action$="/change"] button`), gone(`form[action$="/change"]`))
	own()
	reads("Pro")
	keep(t, ctx, "buy-06-billing-pro")

	for range 20 {
		a.Simulator.FailNextPayment("insufficient_funds")
	}
	weeks := 0
	week := func() {
		t.Helper()
		if weeks++; weeks > 9 {
			t.Fatalf("nothing comes of the payment that failed:\n%s", text())
		}
		run(chromedp.Navigate(a.URL+"/-/dev/stripe"), chromedp.WaitVisible(".simulator > h1"))
		before := a.Simulator.Now()
		run(chromedp.Click(`input[value=week] + button`))
		for a.Simulator.Now().Sub(before) < 7*24*time.Hour { // the button answers when the week is over
			run(chromedp.WaitVisible(".simulator > h1"))
		}
		run(chromedp.WaitVisible(".simulator > h1"))
	}
	for own(); !strings.Contains(text(), "overdue"); own() {
		week()
	}
	reads("99.00 EUR is overdue", "Pay")
	keep(t, ctx, "buy-07-grace")
	access := func() string {
		e, err := a.Billing.Entitlements(t.Context(), a.PersonalOrg("ada@example.com"))
		a.Must(err)
		return e.Access
	}
	for access() == "full" {
		week()
	}
	keep(t, ctx, "buy-08-simulator")
	own()
	reads("overdue", "Pay")
	keep(t, ctx, "buy-09-restricted")

	a.Must(a.Simulator.SetFaults(t.Context(), stripesim.Faults{}))
	run(chromedp.Click(`form[action$="/portal"] button`), chromedp.WaitVisible(`form[action*="/-/dev/stripe/portal/"] button`))
	keep(t, ctx, "buy-10-portal")
	run(chromedp.Click("summary"), chromedp.Click(`form[action*="/-/dev/stripe/portal/"]:has(input[value="5555555555554444"]) button`))
	for !strings.Contains(text(), "ending in 4444") {
		run(chromedp.WaitVisible("h1"))
	}
	own()
	if got := text(); strings.Contains(got, "overdue") || access() != "full" {
		t.Errorf("he has paid, and has access %s:\n%s", access(), got)
	}
	keep(t, ctx, "buy-11-restored")

	var got []string
	for _, m := range a.Mails("ada@example.com") {
		got = append([]string{m.Subject}, got...)
	}
	at := 0
	for _, want := range []string{"Receipt", "Receipt", "did not go through", "still due", "will be limited", "is now limited", "Receipt"} {
		for at < len(got) && !strings.Contains(got[at], want) {
			at++
		}
		if at++; at > len(got) {
			t.Fatalf("no mail %q in its place among %q", want, got)
		}
	}
	run(chromedp.Navigate(a.URL+"/-/dev/inbox"), chromedp.WaitVisible("h1"))
	keep(t, ctx, "buy-12-inbox")
	for _, line := range said() {
		t.Error(line)
	}
}
