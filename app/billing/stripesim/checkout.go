package stripesim

import "context"

const checkoutFields = "mode customer customer_email client_reference_id line_items success_url cancel_url subscription_data discounts allow_promotion_codes metadata payment_method_collection payment_method_types automatic_tax tax_id_collection billing_address_collection customer_update locale expires_at ui_mode saved_payment_method_options consent_collection setup_intent_data currency submit_type"

// newCheckout makes a session. Nothing is bought, and no customer made, before somebody
// pays on its page; that it is paid is told by an event, and perhaps before the person
// is back.
func (c *call) newCheckout() (object, *Error) {
	mode := c.f.str("mode")
	switch {
	case mode != "subscription" && mode != "setup":
		return nil, invalid("mode", "Only the modes subscription and setup are simulated.")
	case c.f.str("success_url") == "":
		return nil, required("success_url")
	}
	if id := c.f.str("customer"); id != "" {
		if o, bad := c.the("customer", id, "customer"); bad != nil || o.yes("deleted") {
			return nil, missing("customer", id, "customer")
		}
	}
	expires, bad := c.f.num("expires_at", c.now().Unix()+24*3600)
	if bad != nil {
		return nil, bad
	}
	o := c.make("checkout.session", "cs_test", object{"after_expiration": nil, "allow_promotion_codes": c.f.yes("allow_promotion_codes"), "amount_subtotal": nil, "amount_total": nil, "automatic_tax": object{"enabled": false, "liability": nil, "status": nil},
		"billing_address_collection": nil, "cancel_url": c.text("cancel_url"), "client_reference_id": c.text("client_reference_id"), "client_secret": nil, "consent": nil, "consent_collection": nil, "currency": nil, "currency_conversion": nil, "custom_fields": []any{},
		"custom_text": object{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil}, "customer": c.text("customer"), "customer_creation": nil, "customer_details": nil, "customer_email": c.text("customer_email"),
		"expires_at": expires, "invoice": nil, "invoice_creation": nil, "locale": nil, "metadata": object{}, "mode": mode, "payment_intent": nil, "payment_link": nil, "payment_method_collection": c.f.or("payment_method_collection", "always"),
		"payment_method_configuration_details": nil, "payment_method_options": object{}, "payment_method_types": []any{"card"}, "payment_status": "unpaid", "phone_number_collection": object{"enabled": false}, "recovered_from": nil, "setup_intent": nil,
		"shipping_address_collection": nil, "shipping_cost": nil, "shipping_details": nil, "shipping_options": []any{}, "status": "open", "submit_type": nil, "subscription": nil, "success_url": c.f.str("success_url"), "total_details": nil, "ui_mode": "hosted", "url": nil})
	c.metadata(o)
	o["url"] = c.o.PublicURL + "/-/dev/stripe/checkout/" + o.str("id")
	if mode == "setup" {
		o["payment_status"] = "no_payment_required"
		return o, nil
	}
	return o, c.fillCheckout(o)
}

// fillCheckout makes sure that what the session sells can be sold.
func (c *call) fillCheckout(o object) *Error {
	f := form{"items": c.f["line_items"]}
	for name, v := range c.f.sub("subscription_data") {
		f[name] = v
	}
	if d := c.f.forms("discounts"); len(d) > 0 {
		for name, v := range d[0] {
			f[name] = v
		}
	}
	trial := &call{Sim: c.Sim, f: f}
	try := object{"id": "", "customer": c.f.str("customer"), "metadata": object{}, "items": listOf("", nil)}
	var total int64
	var rows []any
	for _, line := range f.forms("items") {
		item := trial.blankItem(try)
		if bad := trial.fillItem(item, line, "line_items"); bad != nil {
			return bad
		}
		p := item.sub("price")
		amount := p.num("unit_amount") * item.num("quantity")
		total, o["currency"] = total+amount, p["currency"]
		rows = append(rows, object{"id": c.newID("li"), "object": "item", "amount_total": amount, "amount_subtotal": amount, "amount_discount": int64(0), "amount_tax": int64(0), "currency": p["currency"], "description": c.productName(p), "price": p, "quantity": item["quantity"]})
	}
	if len(rows) == 0 {
		return required("line_items")
	}
	if cur := c.objects[c.f.str("customer")].str("currency"); cur != "" && cur != o.str("currency") {
		return invalid("line_items", "You cannot combine currencies on a single customer. This customer has had a subscription in "+cur+".")
	}
	for _, kind := range []string{"coupon", "promotion_code"} {
		if id := f.str(kind); id != "" {
			if _, bad := c.the(kind, id, "discounts[0]["+kind+"]"); bad != nil {
				return bad
			}
		}
	}
	o["_lines"], o["_form"] = rows, plainForm(f)
	o["amount_subtotal"], o["amount_total"] = total, total
	o["total_details"] = object{"amount_discount": int64(0), "amount_shipping": int64(0), "amount_tax": int64(0)}
	return nil
}

// plainForm and formOf keep a form in an object: what was asked when the session was made
// is done when it is paid.
func plainForm(f form) object {
	o := object{}
	for name, v := range f {
		if inner, ok := v.(form); ok {
			o[name] = plainForm(inner)
		} else {
			o[name] = v
		}
	}
	return o
}

// formOf is a form that plainForm has kept.
func formOf(o object) form {
	f := form{}
	for name, v := range o {
		switch v := v.(type) {
		case object:
			f[name] = formOf(v)
		case map[string]any:
			f[name] = formOf(v)
		default:
			f[name] = v
		}
	}
	return f
}

// expireCheckout closes a session, so that another can be opened without anybody paying
// twice. One that is paid is refused, which tells a program that it came too late.
func (c *call) expireCheckout() (object, *Error) {
	o, bad := c.own("checkout.session")
	if bad != nil {
		return nil, bad
	}
	if o.str("status") != "open" {
		return nil, invalid("", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `"+o.str("status")+"`.")
	}
	c.expire(o)
	return o, nil
}

// expire ends a session, at its time or by hand. The page works no more.
func (s *Sim) expire(o object) {
	o["status"], o["url"] = "expired", nil
	s.emit("checkout.session.expired", o)
}

// CompleteCheckout pays a session with a test card and answers where the person goes
// then. needs3DS: the owner has to confirm first, by a call with confirmed set.
func (s *Sim) CompleteCheckout(ctx context.Context, id, number string, confirmed bool) (next string, needs3DS bool, err error) {
	card := findCard(func(c Card) bool { return c.Number == number })
	var bad *Error
	err = s.change(ctx, func() error {
		c := &call{Sim: s, id: id}
		o, missing := c.own("checkout.session")
		switch {
		case missing != nil:
			return missing
		case o.str("status") != "open":
			return invalid("", "This checkout is over.")
		case card == nil:
			return invalid("number", "Choose one of the test cards.")
		case card.auth && !confirmed:
			needs3DS = true
			return nil
		case card.attach != "":
			return declined(card.attach)
		}
		if bad = c.complete(o, *card); bad != nil {
			return bad
		}
		next = o.str("success_url")
		return nil
	})
	return replaceID(next, id), needs3DS, err
}

// complete does what was sold. The card is kept by the customer and by the subscription.
func (c *call) complete(o object, card Card) *Error {
	customer := c.edit(o.str("customer"))
	if customer == nil {
		made := &call{Sim: c.Sim, f: form{"email": o.str("customer_email")}}
		var bad *Error
		if customer, bad = made.newCustomer(); bad != nil {
			return bad
		}
		o["customer"] = customer["id"]
	}
	pm := c.method(card, 12, int64(c.now().Year()+3))
	if _, bad := c.attachTo(pm.str("id"), customer.str("id"), ""); bad != nil {
		return bad
	}
	o["customer_details"] = object{"address": nil, "email": customer["email"], "name": customer["name"], "phone": nil, "tax_exempt": "none", "tax_ids": []any{}}
	if o.str("mode") == "setup" {
		setup := &call{Sim: c.Sim, f: form{"customer": customer.str("id"), "payment_method": pm.str("id"), "confirm": "true"}}
		made, bad := setup.newSetup()
		if bad != nil {
			return bad
		}
		o["setup_intent"] = made["id"]
	} else if bad := c.subscribe(o, customer, pm.str("id")); bad != nil {
		return bad
	}
	o["status"], o["url"] = "complete", nil
	c.emit("checkout.session.completed", o)
	return nil
}

// subscribe makes the subscription. Somebody is there to pay, so it begins paid or not at
// all, unlike one that is made through the API.
func (c *call) subscribe(o, customer object, pm string) *Error {
	f := formOf(o.sub("_form"))
	f["customer"], f["default_payment_method"], f["payment_behavior"] = customer.str("id"), pm, "error_if_incomplete"
	order := &call{Sim: c.Sim, f: f}
	sub := c.blank(customer.str("id"))
	if bad := order.setItems(sub); bad != nil {
		return bad
	}
	if bad := order.setPlain(sub); bad != nil {
		return bad
	}
	if days, _ := f.num("trial_period_days", 0); days > 0 {
		sub["trial_end"] = c.now().AddDate(0, 0, int(days)).Unix()
	}
	if bad := c.begin(sub, "error_if_incomplete", true, pm); bad != nil {
		return bad
	}
	inv := c.objects[sub.str("latest_invoice")]
	o["subscription"], o["invoice"], o["payment_status"], o["amount_total"] = sub["id"], inv["id"], "paid", inv["amount_paid"]
	if inv.num("amount_paid") == 0 {
		o["payment_status"] = "no_payment_required"
	}
	return nil
}
