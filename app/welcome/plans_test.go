package welcome_test

import (
	"net/http"
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

func TestFirstPlanIsMade(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(stripe))
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	fields := func(name, amount, currency, interval, trial string) []string {
		return []string{"name", name, "amount", amount, "currency", currency, "interval", interval, "trial_days", trial}
	}
	for want, in := range map[string][]string{"f-name-error": fields("", "29", "eur", "month", "0"), "f-amount-error": fields("Team", "lots", "eur", "month", "0"),
		"f-currency-error": fields("Team", "29", "euro", "month", "0"), "f-trial_days-error": fields("Team", "29", "eur", "month", "800")} {
		op.Post("/-/admin/welcome/plans/make", in...).Want(422, want)
	}
	op.Post("/-/admin/welcome/plans/make", fields("Team", "29.999", "eur", "month", "0")...).Want(422, "f-amount-error", `value="29.999"`)
	op.Post("/-/admin/welcome/plans/make", fields("Team", "29", "eur", "day", "0")...).Want(422)
	a.ExpectNothing()
	op.Post("/-/admin/welcome/plans/make", fields("Team Plan", "29,50", "EUR", "month", "14")...).Want(200, "The plan is made", "Team Plan")
	a.Expect(apptest.Happened{Audit: []string{"plan.created"}, Jobs: []string{"billing.make_price"}, Rows: map[string]int{"billing_plan": 1, "billing_plan_version": 1}})
	op.Post("/-/admin/welcome/plans/make", fields("Team plan", "9", "eur", "month", "0")...).Want(422, "There is a plan of this name already")
	a.RunJobs()
	op.Get("/-/admin/welcome/plans").Want(200, "29.50")
	if done, _, text := read(op).step(t, "plans"); !done {
		t.Error(text)
	}
	if got := a.Query(`SELECT key || ' ' || trial_days FROM billing_plan`); got != "team-plan 14" {
		t.Error(got)
	}
}

func TestPlansAreReadFromStripe(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(stripe))
	op := a.Operator("grace@example.com")
	product := func(id, name string) {
		stripe.Put(id, apptest.Object{"object": "product", "active": true, "name": name})
	}
	price := func(id, of string, amount int64, interval, usage string) {
		o := apptest.Object{"object": "price", "active": true, "product": of, "unit_amount": amount, "currency": "eur"}
		if interval != "" {
			o["recurring"] = apptest.Object{"interval": interval, "interval_count": 1, "usage_type": usage}
		}
		stripe.Put(id, o)
	}
	product("prod_b", "Business")
	product("prod_a", "Team & more")
	product("prod_c", "A mug")
	product("prod_d", "日本")
	price("price_b1", "prod_b", 9900, "month", "licensed")
	price("price_a1", "prod_a", 2900, "month", "licensed")
	price("price_a2", "prod_a", 29000, "year", "licensed")
	price("price_c1", "prod_c", 900, "", "")
	price("price_a3", "prod_a", 1, "month", "metered")
	price("price_d1", "prod_d", 900, "month", "licensed")
	price("price_x", "prod_gone", 900, "month", "licensed")
	a.RunJobs()
	a.Forget()
	op.Post("/-/admin/welcome/plans/read").Want(200, "Stripe is being asked", "every 1s")
	a.Expect(apptest.Happened{Audit: []string{"plan.import_requested"}, Jobs: []string{"billing.import_plans"}, Rows: map[string]int{"billing_import": 1}})
	a.RunJobs()
	op.Get("/-/admin/welcome/plans").Want(200, "2 plans were made", "4 prices were left out", "Business", "Team &amp; more", "29.00", "290.00")
	if got := a.Query(`SELECT group_concat(key || ' ' || rank, ', ') FROM (SELECT * FROM billing_plan ORDER BY rank)`); got != "team-more 10, business 20" {
		t.Error(got)
	}
	op.PostJSON("/-/api/v1/billing/plans/import", nil).Want(202, `"waiting"`)
	a.RunJobs()
	op.Get("/-/api/v1/billing/plans/import").Want(200, `"done"`, "No new plan was found", "2 products have a plan already")
	if n := a.Count("billing_plan"); n != 2 {
		t.Errorf("%d plans", n)
	}
}

func TestStripeRefusesToBeRead(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.Selling(stripe))
	op := a.Operator("grace@example.com")
	a.RunJobs()
	stripe.Fails(func(r *http.Request) *http.Response {
		if strings.HasPrefix(r.URL.Path, "/v1/products") {
			return apptest.FailingStripe(403, "forbidden")
		}
		return nil
	})
	op.Post("/-/admin/welcome/plans/read").Want(200)
	a.RunJobs()
	op.Get("/-/admin/welcome/plans").Want(200, "Stripe answered Forbidden")
	none := apptest.New(t)
	grace := none.Operator("grace@example.com")
	grace.Get("/-/admin/welcome/plans").Want(200, "Nothing can be sold yet")
	grace.Post("/-/admin/welcome/plans/read").Want(409, "no account at Stripe")
	grace.Post("/-/admin/welcome/plans/make", "name", "Team", "amount", "29", "currency", "eur", "interval", "month", "trial_days", "0").Want(409, "no account at Stripe")
}
