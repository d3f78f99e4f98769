package stripesim

import (
	"context"
	"strings"
)

// replaceID fills in what success_url may hold in place of the session's id.
func replaceID(to, id string) string { return strings.ReplaceAll(to, "{CHECKOUT_SESSION_ID}", id) }

// newPortal makes a session of the page on which people change cards and cancel. A flow
// leads straight to one of these.
func (c *call) newPortal() (object, *Error) {
	if o, bad := c.the("customer", c.f.str("customer"), "customer"); bad != nil || o.yes("deleted") {
		return nil, missing("customer", c.f.str("customer"), "customer")
	}
	flow := any(nil)
	if f := c.f.sub("flow_data"); f != nil {
		sub := f.sub(f.str("type")).str("subscription")
		if sub != "" {
			if _, bad := c.the("subscription", sub, "flow_data[subscription]"); bad != nil {
				return nil, bad
			}
		}
		one := func(kind string) any {
			if f.str("type") != kind {
				return nil
			}
			return object{"subscription": sub, "retention": nil}
		}
		update := one("subscription_update")
		if u, ok := update.(object); ok {
			delete(u, "retention")
		}
		flow = object{"type": f.str("type"), "after_completion": object{"type": "portal_homepage", "hosted_confirmation": nil, "redirect": nil}, "subscription_cancel": one("subscription_cancel"), "subscription_update": update, "subscription_update_confirm": nil}
	}
	o := c.make("billing_portal.session", "bps", object{"configuration": "bpc_simulated", "customer": c.f.str("customer"), "flow": flow, "locale": nil, "on_behalf_of": nil, "return_url": c.text("return_url"), "url": ""})
	o["url"] = c.o.PublicURL + "/-/dev/stripe/portal/" + o.str("id")
	return o, nil
}

// PortalCard has the customer of a portal session pay with another test card from now
// on, and tries what is open with it.
func (s *Sim) PortalCard(ctx context.Context, session, number string) error {
	return s.change(ctx, func() error {
		c := &call{Sim: s, id: session}
		o, bad := c.the("billing_portal.session", session, "id")
		card := findCard(func(c Card) bool { return c.Number == number })
		switch {
		case bad != nil:
			return bad
		case card == nil:
			return invalid("number", "Choose one of the test cards.")
		}
		pm, bad := s.attachTo(s.method(*card, 12, int64(s.now().Year()+3)).str("id"), o.str("customer"), "")
		if bad != nil {
			return bad
		}
		customer := s.edit(o.str("customer"))
		customer.sub("invoice_settings")["default_payment_method"] = pm["id"]
		s.emit("customer.updated", customer)
		for _, sub := range s.all("subscription") {
			if sub.str("customer") == o.str("customer") && !ended(sub) && sub["default_payment_method"] != nil {
				sub = s.edit(sub.str("id"))
				sub["default_payment_method"] = pm["id"]
				s.changed(sub)
			}
		}
		return nil
	})
}

// PortalCancel ends a subscription of a portal session's customer with its period, or
// has it go on.
func (s *Sim) PortalCancel(ctx context.Context, session, subscription string, cancel bool) error {
	return s.change(ctx, func() error {
		o, sub := s.objects[session], s.edit(subscription)
		if o.str("object") != "billing_portal.session" || sub == nil || sub.str("customer") != o.str("customer") || ended(sub) {
			return missing("subscription", subscription, "subscription")
		}
		c := &call{Sim: s, f: form{"cancel_at_period_end": map[bool]string{true: "true", false: "false"}[cancel]}}
		if bad := c.setEnd(sub); bad != nil {
			return bad
		}
		s.changed(sub)
		return nil
	})
}
