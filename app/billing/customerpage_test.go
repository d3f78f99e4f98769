package billing_test

import (
	"strings"
	"testing"
)

// The page of a customer pays back only what is confirmed, to the customer whose page
// it is.
func TestTheCustomerPageMovesMoneyWithCare(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.buys(m.price("pro", "month"), goodCard, 1)
	page := "/-/admin/billing/customers/" + m.customer()
	m.ada.Get(page).Want(403)
	op := m.Operator("grace@example.com")
	op.Get(page).Want(200, "Refund the payment", "99.00 EUR left")
	invoice := m.Query(`SELECT id FROM billing_invoice`)
	op.Post(page+"/refund", "invoice", invoice, "amount", "9.00", "reason", "duplicate", "note", "twice").Want(422)
	op.Post(page+"/refund", "invoice", invoice, "amount", "nine", "reason", "duplicate", "note", "twice", "confirm", "yes").Want(422)
	op.Post(page+"/refund", "invoice", "in_other", "amount", "9.00", "reason", "duplicate", "note", "twice", "confirm", "yes").Want(404)
	op.Post(page+"/credit", "amount", "0", "note", "sorry", "confirm", "yes").Want(422)
	op.Post("/-/admin/billing/customers/cus_none/credit", "amount", "5", "note", "sorry", "confirm", "yes").Want(404)
	if m.events("payment.refund_requested") != "0" || m.events("billing_customer.credited") != "0" {
		t.Fatal("money moved")
	}
	op.Post(page+"/refund", "invoice", invoice, "amount", "9.00", "reason", "duplicate", "note", "twice", "confirm", "yes").Want(200, "The payment is paid back.")
	op.Post(page+"/credit", "amount", "5", "note", "sorry", "confirm", "yes").Want(200, "The credit is given.")
	m.settle()
	op.Get(page).Want(200, "90.00 EUR left", "-5.00 EUR", "Refund asked for", "Credit given")
	op.Post(page+"/pause", "behavior", "void", "resumes_on", "2020-01-01").Want(422, "A pause begins on")
	m.Clock.Advance(20 * 60e9) // by now somebody else may sit there
	got := op.Post(page+"/credit", "amount", "5", "note", "sorry", "confirm", "yes")
	if !strings.HasPrefix(got.Path, "/-/confirm") {
		t.Errorf("money without proof of who asks: %d %s", got.Status, got.Path)
	}
}

// The page of an org arranges a downgrade and takes it back, without any script.
func TestTheOrgPageArrangesADowngrade(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.offers("forever")
	m.buys(m.price("pro", "month"), goodCard, 1)
	base := "/-/org/" + m.Query(`SELECT slug FROM auth_org WHERE id = ?`, m.org) + "/billing"
	m.ada.Get(base).Want(200, "See the change to Basic")
	p := m.ada.Post(base+"/preview", "price", m.price("basic", "month")).Want(200, "changes from Pro to Basic on <strong>22 Dec 2026", "seats: 2 in place of any number", "Due today", "Nothing", "Change to Basic on 22 Dec 2026")
	p = m.ada.Post(base+"/preview", "price", m.price("basic", "month"), "promotion_code", "SPRING20").Want(200, "20 % off", "15.20 EUR")
	m.ada.Post(base+"/preview", "price", m.price("basic", "month"), "promotion_code", "NONE").Want(422, "This code is not known")
	_, id, _ := strings.Cut(p.Path, "preview=")
	m.ada.Post(base+"/change", "preview", id).Want(200, "The change is arranged.")
	m.settle()
	m.ada.Get(base).Want(200, "to Basic, 19.00 EUR a month on 22 Dec 2026", "20 % off", "Take the change back")
	m.ada.Post(base+"/withdraw").Want(200, "The change is taken back")
	m.settle()
	if body := m.ada.Get(base).Want(200).Body; strings.Contains(body, "to Basic, 19.00") {
		t.Error("the change is still shown")
	}
}
