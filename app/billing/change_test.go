package billing_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
)

const api = "/-/api/v1/billing/"

// sells adds a larger plan.
func (s *shop) sells() {
	s.T.Helper()
	s.stripe.Put("price_pro", object{"object": "price", "active": true, "currency": "eur", "unit_amount": 9900, "product": "prod_pro", "recurring": object{"interval": "month", "interval_count": 1}})
	s.stripe.Put("price_usd", object{"object": "price", "active": true, "currency": "usd", "unit_amount": 9900, "product": "prod_pro", "recurring": object{"interval": "month", "interval_count": 1}})
	s.Key("payments:manage").Do("PUT", api+"plans", "application/json", `{"key":"pro","kind":"plan","name":"Pro","rank":20,"features":["basics","reports","sso"],"limits":{"seats":{"value":10}},"prices":["price_pro","price_usd"]}`).Want(200)
	s.RunJobs()
	s.stripe.OnPost = func(path string, form url.Values) object {
		if path == "invoices/upcoming" {
			return object{"object": "invoice", "amount_due": 2500, "currency": "eur", "lines": object{"object": "list", "data": []object{
				{"id": "il_1", "description": "Unused time on Team", "amount": -2450, "proration": true}, {"id": "il_2", "description": "Remaining time on Pro", "amount": 4950, "proration": true}}}}
		}
		return nil
	}
	s.Forget()
}

// form is what the last call of a kind was given.
func (s *shop) remember() func(path string) url.Values {
	seen := map[string]url.Values{}
	next := s.stripe.OnPost
	s.stripe.OnPost = func(path string, form url.Values) object {
		seen[path] = form
		if next != nil {
			return next(path, form)
		}
		return nil
	}
	return func(path string) url.Values {
		s.stripe.Mu.Lock()
		defer s.stripe.Mu.Unlock()
		return seen[path]
	}
}

func TestACheckoutIsOpened(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	given := s.remember()
	var out struct{ ID, URL string }
	s.owner.PostJSON(api+"checkout", object{"price": "price_team", "quantity": 3}).Want(201).JSON(&out)
	s.Expect(apptest.Happened{Audit: []string{"checkout.opened", "billing_customer.linked"}, Rows: map[string]int{"billing_intent": 1, "billing_customer": 1}})
	f := given("POST checkout/sessions")
	if f.Get("customer") == "" || f.Get("line_items[0][quantity]") != "3" || f.Get("subscription_data[trial_period_days]") != "14" || f.Get("client_reference_id") != s.org || !strings.Contains(f.Get("success_url"), out.ID) {
		t.Errorf("%v", f)
	}
	if !strings.HasPrefix(out.URL, "https://stripe.example/") {
		t.Error(out.URL)
	}
	var again struct{ ID, URL string }
	s.owner.PostJSON(api+"checkout", object{"price": "price_team", "quantity": 3}).Want(201).JSON(&again)
	if again != out {
		t.Errorf("a second session was opened: %v, %v", out, again)
	}
	s.owner.PostJSON(api+"checkout", object{"price": "price_team", "quantity": 4}).Want(201).JSON(&again)
	if again.ID == out.ID {
		t.Error("another wish got the first session")
	}
	if n := s.Query(`SELECT cast(count(*) AS TEXT) FROM billing_intent WHERE state = 'open'`); n != "1" {
		t.Errorf("%s sessions are open", n)
	}
}

func TestACheckoutIsCompleted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.link()
	s.owner.PostJSON(api+"checkout", object{"price": "price_team"}).Want(201)
	session := s.Query(`SELECT remote_id FROM billing_intent`)
	s.subscribe("sub_1", "active", nil)
	s.tell("checkout.session.completed", "checkout.session", session)
	s.RunJobs()
	if got := s.Query(`SELECT state FROM billing_intent`); got != "done" {
		t.Error(got)
	}
	if e := s.may(); e.Plan != "team" {
		t.Errorf("%+v", e)
	}
	s.owner.PostJSON(api+"checkout", object{"price": "price_team"}).WantProblem(409, "already_subscribed")
}

func TestFault21TheAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.link()
	var lost atomic.Bool
	lost.Store(true)
	s.stripe.Fails(func(r *http.Request) *http.Response {
		if r.Method == "POST" && lost.CompareAndSwap(true, false) {
			rec := &discard{http.Header{}}
			s.stripe.Serve(rec, r) // it was done, and nobody hears of it
			return &http.Response{}
		}
		return nil
	})
	s.owner.PostJSON(api+"checkout", object{"price": "price_team"}).WantProblem(502, "stripe_unavailable")
	s.owner.PostJSON(api+"checkout", object{"price": "price_team"}).Want(201)
	keys := s.stripe.Keys
	if len(keys) != 2 || keys[0] != keys[1] || !strings.HasPrefix(keys[0], "swy:int_") {
		t.Errorf("idempotency keys: %v", keys)
	}
	made := 0
	for id := range s.stripe.Objects {
		if strings.HasPrefix(id, "cs_") {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d sessions were made", made)
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func TestFault25AnotherCurrency(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.subscribe("sub_1", "canceled", object{"ended_at": s.Clock.Now().Unix()})
	s.changed() // the customer pays in euros
	s.owner.PostJSON(api+"checkout", object{"price": "price_usd"}).WantProblem(409, "currency_mismatch")
	s.subscribe("sub_1", "active", nil)
	s.changed()
	s.owner.PostJSON(api+"change/preview", object{"price": "price_usd"}).WantProblem(409, "currency_mismatch")
}

func TestFault26FewerSeatsThanMembers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.SignUp("bob@example.com")
	s.SignUp("eve@example.com")
	s.org = s.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member", "eve@example.com": "rol_member"})
	s.stripe.Put("cus_1", object{"metadata": object{"seaworthy_org": s.org}})
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{{"id": "si_1", "quantity": 1, "price": s.stripe.Objects["price_pro"]}}}})
	s.changed()
	p := s.owner.PostJSON(api+"change/preview?org=engines", object{"price": "price_team", "quantity": 2}).WantProblem(409, "seats_used")
	if !strings.Contains(p.Detail, "3 members, 1 more than the 2 seats") {
		t.Error(p.Detail)
	}
	s.owner.PostJSON(api+"change/preview?org=engines", object{"price": "price_team", "quantity": 3}).Want(201)
	s.subscribe("sub_1", "active", object{"items": object{"object": "list", "data": []object{{"id": "si_1", "quantity": 1, "price": s.stripe.Objects["price_team"]}}}})
	s.changed() // done in Stripe's dashboard
	s.owner.Get(api+"entitlements?org=engines").Want(200, `"over_limit":["seats"]`, `"used":{"seats":3}`)
	if got := s.Query(`SELECT kind FROM billing_alarm WHERE cleared_at IS NULL`); got != "over_limit" {
		t.Error(got)
	}
}

func TestAChangeIsAppliedAtTheCostThatWasShown(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.subscribe("sub_1", "active", nil)
	s.changed()
	given := s.remember()
	var p billing.Preview
	s.owner.PostJSON(api+"change/preview", object{"price": "price_pro"}).Want(201).JSON(&p)
	if p.DueNow != 2500 || p.NextDue != 9900 || len(p.Lines) != 2 || !p.NextAt.Equal(apptest.Epoch.AddDate(0, 1, 0)) {
		t.Errorf("%+v", p)
	}
	asked := given("invoices/upcoming").Get("subscription_proration_date")
	s.Clock.Advance(9 * time.Minute)
	s.Forget()
	s.owner.PostJSON(api+"change", object{"preview": p.ID}).Want(200, `"state":"done"`)
	s.Expect(apptest.Happened{Audit: []string{"subscription.change_requested"}, Jobs: []string{"billing.sync"}})
	f := given("POST subscriptions/sub_1")
	if f.Get("proration_date") != asked || asked == "" || f.Get("payment_behavior") != "pending_if_incomplete" || f.Get("proration_behavior") != "always_invoice" || f.Get("items[0][price]") != "price_pro" {
		t.Errorf("%v", f)
	}
	s.stripe.Called("")
	s.owner.PostJSON(api+"change", object{"preview": p.ID}).Want(200)
	if n := s.stripe.Called("POST"); n != 0 {
		t.Error("what was done is done again")
	}
}

func TestAPreviewExpires(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.subscribe("sub_1", "active", nil)
	s.changed()
	var p billing.Preview
	s.owner.PostJSON(api+"change/preview", object{"price": "price_pro"}).Want(201).JSON(&p)
	s.Clock.Advance(10 * time.Minute)
	s.owner.PostJSON(api+"change", object{"preview": p.ID}).WantProblem(409, "preview_expired")
	s.SignUp("eve@example.com").PostJSON(api+"change", object{"preview": p.ID}).WantProblem(422, "invalid", "preview")
	if n := s.stripe.Called("POST subscriptions"); n != 0 {
		t.Error("Stripe was asked")
	}
}

func TestFault28AnUpgradeThatIsNeverConfirmed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.sells()
	s.subscribe("sub_1", "active", nil)
	s.changed()
	next := s.stripe.OnPost
	s.stripe.OnPost = func(path string, form url.Values) object {
		if path == "POST subscriptions/sub_1" { // the bank wants to be asked first
			o := s.stripe.Objects["sub_1"]
			o["pending_update"] = object{"expires_at": s.Clock.Now().Add(23 * time.Hour).Unix()}
			out := object{"latest_invoice": object{"id": "in_3", "hosted_invoice_url": "https://stripe.example/i/in_3"}}
			for k, v := range o {
				out[k] = v
			}
			return out
		}
		return next(path, form)
	}
	var p billing.Preview
	s.owner.PostJSON(api+"change/preview", object{"price": "price_pro"}).Want(201).JSON(&p)
	s.owner.PostJSON(api+"change", object{"preview": p.ID}).Want(200, `"state":"pending"`, "https://stripe.example/i/in_3")
	s.RunJobs()
	if e := s.may(); e.Plan != "team" {
		t.Errorf("the plan changed before it was paid: %+v", e)
	}
	s.owner.PostJSON(api+"change/preview", object{"price": "price_pro"}).WantProblem(409, "change_pending")
	s.stripe.Put("sub_1", object{"pending_update": nil})
	s.tell("customer.subscription.pending_update_expired", "subscription", "sub_1")
	s.RunJobs()
	if e := s.may(); e.Plan != "team" {
		t.Errorf("%+v", e)
	}
}

func TestCancelAndResume(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.changed()
	given := s.remember()
	s.owner.PostJSON(api+"cancel", object{"reason": "bored"}).WantProblem(422, "invalid", "reason")
	s.owner.PostJSON(api+"cancel", object{"reason": "too_expensive", "comment": "sorry"}).Want(200)
	f := given("POST subscriptions/sub_1")
	if f.Get("cancel_at_period_end") != "true" || f.Get("cancellation_details[feedback]") != "too_expensive" {
		t.Errorf("%v", f)
	}
	s.RunJobs()
	s.wantAccess(billing.Active, billing.AccessFull)
	s.owner.Get(api+"subscription").Want(200, `"cancel_at_period_end":true`)
	s.owner.PostJSON(api+"cancel", object{}).WantProblem(409, "canceled_already")
	s.owner.PostJSON(api+"resume", object{}).Want(200)
	s.RunJobs()
	s.owner.Get(api+"subscription").Want(200, `"cancel_at_period_end":false`)
	s.owner.PostJSON(api+"resume", object{}).WantProblem(409, "nothing_to_resume")
	s.owner.PostJSON(api+"cancel", object{"at": "now"}).Want(200)
	s.RunJobs()
	s.wantAccess(billing.None, billing.AccessFull)
}

func TestANewCardPaysWhatIsOverdue(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.behind(nil)
	s.stripe.Put("sub_1", object{"default_payment_method": object{"id": "pm_old", "type": "card", "card": object{"brand": "visa", "last4": "0002"}}})
	s.changed()
	given := s.remember()
	s.stripe.Put("cus_1", object{"invoice_settings": object{"default_payment_method": object{"id": "pm_2", "type": "card", "card": object{"brand": "visa", "last4": "1111"}}}})
	s.tell("customer.updated", "customer", "cus_1")
	s.RunJobs()
	if f := given("POST invoices/in_2/pay"); f.Get("payment_method") != "pm_2" {
		t.Errorf("%v", f)
	}
	if f := given("POST subscriptions/sub_1"); f.Get("default_payment_method") != "pm_2" { // the one that failed was its own
		t.Errorf("%v", f)
	}
}

func TestWhoMayNotManageBilling(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.SignUp("bob@example.com")
	s.SharedOrg("engines", "Engines", map[string]string{"ada@example.com": "rol_owner", "bob@example.com": "rol_member"})
	bob := s.Browser()
	bob.Post("/-/login", "email", "bob@example.com", "password", apptest.Password)
	for _, path := range []string{"checkout", "portal", "change/preview", "change", "cancel", "resume"} {
		bob.PostJSON(api+path+"?org=engines", object{}).WantProblem(403, "forbidden")
		s.SignUp("eve-"+strings.ReplaceAll(path, "/", "-")+"@example.com").PostJSON(api+path+"?org=engines", object{}).Want(404)
		s.Browser().PostJSON(api+path, object{}).Want(401)
	}
	bob.Get(api + "invoices?org=engines").Want(403)
	bob.Get(api + "entitlements?org=engines").Want(200)
}
