package stripesim

// setEnd sets when a subscription ends. One that ends with its period shows cancel_at as
// well, and canceled_at says when that was asked for, not when it comes about; both are
// taken back together.
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
	return nil
}

// end cancels a subscription, which is being edited, at once. What is open of it stays
// open, but is collected no more by itself, so that nobody is charged after he left
// (docs.stripe.com/api/subscriptions/cancel).
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
	for _, inv := range s.all("invoice") {
		if inv.str("subscription") == sub.str("id") && inv.str("status") == "open" && inv["next_payment_attempt"] != nil {
			inv = s.edit(inv.str("id"))
			inv["auto_advance"], inv["next_payment_attempt"] = false, nil
			s.emit("invoice.updated", inv)
		}
	}
	s.emit("customer.subscription.deleted", sub)
}

// cancelSubscription ends one at once. One that is over is not found any more.
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
