package billing_test

import (
	"fmt"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/store"
)

// Who is refused something and may not see billing is told whom to ask.
func TestAMemberIsToldWhomToAskAboutBilling(t *testing.T) {
	t.Parallel()
	s := restricted(t)
	bob := s.Browser()
	bob.Post("/-/login", "email", "bob@example.com", "password", apptest.Password)
	bob.Get("/-/org/engines/billing").Want(403)
	bob.Get("/-/billing?org=engines").Want(200, "Billing of Engines", "has the plan <strong>Team</strong>", "It is read-only now, because a payment is overdue",
		"Ada Lovelace", "mailto:ada@example.com", `href="/-/pricing"`).Without("49.00", "2026-in_2")
	s.owner.Get("/-/billing?org=engines").Want(200, "49.00 EUR is overdue")
	s.Verified("eve@example.com").Get("/-/billing?org=engines").Want(404) // no business of hers
	s.Browser().Get("/-/billing?org=engines").Want(200, "Sign in")
}

// Coupons have no conditions; promotion codes are what people are given.
func TestAnOwnerNamesNoCoupon(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.stripe.Called("")
	s.owner.PostJSON(api+"checkout", object{"price": "price_team", "quantity": 1, "coupon": "FREE"}).WantProblem(403, "forbidden")
	slug := s.Query(`SELECT slug FROM auth_org WHERE id = ?`, s.org)
	s.owner.Post("/-/org/"+slug+"/billing/checkout", "price", "price_team", "quantity", "1", "coupon", "FREE").Want(403)
	s.ExpectNothing()
	if n := s.stripe.Called("POST"); n != 0 {
		t.Error("Stripe was asked")
	}
	given := s.remember()
	s.Key("payments:manage", "billing:manage").PostJSON(api+"checkout?org="+s.org, object{"price": "price_team", "quantity": 1, "coupon": "FREE"}).Want(201)
	if f := given("POST checkout/sessions"); f.Get("discounts[0][coupon]") != "FREE" {
		t.Errorf("%v", f)
	}
}

// A file with plans is for whoever runs billing here, not for who manages that of an org.
func TestAnOrgsKeyChangesNoPlans(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const file = "plans:\n  items:\n    team: {kind: plan, name: Team, features: [basics, reports, sso], prices: [price_team]}\n"
	apply := func(b *apptest.Browser) apptest.Page {
		return b.Do("POST", "/-/api/v1/apply", "application/yaml", file)
	}
	k := s.OrgKey(s.org, "billing:manage", "billing:read")
	s.Forget()
	apply(k).WantProblem(403, "forbidden")
	s.ExpectNothing()
	apply(s.Key("payments:manage")).Want(200)
}

// What customers read is kept by a file that says nothing of it.
func TestAFileKeepsTheNamesOfFeatures(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	k := s.Key("payments:manage", "payments:read")
	k.Do("PUT", api+"plans", "application/json", `{"key":"solo","kind":"plan","name":"Solo","features":["sso","reports"],"titles":{"sso":"Single sign-on","reports":"Monthly reports"}}`).Want(200)
	titles := func() string { return s.Query(`SELECT titles FROM billing_plan WHERE key = 'solo'`) }
	k.Do("POST", "/-/api/v1/apply", "application/yaml", "plans:\n  items:\n    solo: {kind: plan, name: Solo, rank: 3, features: [sso]}\n").Want(200)
	if got := titles(); got != `{"sso":"Single sign-on"}` {
		t.Error(got)
	}
	k.Do("POST", "/-/api/v1/apply", "application/yaml", "plans:\n  items:\n    solo: {kind: plan, name: Solo, rank: 3, features: [sso], titles: {sso: Sign-on}}\n").Want(200)
	if got := titles(); got != `{"sso":"Sign-on"}` {
		t.Error(got)
	}
	k.Get("/-/api/v1/export?section=plans").Want(200, "sso: Sign-on")
	k.Do("POST", "/-/api/v1/apply", "application/yaml", "plans:\n  prune: true\n  items:\n    free: {kind: free, name: Free}\n").Want(200)
	if got := titles(); got != `{"sso":"Sign-on"}` {
		t.Errorf("archived, and the names are %s", got)
	}
}

func TestThereIsAMostOfPlans(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Must(s.DB.Write(t.Context(), func(tx *store.Tx) error {
		for n := range 198 {
			key := fmt.Sprintf("p%03d", n)
			if _, err := tx.Exec(`INSERT INTO billing_plan (key, kind, name, about, rank, trial_days, version, created_at, changed_at) VALUES (?, 'plan', ?, '', 1, 0, 1, 0, 0)`, key, key); err != nil {
				return err
			}
		}
		return nil
	}))
	k := s.Key("payments:manage")
	k.Do("PUT", api+"plans", "application/json", `{"key":"more","kind":"plan","name":"More"}`).WantProblem(422, "invalid", "key")
	k.Do("PUT", api+"plans", "application/json", `{"key":"free","kind":"free","name":"Still free","version":1}`).Want(200) // those that are there change
}

// Many alarms of one kind do not crowd out that no money comes in.
func TestAnUrgentAlarmIsNotCrowdedOut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Must(s.DB.Write(t.Context(), func(tx *store.Tx) error {
		for n := range 61 {
			key, kind, about := fmt.Sprintf("over_limit:org_%d", n), "over_limit", "more is used"
			if n == 0 {
				key, kind, about = "setup:key", "setup", "Stripe refuses the key."
			}
			if _, err := tx.Exec(`INSERT INTO billing_alarm (key, kind, about, org_id, n, first_at, last_at) VALUES (?, ?, ?, '', 1, ?, ?)`, key, kind, about, 1000+n, 1000+n); err != nil {
				return err
			}
		}
		return nil
	}))
	s.Must(s.Billing.Sweep(t.Context()))
	if b := s.Billing.Banner(); b == nil || b.Text != "Stripe refuses the key." {
		t.Errorf("the banner is %+v", b)
	}
	if setup, open, err := s.Billing.Trouble(t.Context()); err != nil || setup != "Stripe refuses the key." || open != 50 {
		t.Errorf("%q, %d, %v", setup, open, err)
	}
}

// An account at Stripe that sold before us has customers that are none of ours; only one
// who pays now is worth a person's look.
func TestStrangersWhoPayNothingAreNoAlarm(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, id := range []string{"cus_was", "cus_is"} {
		s.stripe.Put(id, object{"object": "customer", "metadata": object{}})
	}
	s.subscribe("sub_was", "canceled", object{"customer": "cus_was"})
	s.subscribe("sub_is", "active", object{"customer": "cus_is"})
	s.subscribe("sub_is2", "active", object{"customer": "cus_is"})
	s.stripe.Called("")
	s.at(3, 17)
	if got := s.Query(`SELECT group_concat(key) FROM billing_alarm WHERE cleared_at IS NULL`); got != "unknown_customer:cus_is" {
		t.Error(got)
	}
}

// Who cancels what is not paid for ends it at once, and the page says so before and after.
func TestThePageSaysWhenACanceledPlanEnds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	base := "/-/org/" + s.Query(`SELECT slug FROM auth_org WHERE id = ?`, s.org) + "/billing"
	s.owner.Get(base).Want(200, "Everything works until 22 Dec 2026")
	s.owner.PostJSON(api+"cancel", object{}).Want(200, `"effective_at":"2026-12-22T14:05:00Z"`)
	s.changed()
	s.owner.PostJSON(api+"resume", object{}).Want(200)
	s.subscribe("sub_1", "past_due", object{"cancel_at_period_end": false}) // for less than is reminded of
	s.changed()
	s.owner.Get(base).Want(200, "The plan ends at once, because it is not paid for.")
	s.owner.Post(base+"/cancel").Want(200, "The subscription is ended.")
	s.RunJobs()
	if m := s.Mails("ada@example.com")[0]; !strings.Contains(m.Subject, "has ended") || !strings.Contains(strings.Join(strings.Fields(m.Text), " "), "It was canceled.") {
		t.Errorf("%s: %s", m.Subject, m.Text)
	}
	s.wantAccess(billing.None, billing.AccessFull)
}

// A checkout that nobody comes back to is recorded as over, and after a while forgotten.
func TestACheckoutThatIsLeftIsOver(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.owner.PostJSON(api+"checkout", object{"price": "price_team"}).Want(201)
	s.Forget()
	s.Clock.Advance(2 * 60 * 60e9)
	s.Must(s.Billing.Sweep(t.Context()))
	s.Expect(apptest.Happened{Audit: []string{"checkout.expired"}})
	if got := s.Query(`SELECT state FROM billing_intent`); got != "expired" {
		t.Error(got)
	}
	s.Clock.Advance(89 * oneDay)
	s.at(3, 17)
	if s.Count("billing_intent") != 1 {
		t.Error("it was forgotten too early")
	}
	s.Clock.Advance(2 * oneDay)
	s.at(3, 17)
	if s.Count("billing_intent") != 0 {
		t.Error("it is kept for ever")
	}
}

// What the API is told of money is money, and what it answers is a list.
func TestPricesAreInACurrency(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	k := s.Key("payments:manage")
	for _, currency := range []string{"€", "eu1", "euro", ""} {
		k.Do("PUT", api+"plans", "application/json", `{"key":"solo","kind":"plan","name":"Solo","make_prices":[{"currency":"`+currency+`","unit_amount":100,"interval":"month"}]}`).WantProblem(422, "invalid", "make_prices")
	}
	k.Do("PUT", api+"plans", "application/json", `{"key":"solo","kind":"plan","name":"Solo","make_prices":[{"currency":"EUR","unit_amount":100,"interval":"month"}]}`).Want(200, `"prices":[]`)
	s.RunJobs()
	if got := s.Query(`SELECT currency || ' ' || unit_amount FROM billing_price WHERE plan = 'solo'`); got != "eur 100" {
		t.Error(got)
	}
}

// An installation that is set up anew, with the same account at Stripe, makes its own prices.
func TestAPlanThatIsMadeAnewHasItsOwnPrice(t *testing.T) {
	t.Parallel()
	f := apptest.NewStripe()
	for _, amount := range []string{"100", "200"} {
		a := apptest.New(t, apptest.Selling(f))
		a.Key("payments:manage").Do("PUT", api+"plans", "application/json", `{"key":"solo","kind":"plan","name":"Solo","make_prices":[{"currency":"eur","unit_amount":`+amount+`,"interval":"month"}]}`).Want(200)
		a.RunJobs()
		if got := a.Query(`SELECT cast(unit_amount AS TEXT) FROM billing_price WHERE plan = 'solo'`); got != amount {
			t.Errorf("the price is %s, and %s was asked for", got, amount)
		}
	}
}
