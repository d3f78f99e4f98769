package stripesim

import (
	"slices"
	"strings"
	"time"
)

// updateSubscription changes a subscription, and bills what follows from it.
func (c *call) updateSubscription() (object, *Error) {
	sub, bad := c.own("subscription")
	if bad != nil {
		return nil, bad
	}
	if ended(sub) && (c.f.has("items") || c.f.has("cancel_at_period_end")) {
		return nil, invalid("", "A canceled subscription can only update its cancellation_details and metadata.")
	}
	if bad := scheduled(sub, c.f); bad != nil {
		return nil, bad
	}
	was := deep(sub).(object)
	if bad := c.setPlain(sub); bad != nil {
		return nil, bad
	}
	if c.f.str("trial_end") == "now" && was.str("status") == "trialing" {
		c.trialOver(sub)
		return sub, nil
	}
	if end := sub.num("trial_end"); end > c.now().Unix() && c.f.has("trial_end") {
		sub["status"], sub["current_period_end"], sub["billing_cycle_anchor"] = "trialing", end, end
	}
	if c.f.has("items") || c.f.str("billing_cycle_anchor") == "now" {
		if bad := c.apply(sub, was); bad != nil {
			return nil, bad
		}
	}
	c.changed(sub)
	return sub, nil
}

// apply changes the items: by credits and charges to the second, which wait for the
// next invoice or are billed at once.
func (c *call) apply(sub, was object) *Error {
	behavior, at, bad := c.terms(sub)
	if bad != nil {
		return bad
	}
	if bad := c.setItems(sub); bad != nil {
		return bad
	}
	if was.str("status") == "trialing" || was.str("status") == "paused" {
		return nil
	}
	fresh := !sameRhythm(sub, was) || c.f.str("billing_cycle_anchor") == "now"
	var lines []object
	if behavior != "none" {
		// A new period charges itself in full: only the old one is credited.
		then := sub
		if fresh {
			then = nil
		}
		lines = c.prorations(was, then, at)
	}
	if fresh {
		sub["current_period_start"], sub["billing_cycle_anchor"] = at, at
		sub["current_period_end"] = periodEnd(at, at, rhythm(sub))
		if sub.yes("cancel_at_period_end") {
			sub["cancel_at"] = sub["current_period_end"]
		}
		lines = append(lines, c.lines(sub, at, sub.num("current_period_end"), false)...)
	} else if behavior == "create_prorations" {
		for _, l := range lines {
			c.pending(sub, l)
		}
		return nil
	}
	if len(lines) == 0 {
		return nil
	}
	return c.billChange(sub, was, lines)
}

// terms are how a change is billed, and as of when.
func (c *call) terms(sub object) (behavior string, at int64, bad *Error) {
	behavior = c.f.or("proration_behavior", "create_prorations")
	if !slices.Contains([]string{"create_prorations", "always_invoice", "none"}, behavior) {
		return "", 0, invalid("proration_behavior", "Invalid proration_behavior: must be one of always_invoice, create_prorations, or none")
	}
	if at, bad = c.f.num("proration_date", c.now().Unix()); bad != nil {
		return "", 0, bad
	}
	if at < sub.num("current_period_start") || at > sub.num("current_period_end") {
		return "", 0, invalid("proration_date", "Cannot specify a proration date outside of the current billing period.")
	}
	return behavior, at, nil
}

// billChange bills a change at once. One that must be paid first waits as a pending
// update (docs.stripe.com/billing/subscriptions/pending-updates).
func (c *call) billChange(sub, was object, lines []object) *Error {
	inv := c.bill(sub, "subscription_update", lines, true)
	c.finalize(inv)
	behavior := c.f.or("payment_behavior", "allow_incomplete")
	if c.dryRun || behavior == "default_incomplete" && inv.num("amount_due") > 0 {
		return nil
	}
	bad := c.pay(inv, "", false)
	if bad == nil {
		return nil
	}
	if behavior == "error_if_incomplete" || bad.Type != "card_error" {
		return bad
	}
	if behavior != "pending_if_incomplete" {
		return nil
	}
	then := deep(sub).(object)
	for name := range sub {
		if name != "latest_invoice" {
			delete(sub, name)
		}
	}
	for name, v := range was {
		if name != "latest_invoice" {
			sub[name] = v
		}
	}
	expires := c.now().Add(23 * time.Hour).Unix()
	sub["pending_update"] = object{"billing_cycle_anchor": nil, "expires_at": expires, "subscription_items": visible(then.sub("items")["data"]), "trial_end": nil, "trial_from_plan": nil}
	sub["_pending"], sub["_pending_invoice"] = object{"items": then["items"], "current_period_start": then["current_period_start"], "current_period_end": then["current_period_end"], "billing_cycle_anchor": then["billing_cycle_anchor"]}, inv["id"]
	return nil
}

// settle applies a pending update whose invoice is paid, or drops it. Until then the
// subscription was what it was before, and gave no more.
func (s *Sim) settle(sub object, paid bool) {
	if paid {
		for name, v := range sub.sub("_pending") {
			sub[name] = v
		}
		s.emit("customer.subscription.pending_update_applied", sub)
	} else {
		s.emit("customer.subscription.pending_update_expired", sub)
	}
	sub["pending_update"] = nil
	delete(sub, "_pending")
	delete(sub, "_pending_invoice")
	s.changed(sub)
}

// prorations are the lines of a change at t: what is left of each old item in full is
// given back, what is left of each new one charged, whatever of it was paid (classic
// mode). An item whose price and quantity stay has no line. then may be nil: nothing is
// new.
func (s *Sim) prorations(was, then object, at int64) []object {
	start, end := was.num("current_period_start"), was.num("current_period_end")
	var lines []object
	add := func(item object, sign int64, words string) {
		p, q := item.sub("price"), item.num("quantity")
		amount := sign * prorate(p.num("unit_amount"), q, start, end, at)
		l := s.line(was, item, amount, at, end)
		l["proration"], l["discountable"], l["description"] = true, false, words+" "+s.productName(p)+" after "+time.Unix(at, 0).UTC().Format("02 Jan 2006")
		l["type"] = "invoiceitem"
		lines = append(lines, l)
	}
	for _, old := range was.rows("items") {
		if same(old, then) {
			continue
		}
		add(old, -1, "Unused time on")
	}
	for _, item := range then.rows("items") {
		if same(item, was) {
			continue
		}
		add(item, 1, "Remaining time on")
	}
	// A discount is inside of the amounts already.
	for _, l := range lines {
		if amount := l.num("amount"); amount < 0 {
			l["amount"] = amount + off(was.sub("discount"), -amount, at)
		} else {
			l["amount"] = amount - off(was.sub("discount"), amount, at)
		}
	}
	return lines
}

// same reports whether a subscription has the item as it is.
func same(item, sub object) bool {
	return slices.ContainsFunc(sub.rows("items"), func(o object) bool {
		return o.str("id") == item.str("id") && o.num("quantity") == item.num("quantity") && o.sub("price").str("id") == item.sub("price").str("id")
	})
}

func (s *Sim) productName(price object) string {
	return strings.TrimSpace(s.objects[price.str("product")].str("name"))
}
