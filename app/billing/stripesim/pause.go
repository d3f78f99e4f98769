package stripesim

import (
	"slices"
)

// setPause sets whether a subscription collects (docs.stripe.com/billing/subscriptions/pause-payment).
// It stays active meanwhile, which is why a program cannot tell by its status: what is
// done with its invoices is in collect. An empty text takes the pause away.
func (c *call) setPause(sub object) *Error {
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

// resumeSubscription goes on after a trial that ended without a card. It begins a period
// of its own, and stays paused if that is not paid; the status paused has nothing to do
// with pause_collection.
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
