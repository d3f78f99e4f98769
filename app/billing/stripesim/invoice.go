package stripesim

import (
	"fmt"
	"strconv"
	"time"
)

// line is one line of an invoice, of an item of a subscription.
func (s *Sim) line(sub, item object, amount, start, end int64) object {
	p := item.sub("price")
	return object{"id": s.newID("il"), "object": "line_item", "amount": amount, "amount_excluding_tax": amount, "currency": p["currency"], "description": nil, "discount_amounts": []any{}, "discountable": true, "discounts": []any{}, "livemode": false,
		"metadata": object{}, "period": object{"start": start, "end": end}, "plan": item["plan"], "price": visible(p), "proration": false, "proration_details": object{"credited_items": nil}, "quantity": item["quantity"],
		"subscription": sub["id"], "subscription_item": item["id"], "tax_amounts": []any{}, "tax_rates": []any{}, "type": "subscription", "unit_amount_excluding_tax": p["unit_amount_decimal"]}
}

// lines are those of a whole period.
func (s *Sim) lines(sub object, start, end int64, trial bool) []object {
	var all []object
	for _, item := range sub.rows("items") {
		p, q := item.sub("price"), item.num("quantity")
		amount := p.num("unit_amount") * q
		words := fmt.Sprintf("%d × %s (at %s / %s)", q, s.productName(p), money(p.num("unit_amount"), p.str("currency")), p.sub("recurring").str("interval"))
		if trial {
			amount, words = 0, "Trial period for "+s.productName(p)
		}
		l := s.line(sub, item, amount, start, end)
		l["description"] = words
		all = append(all, l)
	}
	return all
}

// pending puts a line on the customer's next invoice.
func (s *Sim) pending(sub, line object) object {
	o := s.make("invoiceitem", "ii", object{"amount": line["amount"], "currency": line["currency"], "customer": sub["customer"], "date": s.now().Unix(), "description": line["description"], "discountable": line["discountable"], "discounts": []any{},
		"invoice": nil, "metadata": object{}, "period": line["period"], "plan": line["plan"], "price": line["price"], "proration": line["proration"], "quantity": line["quantity"], "subscription": sub["id"],
		"tax_rates": []any{}, "test_clock": nil, "unit_amount": line["amount"], "unit_amount_decimal": strconv.FormatInt(line.num("amount"), 10)})
	if id := line.str("subscription_item"); id != "" { // absent, not null, for what is billed by hand
		o["subscription_item"] = id
	}
	line["invoice_item"] = o["id"]
	o["_line"] = line
	s.emit("invoiceitem.created", o)
	return o
}

// bill makes a draft of lines and of what waits for the next invoice: what waits comes
// first.
func (s *Sim) bill(sub object, reason string, lines []object, update bool) object {
	for _, item := range s.all("invoiceitem") {
		if item["invoice"] == nil && item.str("customer") == sub.str("customer") && (item.str("subscription") == "" || item.str("subscription") == sub.str("id")) {
			lines = append([]object{deep(item.sub("_line")).(object)}, lines...)
		}
	}
	inv := s.draft(sub, reason)
	for _, l := range lines {
		if id := l.str("invoice_item"); id != "" {
			s.edit(id)["invoice"] = inv["id"]
		} else if l.str("type") == "invoiceitem" {
			// Whatever is no part of a period is an item of its own.
			s.pending(sub, l)["invoice"] = inv["id"]
		}
	}
	inv["lines"] = listOf("/v1/invoices/"+inv.str("id")+"/lines", lines)
	if !update {
		inv["period_start"], inv["period_end"] = sub["current_period_start"], sub["current_period_start"]
	}
	s.total(inv, sub)
	sub["latest_invoice"] = inv["id"]
	s.emit("invoice.created", inv)
	return inv
}

// draft is an invoice with every field that the API shows, and nothing in it yet.
func (s *Sim) draft(sub object, reason string) object {
	now, customer := s.now().Unix(), s.objects[sub.str("customer")]
	return s.make("invoice", "in", object{"account_country": "US", "account_name": "Simulated", "account_tax_ids": nil, "amount_due": int64(0), "amount_paid": int64(0), "amount_remaining": int64(0), "amount_shipping": int64(0),
		"application": nil, "application_fee_amount": nil, "attempt_count": int64(0), "attempted": false, "auto_advance": true, "automatic_tax": object{"enabled": false, "liability": nil, "status": nil}, "billing_reason": reason,
		"charge": nil, "collection_method": sub["collection_method"], "currency": sub["currency"], "custom_fields": nil, "customer": sub["customer"], "customer_address": nil, "customer_email": customer["email"],
		"customer_name": customer["name"], "customer_phone": customer["phone"], "customer_shipping": nil, "customer_tax_exempt": "none", "customer_tax_ids": []any{}, "default_payment_method": nil, "default_source": nil,
		"default_tax_rates": []any{}, "description": nil, "discount": sub["discount"], "discounts": []any{}, "due_date": nil, "effective_at": nil, "ending_balance": nil, "footer": nil, "from_invoice": nil, "hosted_invoice_url": nil,
		"invoice_pdf": nil, "issuer": object{"type": "self"}, "last_finalization_error": nil, "latest_revision": nil, "metadata": object{}, "next_payment_attempt": nil, "number": nil, "on_behalf_of": nil, "paid": false, "paid_out_of_band": false,
		"payment_intent": nil, "payment_settings": object{"default_mandate": nil, "payment_method_options": nil, "payment_method_types": nil}, "period_end": now, "period_start": now, "post_payment_credit_notes_amount": int64(0),
		"pre_payment_credit_notes_amount": int64(0), "quote": nil, "receipt_number": nil, "rendering": nil, "rendering_options": nil, "shipping_cost": nil, "shipping_details": nil, "starting_balance": int64(0), "statement_descriptor": nil,
		"status": "draft", "status_transitions": object{"finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil}, "subscription": sub["id"], "subscription_details": object{"metadata": sub["metadata"]},
		"subtotal": int64(0), "subtotal_excluding_tax": int64(0), "tax": nil, "test_clock": sub["test_clock"], "total": int64(0), "total_discount_amounts": []any{}, "total_excluding_tax": int64(0), "total_tax_amounts": []any{},
		"transfer_data": nil, "webhooks_delivered_at": nil})
}

// total sums an invoice up: discount, then what the customer has as credit. One that
// comes to less than nothing is no payment back but more credit. A coupon takes nothing
// off a proration, which has it inside already.
func (s *Sim) total(inv, sub object) {
	var subtotal, discountable int64
	for _, l := range inv.rows("lines") {
		subtotal += l.num("amount")
		if l["discountable"] == true {
			discountable += l.num("amount")
		}
	}
	discount := sub.sub("discount")
	if len(discount) == 0 {
		discount = s.objects[sub.str("customer")].sub("discount")
	}
	total := subtotal
	if n := off(discount, discountable, s.now().Unix()); n > 0 {
		total -= n
		inv["discount"] = visible(discount)
		inv["total_discount_amounts"] = []any{object{"amount": n, "discount": discount["id"]}}
	}
	balance := s.objects[sub.str("customer")].num("balance")
	due := max(0, total+balance)
	if total <= 0 {
		due = max(0, total+max(0, balance))
	}
	inv["subtotal"], inv["subtotal_excluding_tax"], inv["total"], inv["total_excluding_tax"] = subtotal, subtotal, total, total
	inv["starting_balance"], inv["amount_due"], inv["amount_remaining"] = balance, due, due
}

// finalize makes a draft a claim: it gets its number and can be paid, and nothing of it
// changes any more. The balance is settled here and not when it is paid.
func (s *Sim) finalize(inv object) {
	sub := s.objects[inv.str("subscription")]
	if sub == nil {
		sub = object{"customer": inv["customer"], "discount": nil}
	}
	s.total(inv, sub)
	customer := s.edit(inv.str("customer"))
	n := customer.num("next_invoice_sequence")
	customer["next_invoice_sequence"] = n + 1
	if used := inv.num("total") - inv.num("amount_due"); used != 0 {
		s.move(customer, used, "applied_to_invoice", inv["id"], inv.str("currency"))
		s.emit("customer.updated", customer)
	}
	if d := sub.sub("discount"); d.sub("coupon").str("duration") == "once" && inv.sub("discount").str("id") == d.str("id") {
		s.edit(sub.str("id"))["discount"] = nil // it was for one invoice
	}
	now := s.now().Unix()
	inv["ending_balance"], inv["status"], inv["effective_at"] = customer["balance"], "open", now
	inv["number"] = fmt.Sprintf("%s-%04d", customer.str("invoice_prefix"), n)
	inv["hosted_invoice_url"] = s.o.PublicURL + "/-/dev/stripe/invoices/" + inv.str("id")
	inv["invoice_pdf"] = inv["hosted_invoice_url"]
	inv.sub("status_transitions")["finalized_at"] = now
	delete(inv, "_finalize_at")
	s.emit("invoice.finalized", inv)
}

// paid is what follows from an invoice that is paid.
func (s *Sim) paid(inv object, amount int64) {
	inv["status"], inv["paid"], inv["amount_paid"], inv["amount_remaining"], inv["next_payment_attempt"] = "paid", true, amount, inv.num("amount_due")-amount, nil
	inv.sub("status_transitions")["paid_at"] = s.now().Unix()
	s.emit("invoice.paid", inv)
	s.emit("invoice.payment_succeeded", inv)
	sub := s.edit(inv.str("subscription"))
	if sub == nil || ended(sub) {
		return
	}
	if sub.str("_pending_invoice") == inv.str("id") {
		s.settle(sub, true)
	}
	status := sub.str("status")
	if status == "incomplete" || (status == "past_due" || status == "unpaid") && !s.owes(sub) {
		sub["status"] = "active"
		s.changed(sub)
	}
}

// owes reports whether another invoice of a subscription is open.
func (s *Sim) owes(sub object) bool {
	for _, inv := range s.all("invoice") {
		if inv.str("subscription") == sub.str("id") && inv.str("status") == "open" {
			return true
		}
	}
	return false
}

// money is an amount for people; a few currencies have no minor units.
func money(n int64, currency string) string {
	switch currency {
	case "jpy", "krw", "clp", "vnd":
		return fmt.Sprintf("%d %s", n, currency)
	}
	return strconv.FormatFloat(float64(n)/100, 'f', 2, 64) + " " + currency
}

// when is a time as objects have it: whole seconds, in UTC.
func when(t int64) time.Time { return time.Unix(t, 0).UTC() }
