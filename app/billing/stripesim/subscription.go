package stripesim

import (
	"slices"
	"strconv"
)

const subscriptionFields = "items default_payment_method metadata trial_end trial_settings cancel_at_period_end cancel_at cancellation_details coupon promotion_code collection_method days_until_due payment_behavior payment_settings proration_behavior proration_date billing_cycle_anchor pause_collection off_session description automatic_tax"

func ended(sub object) bool {
	return sub.str("status") == "canceled" || sub.str("status") == "incomplete_expired"
}

// changed tells of a subscription.
func (s *Sim) changed(sub object) { s.emit("customer.subscription.updated", sub) }

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

// begin starts a subscription: a trial, or the first invoice.
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

// rhythm is how often a subscription recurs.
func rhythm(sub object) object {
	for _, item := range sub.rows("items") {
		return item.sub("price").sub("recurring")
	}
	return object{}
}

// setItems adds, changes and deletes the items that were sent.
func (c *call) setItems(sub object) *Error {
	items := sub.rows("items")
	for n, f := range c.f.forms("items") {
		at := slices.IndexFunc(items, func(o object) bool { return o.str("id") == f.str("id") })
		param := "items[" + strconv.Itoa(n) + "]"
		if f.has("id") && at < 0 {
			return missing("subscription_item", f.str("id"), param+"[id]")
		}
		if f.yes("deleted") && at >= 0 {
			items = slices.Delete(items, at, at+1)
			continue
		}
		if at < 0 {
			items = append(items, c.blankItem(sub))
			at = len(items) - 1
		}
		if bad := c.fillItem(items[at], f, param); bad != nil {
			return bad
		}
	}
	if len(items) == 0 {
		return required("items")
	}
	first := items[0].sub("price")
	for _, item := range items {
		p := item.sub("price")
		if p.str("currency") != first.str("currency") || p.sub("recurring").str("interval") != first.sub("recurring").str("interval") || p.sub("recurring").num("interval_count") != first.sub("recurring").num("interval_count") {
			return invalid("items", "All prices of a subscription must have the same currency and interval.")
		}
	}
	if cur := c.objects[sub.str("customer")].str("currency"); cur != "" && cur != first.str("currency") {
		return invalid("", "You cannot combine currencies on a single customer. This customer has had a subscription in "+cur+".")
	}
	customer := c.edit(sub.str("customer"))
	customer["currency"], sub["currency"] = first["currency"], first["currency"]
	sub["items"] = listOf("/v1/subscription_items?subscription="+sub.str("id"), items)
	return nil
}

func (s *Sim) blankItem(sub object) object {
	return object{"id": s.newID("si"), "object": "subscription_item", "billing_thresholds": nil, "created": s.now().Unix(), "metadata": object{}, "subscription": sub["id"], "tax_rates": []any{}, "quantity": int64(1)}
}

func (c *call) fillItem(item object, f form, param string) *Error {
	if id := f.str("price"); id != "" {
		price, bad := c.the("price", id, param+"[price]")
		if bad != nil {
			return bad
		}
		if price["recurring"] == nil {
			return invalid(param+"[price]", "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.")
		}
		if !price.yes("active") && item.sub("price").str("id") != id {
			return invalid(param+"[price]", "The price specified is inactive. This field only accepts active prices.")
		}
		item["price"], item["plan"] = visible(price), planOf(price)
	}
	if item["price"] == nil {
		return required(param + "[price]")
	}
	quantity, bad := f.num("quantity", item.num("quantity"))
	if bad != nil || quantity < 0 {
		return invalid(param+"[quantity]", "Invalid quantity.")
	}
	item["quantity"] = quantity
	return nil
}

// planOf is a price in its older form, which this version still shows.
func planOf(p object) object {
	r := p.sub("recurring")
	return object{"id": p["id"], "object": "plan", "active": p["active"], "aggregate_usage": nil, "amount": p["unit_amount"], "amount_decimal": p["unit_amount_decimal"], "billing_scheme": "per_unit", "created": p["created"],
		"currency": p["currency"], "interval": r["interval"], "interval_count": r["interval_count"], "livemode": false, "metadata": object{}, "nickname": p["nickname"], "product": p["product"], "tiers_mode": nil,
		"transform_usage": nil, "trial_period_days": nil, "usage_type": "licensed"}
}

// setPlain sets what is no matter of money now.
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
	return c.setEnd(sub)
}

// setEnd sets when a subscription ends, and whether it collects meanwhile.
func (c *call) setEnd(sub object) *Error {
	now := c.now().Unix()
	details := c.f.sub("cancellation_details")
	for _, name := range []string{"comment", "feedback"} {
		if details.has(name) {
			sub.sub("cancellation_details")[name] = details.str(name)
		}
	}
	if c.f.has("cancel_at_period_end") {
		yes := c.f.yes("cancel_at_period_end")
		sub["cancel_at_period_end"], sub["cancel_at"], sub["canceled_at"] = yes, nil, nil
		sub.sub("cancellation_details")["reason"] = nil
		if yes {
			sub["cancel_at"], sub["canceled_at"] = sub["current_period_end"], now
			sub.sub("cancellation_details")["reason"] = "cancellation_requested"
		}
	} else if c.f.has("cancel_at") {
		at, bad := c.f.num("cancel_at", 0)
		if bad != nil {
			return bad
		}
		sub["cancel_at"], sub["canceled_at"] = nil, nil
		if at > 0 {
			sub["cancel_at"], sub["canceled_at"] = at, now
		}
	}
	if !c.f.has("pause_collection") {
		return nil
	}
	sub["pause_collection"] = nil
	if p := c.f.sub("pause_collection"); p != nil {
		if !slices.Contains([]string{"keep_as_draft", "mark_uncollectible", "void"}, p.str("behavior")) {
			return invalid("pause_collection[behavior]", "Invalid pause_collection[behavior].")
		}
		at, bad := p.num("resumes_at", 0)
		if bad != nil {
			return bad
		}
		pause := object{"behavior": p.str("behavior"), "resumes_at": nil}
		if at > 0 {
			pause["resumes_at"] = at
		}
		sub["pause_collection"] = pause
	}
	return nil
}

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

// end cancels a subscription, which is being edited, at once.
func (s *Sim) end(sub object, reason string) {
	now := s.now().Unix()
	sub["status"], sub["ended_at"] = "canceled", now
	if sub["canceled_at"] == nil {
		sub["canceled_at"] = now
	}
	if sub.sub("cancellation_details")["reason"] == nil {
		sub.sub("cancellation_details")["reason"] = reason
	}
	s.unschedule(sub)
	s.emit("customer.subscription.deleted", sub)
}

func (c *call) cancelSubscription() (object, *Error) {
	sub, bad := c.own("subscription")
	if bad != nil {
		return nil, bad
	}
	if ended(sub) {
		return nil, missing("subscription", c.id, "id")
	}
	for _, name := range []string{"comment", "feedback"} {
		if v := c.f.sub("cancellation_details").str(name); v != "" {
			sub.sub("cancellation_details")[name] = v
		}
	}
	if c.f.yes("prorate") {
		for _, l := range c.prorations(sub, nil, c.now().Unix()) {
			c.pending(sub, l)
		}
	}
	if c.f.yes("invoice_now") {
		c.finalize(c.bill(sub, "subscription_update", nil, true))
	}
	c.end(sub, "cancellation_requested")
	return sub, nil
}

func (c *call) resumeSubscription() (object, *Error) {
	sub, bad := c.own("subscription")
	if bad != nil {
		return nil, bad
	}
	if sub.str("status") != "paused" {
		return nil, invalid("", "You can only resume a subscription that is paused.")
	}
	now := c.now().Unix()
	sub["current_period_start"], sub["billing_cycle_anchor"] = now, now
	sub["current_period_end"] = periodEnd(now, now, rhythm(sub))
	inv := c.bill(sub, "subscription_update", c.lines(sub, now, sub.num("current_period_end"), false), false)
	c.finalize(inv)
	if bad := c.pay(inv, "", false); bad != nil {
		return nil, bad
	}
	sub["status"] = "active"
	c.emit("customer.subscription.resumed", sub)
	c.changed(sub)
	return sub, nil
}
