package stripesim

import "cmp"

// finalizeInvoice ends the hour of a draft. It takes no money, but makes the payment that
// somebody can then confirm.
func (c *call) finalizeInvoice() (object, *Error) {
	inv, bad := c.own("invoice")
	if bad != nil {
		return nil, bad
	}
	if inv.str("status") != "draft" {
		return nil, invalid("", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	}
	c.finalize(inv)
	if inv.num("amount_due") == 0 {
		return inv, c.pay(inv, "", false)
	}
	c.intentOf(inv)
	return inv, nil
}

// payInvoice tries to pay now, with another method if one is named. A no is kept: it was
// an attempt, and the next one is told apart from it.
func (c *call) payInvoice() (object, *Error) {
	inv, bad := c.own("invoice")
	if bad != nil {
		return nil, bad
	}
	switch status := inv.str("status"); status {
	case "paid":
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "invoice_already_paid", Message: "Invoice is already paid"}
	case "void":
		return nil, invalid("", "This invoice is void and cannot be paid.")
	case "draft":
		c.finalize(inv)
	}
	if c.f.yes("paid_out_of_band") {
		inv["paid_out_of_band"] = true
		c.paid(inv, inv.num("amount_due"))
		return inv, nil
	}
	pm := c.f.str("payment_method")
	if pm != "" && c.objects[pm].str("customer") != inv.str("customer") {
		return nil, missing("PaymentMethod", pm, "payment_method")
	}
	if bad := c.pay(inv, pm, false); bad != nil {
		bad.keep = true
		return nil, bad
	}
	return inv, nil
}

// close ends an open invoice without money.
func (c *call) close(status, stamp, event string) (object, *Error) {
	inv, bad := c.own("invoice")
	if bad != nil {
		return nil, bad
	}
	if now := inv.str("status"); now != "open" && now != "uncollectible" {
		return nil, invalid("", "You can only pass in open invoices. This invoice isn't open.")
	}
	c.shut(inv, status, stamp, event)
	return inv, nil
}

// shut ends an invoice that is being edited. Nothing is owed for it any more, so a
// subscription that was behind with it alone is active again, and a change that waited
// for it does not come.
func (s *Sim) shut(inv object, status, stamp, event string) {
	inv["status"], inv["next_payment_attempt"], inv["auto_advance"] = status, nil, false
	inv.sub("status_transitions")[stamp] = s.now().Unix()
	s.emit(event, inv)
	sub := s.edit(inv.str("subscription"))
	switch {
	case sub == nil || ended(sub):
	case sub.str("_pending_invoice") == inv.str("id"):
		s.settle(sub, false)
	case sub.str("status") == "past_due" && !s.owes(sub):
		sub["status"] = "active"
		s.changed(sub)
	}
}

func (c *call) voidInvoice() (object, *Error) { return c.close("void", "voided_at", "invoice.voided") }

// writeOff gives an invoice up. Unlike one that is void it can still be paid.
func (c *call) writeOff() (object, *Error) {
	return c.close("uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")
}

// listLines pages through the lines, of which the invoice itself shows all here.
func (c *call) listLines() (object, *Error) {
	inv, bad := c.the("invoice", c.id, "id")
	if bad != nil {
		return nil, bad
	}
	limit, bad := c.f.num("limit", 10)
	if bad != nil || limit < 1 || limit > 100 {
		return nil, invalid("limit", "This value must be between 1 and 100.")
	}
	return c.page("line_item", inv.rows("lines"), int(limit))
}

// newItem bills something by hand: it waits for the next invoice, of one subscription or of
// any.
func (c *call) newItem() (object, *Error) {
	customer, bad := c.the("customer", c.f.str("customer"), "customer")
	if bad != nil {
		return nil, bad
	}
	amount, bad := c.f.num("amount", 0)
	if bad != nil {
		return nil, bad
	}
	if !c.f.has("amount") || !c.f.has("currency") {
		return nil, required("amount")
	}
	now := c.now().Unix()
	sub := object{"id": c.text("subscription"), "customer": customer["id"]}
	l := c.line(sub, object{"id": nil, "plan": nil, "quantity": int64(1), "price": object{"currency": c.f.str("currency")}}, amount, now, now)
	l["description"], l["type"], l["price"] = cmp.Or(c.text("description"), any("")), "invoiceitem", nil
	o := c.pending(sub, l)
	c.metadata(o)
	return o, nil
}
