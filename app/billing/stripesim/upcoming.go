package stripesim

import "strings"

const upcomingFields = "customer subscription subscription_items subscription_proration_date subscription_proration_behavior subscription_billing_cycle_anchor subscription_trial_end subscription_cancel_at_period_end subscription_cancel_now coupon"

// upcoming is the invoice that would come next, were the subscription changed so. It
// is made as the real one would be, and then undone, so that both say the same: who
// shows a price before somebody confirms it is held to that price. It has no id, as at
// Stripe, where it is nothing that could be looked up.
func (c *call) upcoming() (object, *Error) {
	c.dryRun = true
	sub, bad := c.nextOf()
	if bad != nil {
		return nil, bad
	}
	f := form{}
	for name, v := range c.f {
		if plain, ours := strings.CutPrefix(name, "subscription_"); ours {
			f[plain] = v
		}
	}
	change := &call{Sim: c.Sim, f: f, dryRun: true}
	before := sub.str("latest_invoice")
	if c.f.has("coupon") {
		off, bad := c.discount(sub.str("customer"), sub.str("id"))
		if bad != nil {
			return nil, bad
		}
		sub["discount"] = off
	}
	if f.has("items") || f.str("billing_cycle_anchor") == "now" {
		if bad := change.apply(sub, deep(sub).(object)); bad != nil {
			return nil, bad
		}
	}
	inv := c.edit(sub.str("latest_invoice"))
	if sub.str("latest_invoice") == before {
		if sub.yes("cancel_at_period_end") || ended(sub) {
			return nil, &Error{Status: 404, Type: "invalid_request_error", Code: "invoice_upcoming_none", Message: "No upcoming invoices for customer: " + sub.str("customer")}
		}
		if !f.has("items") {
			c.afterPhase(sub)
		}
		start := sub.num("current_period_end")
		inv = c.bill(sub, "upcoming", c.lines(sub, start, periodEnd(start, sub.num("billing_cycle_anchor"), rhythm(sub)), false), true)
		inv["next_payment_attempt"] = start + 3600
	}
	inv["status"], inv["number"], inv["hosted_invoice_url"], inv["invoice_pdf"], inv["billing_reason"] = "draft", nil, nil, nil, "upcoming"
	inv["status_transitions"] = object{"finalized_at": nil, "marked_uncollectible_at": nil, "paid_at": nil, "voided_at": nil}
	inv["_id"] = inv["id"]
	delete(inv, "id")
	return inv, nil
}

// nextOf is the subscription that is named, or the customer's that is due first.
func (c *call) nextOf() (object, *Error) {
	if id := c.f.str("subscription"); id != "" {
		if _, bad := c.the("subscription", id, "subscription"); bad != nil {
			return nil, bad
		}
		return c.edit(id), nil
	}
	if _, bad := c.the("customer", c.f.str("customer"), "customer"); bad != nil {
		return nil, bad
	}
	var next object
	for _, sub := range c.all("subscription") {
		if sub.str("customer") == c.f.str("customer") && !ended(sub) && (next == nil || sub.num("current_period_end") < next.num("current_period_end")) {
			next = sub
		}
	}
	if next == nil {
		return nil, &Error{Status: 404, Type: "invalid_request_error", Code: "invoice_upcoming_none", Message: "No upcoming invoices for customer: " + c.f.str("customer")}
	}
	return c.edit(next.str("id")), nil
}

func (c *call) upcomingLines() (object, *Error) {
	inv, bad := c.upcoming()
	if bad != nil {
		return nil, bad
	}
	limit, bad := c.f.num("limit", 10)
	if bad != nil || limit < 1 || limit > 100 {
		return nil, invalid("limit", "This value must be between 1 and 100.")
	}
	return c.page("line_item", inv.rows("lines"), int(limit))
}
