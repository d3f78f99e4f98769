package stripesim

import "slices"

// subscriptionFields are the parameters of making and changing one that do something here.
const subscriptionFields = "items default_payment_method metadata trial_end trial_settings cancel_at_period_end cancel_at cancellation_details coupon promotion_code collection_method days_until_due payment_behavior payment_settings proration_behavior proration_date billing_cycle_anchor pause_collection off_session description automatic_tax"

// ended reports whether a subscription is over for good: Stripe never revives one.
func ended(sub object) bool {
	return sub.str("status") == "canceled" || sub.str("status") == "incomplete_expired"
}

// changed tells of a subscription.
func (s *Sim) changed(sub object) { s.emit("customer.subscription.updated", sub) }

// newSubscription makes one outside of a checkout. It begins although its first payment
// fails, as incomplete, unless payment_behavior says otherwise: that is the default of
// the API, and what leaves people with a plan that they still have to pay for.
func (c *call) newSubscription() (object, *Error) {
	customer, bad := c.the("customer", c.f.str("customer"), "customer")
	if bad != nil {
		return nil, bad
	}
	if customer.yes("deleted") {
		return nil, missing("customer", c.f.str("customer"), "customer")
	}
	sub := c.blank(customer.str("id"))
	if bad := c.setItems(sub); bad != nil {
		return nil, bad
	}
	if bad := c.setPlain(sub); bad != nil {
		return nil, bad
	}
	now := c.now()
	if days, bad := c.f.num("trial_period_days", 0); bad != nil {
		return nil, bad
	} else if days > 0 {
		sub["trial_end"] = now.AddDate(0, 0, int(days)).Unix()
	}
	if bad := c.begin(sub, c.f.or("payment_behavior", "allow_incomplete"), false, c.f.str("default_payment_method")); bad != nil {
		return nil, bad
	}
	return sub, nil
}

// begin starts a subscription: a trial, or the first invoice. The trial has an invoice
// too, of nothing, which is paid at once. The first invoice is no draft for an hour as
// those of later periods are: somebody is there and waits
// (docs.stripe.com/billing/subscriptions/overview#payment-window).
func (s *Sim) begin(sub object, behavior string, confirmed bool, pm string) *Error {
	now := s.now().Unix()
	if end := sub.num("trial_end"); end > now {
		sub["status"], sub["trial_start"], sub["current_period_end"], sub["billing_cycle_anchor"] = "trialing", now, end, end
		s.emit("customer.subscription.created", sub)
		inv := s.bill(sub, "subscription_create", s.lines(sub, now, end, true), false)
		s.finalize(inv)
		return s.pay(inv, pm, confirmed)
	}
	sub["trial_end"] = nil
	sub["current_period_end"] = periodEnd(now, now, rhythm(sub))
	s.emit("customer.subscription.created", sub)
	inv := s.bill(sub, "subscription_create", s.lines(sub, now, sub.num("current_period_end"), false), false)
	s.finalize(inv)
	if behavior == "default_incomplete" && inv.num("amount_due") > 0 {
		s.intentOf(inv)
		return nil
	}
	bad := s.pay(inv, pm, confirmed)
	if bad != nil && bad.Type == "card_error" && behavior != "error_if_incomplete" {
		return nil
	}
	return bad
}

// blank is a subscription with every field that the API shows, so that what is decoded
// here is decoded there too. It is incomplete until its first invoice is paid.
func (s *Sim) blank(customer string) object {
	now := s.now().Unix()
	sub := s.make("subscription", "sub", object{"application": nil, "application_fee_percent": nil, "automatic_tax": object{"enabled": false, "liability": nil}, "billing_cycle_anchor": now, "billing_cycle_anchor_config": nil, "billing_thresholds": nil,
		"cancel_at": nil, "cancel_at_period_end": false, "canceled_at": nil, "cancellation_details": object{"comment": nil, "feedback": nil, "reason": nil}, "collection_method": "charge_automatically", "currency": nil,
		"current_period_end": now, "current_period_start": now, "customer": customer, "days_until_due": nil, "default_payment_method": nil, "default_source": nil, "default_tax_rates": []any{}, "description": nil, "discount": nil,
		"ended_at": nil, "invoice_settings": object{"account_tax_ids": nil, "issuer": object{"type": "self"}}, "latest_invoice": nil, "metadata": object{}, "next_pending_invoice_item_invoice": nil, "on_behalf_of": nil, "pause_collection": nil,
		"payment_settings": object{"payment_method_options": nil, "payment_method_types": nil, "save_default_payment_method": "off"}, "pending_invoice_item_interval": nil, "pending_setup_intent": nil, "pending_update": nil, "schedule": nil,
		"start_date": now, "status": "incomplete", "test_clock": s.objects[customer]["test_clock"], "transfer_data": nil, "trial_end": nil, "trial_settings": object{"end_behavior": object{"missing_payment_method": "create_invoice"}}, "trial_start": nil})
	sub["items"] = listOf("/v1/subscription_items?subscription="+sub.str("id"), nil)
	return sub
}

// rhythm is how often a subscription recurs: as all of its items do, see setItems.
func rhythm(sub object) object {
	for _, item := range sub.rows("items") {
		return item.sub("price").sub("recurring")
	}
	return object{}
}

// setPlain sets what is no matter of money now: nothing is billed for it.
func (c *call) setPlain(sub object) *Error {
	c.metadata(sub)
	for _, name := range []string{"description", "collection_method"} {
		if c.f.has(name) {
			sub[name] = c.text(name)
		}
	}
	if id := c.f.str("default_payment_method"); id != "" {
		pm, bad := c.attachTo(id, sub.str("customer"), "default_payment_method")
		if bad != nil {
			return bad
		}
		sub["default_payment_method"] = pm["id"]
	}
	if c.f.has("coupon") || c.f.has("promotion_code") {
		d, bad := c.discount(sub.str("customer"), sub.str("id"))
		if bad != nil {
			return bad
		}
		sub["discount"] = d
	}
	if b := c.f.sub("trial_settings").sub("end_behavior").str("missing_payment_method"); b != "" {
		sub["trial_settings"] = object{"end_behavior": object{"missing_payment_method": b}}
	}
	if text := c.f.str("trial_end"); text == "now" {
		sub["trial_end"] = c.now().Unix()
	} else if end, bad := c.f.num("trial_end", 0); bad != nil {
		return bad
	} else if end > 0 {
		sub["trial_end"] = end
	}
	if bad := c.setEnd(sub); bad != nil {
		return bad
	}
	return c.setPause(sub)
}

// listSubscriptions leaves out those that are canceled unless a status is asked for, as
// Stripe does: who wants to see the end of one asks for all.
func (c *call) listSubscriptions() (object, *Error) {
	status := c.f.str("status")
	return c.list("subscription", func(o object) bool {
		if c.f.has("customer") && o.str("customer") != c.f.str("customer") {
			return false
		}
		if p := c.f.str("price"); p != "" && !slices.ContainsFunc(o.rows("items"), func(i object) bool { return i.sub("price").str("id") == p }) {
			return false
		}
		switch status {
		case "all":
			return true
		case "":
			return !ended(o)
		case "ended":
			return ended(o)
		}
		return o.str("status") == status
	})
}
