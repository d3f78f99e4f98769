package app_test

import (
	"fmt"
	"strings"

	"seaworthy/app/apptest"
)

// buyerOf signs somebody up who has the team plan.
type buyerOf func(name string) *apptest.Browser

// driveChanges drives what owners do about a subscription beside changing and
// canceling it.
func driveChanges(a *apptest.App, f *apptest.Stripe, buyer buyerOf) map[string]func() {
	const api = "/-/api/v1/billing/"
	rules := func(days int) {
		a.Key("payments:manage").Do("PUT", api+"settings", "application/json", fmt.Sprintf(`{"downgrade_now":true,"max_pause_days":%d}`, days)).Want(200)
	}
	return map[string]func(){
		"POST /-/api/v1/billing/change/withdraw": func() {
			scheduled(a, f, buyer, "withdraw").PostJSON(api+"change/withdraw", map[string]any{}).Want(200)
		},
		"POST /-/org/{slug}/billing/withdraw": func() {
			scheduled(a, f, buyer, "withdrawform").Post(billingOf(a, "withdrawform@money.example")+"/withdraw").Want(200, "The change is taken back")
		},
		"POST /-/api/v1/billing/trial/end": func() { onTrial(a, f, buyer, "trial").PostJSON(api+"trial/end", map[string]any{}).Want(200) },
		"POST /-/org/{slug}/billing/trial": func() {
			onTrial(a, f, buyer, "trialform").Post(billingOf(a, "trialform@money.example")+"/trial").Want(200, "The trial is over")
		},
		"POST /-/api/v1/billing/pause": func() {
			b := buyer("pause")
			rules(91)
			b.PostJSON(api+"pause", map[string]any{"resumes_on": "2027-01-15"}).Want(200)
		},
		"POST /-/org/{slug}/billing/pause": func() {
			b := buyer("pauseform")
			rules(92)
			b.Post(billingOf(a, "pauseform@money.example")+"/pause", "resumes_on", "2027-01-15").Want(200, "The plan pauses")
		},
		"PUT /-/api/v1/billing/settings": func() { rules(30) },
		"POST /-/admin/billing/settings": func() {
			operator(a).Post("/-/admin/billing/settings", "downgrade_now", "on", "max_pause_days", "45").Want(200, "The rules are saved.", `value="45"`)
		},
	}
}

// becomes has Stripe tell of a change of a customer's subscription.
func becomes(a *apptest.App, f *apptest.Stripe, customer, why string, fields apptest.Object) {
	a.T.Helper()
	sub := strings.Replace(customer, "cus_", "sub_", 1)
	f.Put(sub, fields)
	tellStripe(a, "evt_"+why+"_"+customer, "customer.subscription.updated", "subscription", sub, customer)
	a.RunJobs()
}

// scheduled is a buyer for whom a change is arranged.
func scheduled(a *apptest.App, f *apptest.Stripe, buyer buyerOf, name string) *apptest.Browser {
	b := buyer(name)
	org, now := a.PersonalOrg(name+"@money.example"), a.Clock.Now()
	becomes(a, f, "cus_"+org, "sched", apptest.Object{"schedule": apptest.Object{"id": "sub_sched_" + org, "status": "active", "current_phase": apptest.Object{"start_date": now.Unix(), "end_date": now.AddDate(0, 1, 0).Unix()},
		"phases": []apptest.Object{{"start_date": now.Unix(), "items": []apptest.Object{{"price": "price_team", "quantity": 1}}}, {"start_date": now.AddDate(0, 1, 0).Unix(), "items": []apptest.Object{{"price": "price_pro", "quantity": 1}}}}}})
	return b
}

// onTrial is a buyer whose trial runs.
func onTrial(a *apptest.App, f *apptest.Stripe, buyer buyerOf, name string) *apptest.Browser {
	b := buyer(name)
	becomes(a, f, "cus_"+a.PersonalOrg(name+"@money.example"), "trial", apptest.Object{"status": "trialing", "trial_end": a.Clock.Now().AddDate(0, 0, 14).Unix()})
	return b
}

// driveCustomers drives what those who run billing do about a customer, by the API and
// by his page.
func driveCustomers(a *apptest.App, f *apptest.Stripe, buyer buyerOf) map[string]func() {
	const api = "/-/api/v1/billing/"
	f.Put("FIFTH", apptest.Object{"object": "coupon", "percent_off": 20, "duration": "forever", "valid": true})
	all := map[string]func(){}
	customer := func(name string) string {
		buyer(name)
		org := a.PersonalOrg(name + "@money.example")
		f.Put("in_"+org, apptest.Object{"charge": "ch_" + org, "paid": true})
		return "cus_" + org
	}
	for n, act := range []struct {
		api, form string
		before    apptest.Object
		in        map[string]string
		says      string
	}{
		{"pause", "pause", nil, map[string]string{"behavior": "keep_as_draft"}, "The subscription is paused."},
		{"resume", "resume", apptest.Object{"pause_collection": apptest.Object{"behavior": "void"}}, map[string]string{}, "The subscription goes on."},
		{"trial", "trial", apptest.Object{"status": "trialing", "trial_end": a.Clock.Now().AddDate(0, 0, 14).Unix()}, map[string]string{"until": "2027-01-15"}, "The trial ends later."},
		{"coupon", "coupon", nil, map[string]string{"code": "FIFTH"}, "The coupon is applied."},
		{"coupon/remove", "uncoupon", apptest.Object{"discount": apptest.Object{"id": "di_1", "coupon": apptest.Object{"id": "FIFTH", "percent_off": 20, "duration": "forever"}}}, map[string]string{}, "The coupon is removed."},
	} {
		ready := func(name string) string {
			id := customer(name)
			if act.before != nil {
				becomes(a, f, id, "before", act.before)
			}
			return id
		}
		all["POST "+api+"customers/{id}/"+act.api] = func() {
			a.Key("payments:manage").PostJSON(api+"customers/"+ready(fmt.Sprintf("desk%d", n))+"/"+act.api, act.in).Want(200)
		}
		all["POST /-/admin/billing/customers/{id}/"+act.form] = func() {
			var fields []string
			for k, v := range act.in {
				fields = append(fields, k, v)
			}
			operator(a).Post("/-/admin/billing/customers/"+ready(fmt.Sprintf("deskform%d", n))+"/"+act.form, fields...).Want(200, act.says)
		}
	}
	missing := func(name string) string {
		id := customer(name)
		f.Remove(id)
		becomes(a, f, id, "missing", nil)
		return id
	}
	all["POST "+api+"customers/{id}/let-go"] = func() {
		a.Key("payments:manage").PostJSON(api+"customers/"+missing("letgo")+"/let-go", map[string]any{"confirm": "yes"}).Want(204)
	}
	all["POST /-/admin/billing/customers/{id}/let-go"] = func() {
		page := "/-/admin/billing/customers/" + missing("letgoform")
		operator(a).Get(page).Want(200, "Stripe knows nothing of this customer")
		operator(a).Post(page+"/let-go").Want(422, "Say that you mean it.")
		operator(a).Post(page+"/let-go", "confirm", "yes").Want(200, "The customer is let go.").Without("Stripe knows nothing of this customer")
	}
	all["POST "+api+"customers/{id}/credit"] = func() {
		a.Key("payments:manage").PostJSON(api+"customers/"+customer("credit")+"/credit", map[string]any{"amount": 500, "note": "sorry"}).Want(200)
	}
	all["POST /-/admin/billing/customers/{id}/credit"] = func() {
		page := "/-/admin/billing/customers/" + customer("creditform") + "/credit"
		operator(a).Post(page, "amount", "5.00", "note", "sorry", "confirm", "yes").Want(200, "The credit is given.")
	}
	all["POST "+api+"invoices/{id}/refund"] = func() {
		id := strings.Replace(customer("refund"), "cus_", "in_", 1)
		a.Key("payments:manage").PostJSON(api+"invoices/"+id+"/refund", map[string]any{"amount": 500, "reason": "duplicate", "note": "twice"}).Want(200)
	}
	all["POST /-/admin/billing/customers/{id}/refund"] = func() {
		id := customer("refundform")
		operator(a).Post("/-/admin/billing/customers/"+id+"/refund", "invoice", strings.Replace(id, "cus_", "in_", 1), "amount", "5.00", "reason", "duplicate", "note", "twice", "confirm", "yes").Want(200, "The payment is paid back.")
	}
	return all
}
