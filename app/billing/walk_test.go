package billing_test

import (
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
)

// A person signs up, buys a plan with a test card, upgrades with a preview; then the
// card fails, access narrows, a payment restores it: all against the offline Stripe,
// by its API and its signed webhooks.
func TestFromSignUpToRecoveredAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.StripeSim, c.StripeMinimum = "on", 100 })
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	settle := func() {
		t.Helper()
		a.Must(a.Simulator.Settle(t.Context()))
		a.RunJobs()
		a.Must(a.Simulator.Settle(t.Context()))
		a.RunJobs()
	}
	want := func(plan string, state billing.State, access string) {
		t.Helper()
		e, err := a.Billing.Entitlements(t.Context(), org)
		a.Must(err)
		if e.Plan != plan || e.State != state || e.Access != access {
			t.Errorf("plan %q, %s, %s; want %q, %s, %s", e.Plan, e.State, e.Access, plan, state, access)
		}
	}
	k := a.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free"}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"features":["reports"],"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`,
		`{"key":"pro","kind":"plan","name":"Pro","rank":20,"features":["reports","sso"],"make_prices":[{"currency":"eur","unit_amount":9900,"interval":"month"}]}`} {
		k.Do("PUT", api+"plans", "application/json", p).Want(200)
	}
	settle()
	price := func(plan string) string { return a.Query(`SELECT id FROM billing_price WHERE plan = ?`, plan) }
	want("free", billing.None, billing.AccessFull)

	ada.PostJSON(api+"checkout", object{"price": price("team")}).Want(201)
	session := a.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'checkout'`)
	_, _, err := a.Simulator.CompleteCheckout(t.Context(), session, "4242424242424242", false)
	a.Must(err)
	settle()
	want("team", billing.Active, billing.AccessFull)

	a.Clock.Advance(10 * oneDay)
	a.Must(a.Simulator.Advance(t.Context(), 0))
	settle()
	ada = a.Browser()
	ada.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
	var p billing.Preview
	ada.PostJSON(api+"change/preview", object{"price": price("pro")}).Want(201).JSON(&p)
	if p.DueNow <= 2500 || p.DueNow >= 4000 || p.NextDue != 9900 { // two thirds of the difference of 50
		t.Errorf("%+v", p)
	}
	ada.PostJSON(api+"change", object{"preview": p.ID}).Want(200, `"state":"done"`)
	settle()
	want("pro", billing.Active, billing.AccessFull)

	for range 9 { // every try to collect the renewal fails
		a.Simulator.FailNextPayment("insufficient_funds")
	}
	day := func(n int) {
		t.Helper()
		for range n {
			a.Clock.Advance(oneDay)
			settle()
		}
	}
	day(24)
	if e, _ := a.Billing.Entitlements(t.Context(), org); e.State != billing.Grace {
		t.Errorf("after the renewal failed: %+v", e)
	}
	day(13)
	want("pro", billing.Restricted, billing.AccessRead)
	var subjects []string
	for _, m := range a.Mails("ada@example.com") {
		subjects = append(subjects, m.Subject)
	}
	if all := strings.Join(subjects, "|"); !strings.Contains(all, "did not go through") || !strings.Contains(all, "is now limited") {
		t.Error(all)
	}

	a.Must(a.Simulator.SetFaults(t.Context(), stripesim.Faults{}))
	ada = a.Browser() // the session has ended by now
	ada.Post("/-/login", "email", "ada@example.com", "password", apptest.Password)
	ada.PostJSON(api+"portal", object{"flow": "payment_method_update"}).Want(201)
	portal := a.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'portal'`)
	a.Must(a.Simulator.PortalCard(t.Context(), portal, "4242424242424242"))
	settle()
	want("pro", billing.Active, billing.AccessFull)
}

// A month passes on the simulator's clock in one go, and each reminder comes at its time, in order.
func TestAMonthOfTheSimulatorsClock(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.StripeSim, c.StripeMinimum = "on", 100 })
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	k := a.Key("payments:manage", "payments:read")
	for _, p := range []string{`{"key":"free","kind":"free","name":"Free"}`,
		`{"key":"team","kind":"plan","name":"Team","rank":10,"make_prices":[{"currency":"eur","unit_amount":4900,"interval":"month"}]}`} {
		k.Do("PUT", api+"plans", "application/json", p).Want(200)
	}
	a.RunJobs()
	ada.PostJSON(api+"checkout", object{"price": a.Query(`SELECT id FROM billing_price`)}).Want(201)
	_, _, err := a.Simulator.CompleteCheckout(t.Context(), a.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'checkout'`), "4242424242424242", false)
	a.Must(err)
	a.Must(a.Simulator.Advance(t.Context(), 0))
	for range 20 {
		a.Simulator.FailNextPayment("insufficient_funds")
	}
	a.Must(a.Simulator.Advance(t.Context(), 62*oneDay))
	var got []string
	for _, m := range a.Mails("ada@example.com") {
		got = append([]string{m.Subject}, got...)
	}
	want := []string{"Verify your address", "Receipt", "did not go through", "still due", "will be limited on 5 Jan 2027", "is now limited", "ends on 19 Jan 2027", "has ended"}
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Errorf("mails, in order: %q; want %q", got, want)
	}
	if e, err := a.Billing.Entitlements(t.Context(), org); err != nil || e.Plan != "free" {
		t.Errorf("%+v, %v", e, err)
	}
	if got := a.Query(`SELECT status FROM billing_subscription`); got != "canceled" {
		t.Errorf("the subscription is %s", got)
	}
}
