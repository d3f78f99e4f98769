package billing_test

import (
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/coupon"
	"github.com/stripe/stripe-go/v76/promotioncode"

	"seaworthy/app/apptest"
	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
)

// offers makes a coupon of a fifth at the offline Stripe, and a code for it.
func (m *market) offers(duration string) {
	m.T.Helper()
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{HTTPClient: &http.Client{Transport: m.Simulator}, EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{}})
	_, err := coupon.Client{B: b, Key: "sk_test_simulated"}.New(&stripe.CouponParams{ID: stripe.String("FIFTH"), PercentOff: stripe.Float64(20), Duration: stripe.String(duration)})
	m.Must(err)
	_, err = promotioncode.Client{B: b, Key: "sk_test_simulated"}.New(&stripe.PromotionCodeParams{Coupon: stripe.String("FIFTH"), Code: stripe.String("SPRING20")})
	m.Must(err)
}

func (m *market) customer() string { return m.Query(`SELECT id FROM billing_customer`) }

// acts has an operator's program act on the customer.
func (m *market) acts(path string, in object) *apptest.Page {
	m.T.Helper()
	p := m.key.PostJSON(api+"customers/"+m.customer()+"/"+path, in)
	m.settle()
	return &p
}

func (m *market) events(action string) string {
	return m.Query(`SELECT cast(count(*) AS TEXT) FROM audit_event WHERE action = ?`, action)
}

func TestAnOperatorAppliesAndRemovesACoupon(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.offers("forever")
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.acts("coupon", object{"code": "HALF"}).WantProblem(422, "invalid", "code")
	m.acts("coupon/remove", object{}).WantProblem(409, "no_coupon")
	m.ada.PostJSON(api+"customers/"+m.customer()+"/coupon", object{"code": "FIFTH"}).Want(403)
	m.acts("coupon", object{"code": "FIFTH"}).Want(200)
	if got := m.sub().Discount; got != "20 % off" {
		t.Errorf("%q", got)
	}
	p := m.preview(object{"price": m.price("basic", "month")})
	if p.Discount != "20 % off" || p.NextDue != 1520 {
		t.Errorf("%+v", p)
	}
	m.pass(32)
	m.ada.Get(api+"invoices").Want(200, `"discount":1980`, `"total":7920`)
	m.acts("coupon/remove", object{}).Want(200)
	if got := m.sub().Discount; got != "" {
		t.Errorf("%q", got)
	}
	m.acts("coupon", object{"code": "SPRING20"}).Want(200)
	if m.events("subscription.coupon_applied") != "2" || m.events("subscription.coupon_removed") != "1" {
		t.Error("audit events")
	}
}

// A code that somebody types is shown in the preview, and charged with.
func TestAPromotionCode(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.offers("forever")
	m.ada.PostJSON(api+"checkout", object{"price": m.price("basic", "month"), "promotion_code": "AUTUMN"}).WantProblem(422, "invalid", "promotion_code")
	m.ada.PostJSON(api+"checkout", object{"price": m.price("basic", "month"), "promotion_code": "SPRING20"}).Want(201)
	_, _, err := m.Simulator.CompleteCheckout(t.Context(), m.Query(`SELECT remote_id FROM billing_intent WHERE kind = 'checkout'`), goodCard, false)
	m.Must(err)
	m.settle()
	if got := m.billed(); got != "1520" {
		t.Errorf("billed %s", got)
	}
	m.acts("coupon/remove", object{}).Want(200)
	m.ada.PostJSON(api+"change/preview", object{"price": m.price("pro", "month"), "promotion_code": "AUTUMN"}).WantProblem(422, "invalid", "promotion_code")
	dear, cheap := m.preview(object{"price": m.price("pro", "month")}), m.preview(object{"price": m.price("pro", "month"), "promotion_code": "SPRING20"})
	if cheap.Discount != "20 % off" || cheap.DueNow >= dear.DueNow {
		t.Errorf("%d with the code, %d without", cheap.DueNow, dear.DueNow)
	}
	m.ada.PostJSON(api+"change", object{"preview": cheap.ID}).Want(200)
	m.settle()
	if s := m.sub(); s.Plan != "pro" || s.Discount != "20 % off" {
		t.Errorf("%+v", s)
	}
}

// A coupon stays on a subscription that changes with its next period.
func TestADowngradeKeepsTheCoupon(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.offers("forever")
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.changes(object{"price": m.price("basic", "month"), "promotion_code": "SPRING20"}, "scheduled")
	m.acts("coupon", object{"code": "FIFTH"}).WantProblem(409, "change_scheduled")
	m.pass(32)
	if s := m.sub(); s.Plan != "basic" || s.Discount != "20 % off" || m.billed() != "1520" {
		t.Errorf("%+v, billed %s", s, m.billed())
	}
}

func TestAnOperatorRefunds(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	refund := func(in object) apptest.Page {
		p := m.key.PostJSON(api+"invoices/"+m.Query(`SELECT id FROM billing_invoice`)+"/refund", in)
		m.settle()
		return p
	}
	refund(object{"amount": 100, "reason": "requested_by_customer"}).WantProblem(422, "invalid", "note")
	refund(object{"amount": 100, "reason": "bored", "note": "late"}).WantProblem(422, "invalid", "reason")
	refund(object{"amount": 9901, "reason": "duplicate", "note": "late"}).WantProblem(422, "invalid", "amount")
	refund(object{"amount": 900, "reason": "requested_by_customer", "note": "it was down"}).Want(200)
	refund(object{"amount": 9001, "reason": "requested_by_customer", "note": "more"}).WantProblem(422, "invalid", "amount")
	refund(object{"reason": "requested_by_customer", "note": "the rest"}).Want(200)
	refund(object{"reason": "requested_by_customer", "note": "more"}).WantProblem(409, "nothing_to_refund")
	if got := m.Query(`SELECT group_concat(amount) FROM (SELECT amount FROM billing_refund ORDER BY amount)`); got != "900,9000" {
		t.Error(got)
	}
	if m.events("payment.refund_requested") != "2" || m.events("payment.refunded") != "2" || m.mailed("refund") != 2 {
		t.Errorf("%s asked, %s made, %d mails", m.events("payment.refund_requested"), m.events("payment.refunded"), m.mailed("refund"))
	}
	m.want("pro", billing.Active, billing.AccessFull)
	m.ada.PostJSON(api+"invoices/"+m.Query(`SELECT id FROM billing_invoice`)+"/refund", object{"reason": "duplicate", "note": "mine"}).Want(403)
	m.key.PostJSON(api+"invoices/in_none/refund", object{"reason": "duplicate", "note": "mine"}).Want(404)
}

func TestAnOperatorGivesCredit(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.acts("credit", object{"amount": 0, "note": "sorry"}).WantProblem(422, "invalid", "amount")
	m.acts("credit", object{"amount": 500}).WantProblem(422, "invalid", "note")
	m.acts("credit", object{"amount": 500, "currency": "usd", "note": "sorry"}).WantProblem(422, "invalid", "currency")
	m.acts("credit", object{"amount": 500, "currency": "EUR", "note": "sorry for the outage"}).Want(200)
	if got := m.Query(`SELECT cast(balance AS TEXT) FROM billing_customer`); got != "-500" {
		t.Errorf("balance %s", got)
	}
	if p := m.preview(object{"price": m.price("basic", "month")}); p.NextDue != 1400 {
		t.Errorf("%+v", p)
	}
	if m.events("billing_customer.credited") != "1" {
		t.Error("no event")
	}
}

// Stripe gave the credit and its answer was lost: asking again gives it once.
func TestCreditWhoseAnswerIsLostIsGivenOnce(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	m.Must(m.Simulator.SetFaults(t.Context(), stripesim.Faults{API: "lost", APICalls: 1}))
	m.acts("credit", object{"amount": 500, "note": "sorry"}).WantProblem(502, "stripe_unavailable")
	m.Must(m.Simulator.SetFaults(t.Context(), stripesim.Faults{}))
	m.acts("credit", object{"amount": 500, "note": "sorry"}).Want(200)
	if got := m.Query(`SELECT cast(balance AS TEXT) FROM billing_customer`); got != "-500" || m.events("billing_customer.credited") != "1" {
		t.Errorf("balance %s", got)
	}
}

func TestAnOperatorPausesAndExtends(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("team", "month"), goodCard, 1)
	end := m.sub().TrialEnd
	m.acts("trial", object{"until": "2026-11-23"}).WantProblem(422, "invalid", "until")
	m.acts("trial", object{"until": "next week"}).WantProblem(422, "invalid", "until")
	m.acts("trial", object{"until": "2026-12-24"}).Want(200)
	if got := m.sub(); !got.TrialEnd.After(end) || got.Status != "trialing" {
		t.Errorf("%+v", got)
	}
	m.acts("pause", object{"behavior": "mark_uncollectible"}).Want(200)
	if got := m.sub().Paused; got != "mark_uncollectible" {
		t.Error(got)
	}
	m.want("team", billing.Active, billing.AccessFull)
	m.acts("resume", object{}).Want(200)
	if got := m.sub().Paused; got != "" {
		t.Error(got)
	}
	m.acts("pause", object{"behavior": "sleep"}).WantProblem(422, "invalid", "behavior")
}
