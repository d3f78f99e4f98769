package stripesim

import "strings"

const customerFields = "name email phone description metadata balance payment_method invoice_settings coupon promotion_code address preferred_locales tax tax_exempt test_clock"

// newCustomer makes one. It has no currency yet: the first subscription gives it one, for
// good.
func (c *call) newCustomer() (object, *Error) {
	balance, bad := c.f.num("balance", 0)
	if bad != nil {
		return nil, bad
	}
	clock := c.text("test_clock")
	if clock != nil {
		if _, bad := c.the("test_helpers.test_clock", c.f.str("test_clock"), "test_clock"); bad != nil {
			return nil, bad
		}
	}
	o := c.make("customer", "cus", object{"name": c.text("name"), "email": c.text("email"), "phone": c.text("phone"), "description": c.text("description"), "balance": balance, "currency": nil,
		"default_source": nil, "delinquent": false, "discount": nil, "address": nil, "shipping": nil, "preferred_locales": []any{}, "tax_exempt": "none", "test_clock": clock, "metadata": object{},
		"invoice_prefix": "", "next_invoice_sequence": int64(1),
		"invoice_settings": object{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil}})
	o["invoice_prefix"] = strings.ToUpper(o.str("id")[4:12])
	if bad := c.fillCustomer(o); bad != nil {
		return nil, bad
	}
	c.emit("customer.created", o)
	return o, nil
}

// updateCustomer changes one; one that was deleted is not found any more.
func (c *call) updateCustomer() (object, *Error) {
	o, bad := c.own("customer")
	if bad != nil {
		return nil, bad
	}
	if o.yes("deleted") {
		return nil, missing("customer", c.id, "id")
	}
	for _, name := range []string{"name", "email", "phone", "description"} {
		if c.f.has(name) {
			o[name] = c.text(name)
		}
	}
	if o["balance"], bad = c.f.num("balance", o.num("balance")); bad != nil {
		return nil, bad
	}
	if bad := c.fillCustomer(o); bad != nil {
		return nil, bad
	}
	c.emit("customer.updated", o)
	return o, nil
}

// fillCustomer sets what customers are made and changed with alike.
func (c *call) fillCustomer(o object) *Error {
	c.metadata(o)
	if pm := c.f.str("payment_method"); pm != "" {
		if _, bad := c.attachTo(pm, o.str("id"), "payment_method"); bad != nil {
			return bad
		}
	}
	settings := c.f.sub("invoice_settings")
	if settings.has("default_payment_method") {
		id := settings.str("default_payment_method")
		if id == "" {
			o.sub("invoice_settings")["default_payment_method"] = nil
		} else {
			pm := c.objects[id]
			if pm == nil || pm.str("customer") != o.str("id") {
				return missing("PaymentMethod", id, "invoice_settings[default_payment_method]")
			}
			o.sub("invoice_settings")["default_payment_method"] = id
		}
	}
	discount, bad := c.discount(o.str("id"), "")
	if bad == nil && (c.f.has("coupon") || c.f.has("promotion_code")) {
		o["discount"] = discount
	}
	return bad
}

// getCustomer shows one that was deleted as such, with 200 and nothing else of it: a program
// that looks for a 404 alone would miss it.
func (c *call) getCustomer() (object, *Error) {
	o, bad := c.the("customer", c.id, "id")
	if bad == nil && o.yes("deleted") {
		return object{"id": c.id, "object": "customer", "deleted": true}, nil
	}
	return o, bad
}

// deleteCustomer ends the subscriptions too; the name of the customer stays, so that
// it is known to be gone.
func (c *call) deleteCustomer() (object, *Error) {
	o, bad := c.own("customer")
	if bad != nil {
		return nil, bad
	}
	for _, sub := range c.all("subscription") {
		if sub.str("customer") == c.id && !ended(sub) {
			c.end(c.edit(sub.str("id")), "cancellation_requested")
		}
	}
	c.emit("customer.deleted", o)
	o["deleted"] = true
	return object{"id": c.id, "object": "customer", "deleted": true}, nil
}

// newBalance moves a customer's balance: below zero is credit.
func (c *call) newBalance() (object, *Error) {
	o, bad := c.own("customer")
	if bad != nil {
		return nil, bad
	}
	amount, bad := c.f.num("amount", 0)
	if bad != nil {
		return nil, bad
	}
	if amount == 0 {
		return nil, required("amount")
	}
	c.emit("customer.updated", o)
	return c.move(o, amount, "adjustment", nil, c.f.str("currency")), nil
}

// move changes the balance of a customer that is being edited, by an entry that says why,
// as in a ledger.
func (s *Sim) move(customer object, amount int64, kind string, invoice any, currency string) object {
	customer["balance"] = customer.num("balance") + amount
	return s.make("customer_balance_transaction", "cbtxn", object{"amount": amount, "currency": currency, "customer": customer["id"], "ending_balance": customer["balance"],
		"type": kind, "invoice": invoice, "credit_note": nil, "description": nil, "metadata": object{}})
}
