package conform

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app/billing/stripesim"
)

// desk speaks to the offline Stripe as curl would, with the contract in between.
type desk struct {
	*testing.T
	*contract
	clock time.Time
}

// call sends a form, as "name=value" each, and returns the answer, which must be a 200.
func (d *desk) call(method, path string, form ...string) object {
	d.Helper()
	body := strings.ReplaceAll(strings.Join(form, "&"), "[", "%5B")
	body = strings.ReplaceAll(body, "]", "%5D")
	target := "https://api.stripe.com/v1/" + path
	if method == "GET" && body != "" {
		target, body = target+"?"+body, ""
	}
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer sk_test_simulated")
	r.Header.Set("Stripe-Version", stripesim.Version)
	if method != "GET" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := d.RoundTrip(r)
	if err != nil {
		d.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		d.Fatal(err)
	}
	if res.StatusCode != 200 {
		d.Fatalf("%s %s: %d %s", method, path, res.StatusCode, raw)
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		d.Fatal(err)
	}
	return out
}

func (d *desk) id(method, path string, form ...string) string {
	d.Helper()
	return d.call(method, path, form...)["id"].(string)
}

// TestWhatTheOfflineStripeAnswers asks for each of its operations once.
func TestWhatTheOfflineStripeAnswers(t *testing.T) {
	d := &desk{T: t, clock: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)}
	sim, err := stripesim.New(stripesim.Options{Seed: 7, PublicURL: "http://shop.test", Clock: func() time.Time { return d.clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	if d.contract, err = newContract(sim); err != nil {
		t.Fatal(err)
	}
	each := func(path, id string) {
		t.Helper()
		d.call("GET", path+"/"+id)
		d.call("GET", path, "limit=10")
	}

	prod := d.id("POST", "products", "name=Team")
	d.call("POST", "products/"+prod, "description=For teams")
	each("products", prod)
	price := func(amount string) string {
		return d.id("POST", "prices", "product="+prod, "currency=eur", "unit_amount="+amount, "recurring[interval]=month")
	}
	team, pro := price("4900"), price("9900")
	each("prices", team)
	d.call("POST", "prices/"+team, "nickname=Team")

	cus := d.id("POST", "customers", "email=ada@example.com", "name=Ada", "metadata[org]=org_1")
	own := d.id("POST", "payment_methods/pm_card_visa/attach", "customer="+cus)
	d.call("POST", "customers/"+cus, "invoice_settings[default_payment_method]="+own)
	each("customers", cus)
	d.call("POST", "customers/"+cus+"/balance_transactions", "amount=-500", "currency=eur")
	pm := d.id("POST", "payment_methods", "type=card", "card[number]=5555555555554444", "card[exp_month]=12", "card[exp_year]=2034", "card[cvc]=123")
	d.call("POST", "payment_methods/"+pm+"/attach", "customer="+cus)
	d.call("GET", "payment_methods/"+pm)
	d.call("GET", "payment_methods", "customer="+cus)
	d.call("POST", "payment_methods/"+pm+"/detach")
	setup := d.id("POST", "setup_intents", "customer="+cus, "payment_method=pm_card_visa", "confirm=true")
	d.call("GET", "setup_intents/"+setup)

	coupon := d.id("POST", "coupons", "percent_off=20", "duration=repeating", "duration_in_months=3")
	each("coupons", coupon)
	promo := d.id("POST", "promotion_codes", "coupon="+coupon, "code=HELLO")
	each("promotion_codes", promo)

	sub := d.id("POST", "subscriptions", "customer="+cus, "items[0][price]="+team, "promotion_code="+promo)
	item := d.call("GET", "subscriptions/"+sub)["items"].(object)["data"].([]any)[0].(object)["id"].(string)
	each("subscriptions", sub)
	d.call("GET", "invoices/upcoming", "customer="+cus, "subscription="+sub, "subscription_items[0][id]="+item, "subscription_items[0][price]="+pro, "subscription_proration_behavior=always_invoice")
	d.call("GET", "invoices/upcoming/lines", "customer="+cus, "subscription="+sub)
	d.call("POST", "subscriptions/"+sub, "items[0][id]="+item, "items[0][price]="+pro, "proration_behavior=always_invoice", "payment_behavior=pending_if_incomplete", "expand[0]=latest_invoice.payment_intent")
	d.call("POST", "subscriptions/"+sub, "cancel_at_period_end=true", "cancellation_details[feedback]=unused")
	d.call("POST", "subscriptions/"+sub, "cancel_at_period_end=false")
	d.call("POST", "subscriptions/"+sub, "pause_collection[behavior]=void")
	d.call("POST", "subscriptions/"+sub, "pause_collection=")

	in := d.call("GET", "invoices", "customer="+cus)["data"].([]any)[0].(object)["id"].(string)
	each("invoices", in)
	d.call("GET", "invoices/"+in+"/lines")
	d.call("POST", "invoices/"+in, "metadata[seen]=yes")
	extra := d.id("POST", "invoiceitems", "customer="+cus, "amount=700", "currency=eur", "description=Setup")
	d.call("GET", "invoiceitems/"+extra)
	d.call("GET", "invoiceitems", "customer="+cus)

	for _, kind := range []string{"payment_intents", "charges"} {
		list := d.call("GET", kind, "customer="+cus)["data"].([]any)
		if len(list) == 0 {
			t.Fatalf("no %s", kind)
		}
		d.call("GET", kind+"/"+list[0].(object)["id"].(string))
	}
	charge := d.call("GET", "charges", "customer="+cus)["data"].([]any)[0].(object)["id"].(string)
	refund := d.id("POST", "refunds", "charge="+charge, "amount=100", "reason=requested_by_customer")
	d.call("GET", "refunds/"+refund)
	d.call("GET", "refunds", "charge="+charge)

	grumbler := d.id("POST", "customers", "email=grace@example.com")
	theirs := d.id("POST", "payment_methods/pm_card_createDispute/attach", "customer="+grumbler)
	d.call("POST", "customers/"+grumbler, "invoice_settings[default_payment_method]="+theirs)
	other := d.id("POST", "subscriptions", "customer="+grumbler, "items[0][price]="+team)
	dispute := d.call("GET", "disputes", "limit=1")["data"].([]any)[0].(object)["id"].(string)
	each("disputes", dispute)
	d.call("POST", "disputes/"+dispute, "evidence[uncategorized_text]=They used it")
	d.call("POST", "disputes/"+dispute+"/close")
	d.call("DELETE", "subscriptions/"+other)

	session := d.id("POST", "checkout/sessions", "mode=subscription", "customer="+grumbler, "line_items[0][price]="+team, "line_items[0][quantity]=1", "success_url=http://shop.test/ok", "cancel_url=http://shop.test/no")
	each("checkout/sessions", session)
	d.call("POST", "checkout/sessions/"+session+"/expire")
	d.call("POST", "billing_portal/sessions", "customer="+cus, "return_url=http://shop.test/")

	hook := d.id("POST", "webhook_endpoints", "url=https://shop.test/hook", "enabled_events[0]=*", "api_version="+stripesim.Version)
	each("webhook_endpoints", hook)
	d.call("POST", "webhook_endpoints/"+hook, "disabled=true")
	d.call("DELETE", "webhook_endpoints/"+hook)
	event := d.call("GET", "events", "limit=100")["data"].([]any)[0].(object)["id"].(string)
	d.call("GET", "events/"+event)

	frozen := d.id("POST", "test_helpers/test_clocks", "frozen_time=1769853600", "name=January")
	each("test_helpers/test_clocks", frozen)
	d.call("POST", "test_helpers/test_clocks/"+frozen+"/advance", "frozen_time=1772532000")
	d.call("DELETE", "test_helpers/test_clocks/"+frozen)
	d.call("DELETE", "coupons/"+coupon)
	d.call("DELETE", "customers/"+grumbler)

	for _, difference := range d.differences() {
		t.Error(difference)
	}
	t.Logf("%d operations", len(d.used()))
	if len(d.used()) < 65 {
		t.Errorf("only %d operations were asked for: %v", len(d.used()), d.used())
	}
}
