package stripesim

import (
	"slices"
	"strconv"
)

// newSchedule takes a subscription under a schedule, as it is: one phase, its running
// period (docs.stripe.com/billing/subscriptions/subscription-schedules).
func (c *call) newSchedule() (object, *Error) {
	id := c.f.str("from_subscription")
	if id == "" {
		return nil, invalid("from_subscription", "Only schedules made from a subscription are simulated.")
	}
	if _, bad := c.the("subscription", id, "from_subscription"); bad != nil {
		return nil, bad
	}
	sub := c.edit(id)
	switch {
	case ended(sub):
		return nil, invalid("from_subscription", "You cannot migrate a subscription that is already canceled.")
	case sub.str("schedule") != "":
		return nil, invalid("from_subscription", "You cannot migrate a subscription that is already attached to a schedule: "+sub.str("schedule")+".")
	case sub.yes("cancel_at_period_end"):
		return nil, invalid("from_subscription", "You cannot migrate a subscription that is set to cancel at the end of its period.")
	}
	var items []any
	for _, item := range sub.rows("items") {
		items = append(items, phaseItem(item.sub("price").str("id"), item.num("quantity")))
	}
	start, end := sub["current_period_start"], sub["current_period_end"]
	phase := blankPhase(sub.str("currency"), start, end, items)
	phase["default_payment_method"], phase["collection_method"] = sub["default_payment_method"], nil
	if d := sub.sub("discount"); len(d) > 0 {
		phase["coupon"] = d.sub("coupon")["id"]
	}
	o := c.make("subscription_schedule", "sub_sched", object{"application": nil, "canceled_at": nil, "completed_at": nil, "current_phase": object{"start_date": start, "end_date": end}, "customer": sub["customer"],
		"default_settings": object{"application_fee_percent": nil, "automatic_tax": object{"enabled": false, "liability": nil}, "billing_cycle_anchor": "automatic", "billing_thresholds": nil, "collection_method": "charge_automatically",
			"default_payment_method": nil, "default_source": nil, "description": nil, "invoice_settings": object{"account_tax_ids": nil, "days_until_due": nil, "issuer": object{"type": "self"}}, "on_behalf_of": nil, "transfer_data": nil},
		"end_behavior": "release", "metadata": object{}, "phases": []any{phase}, "released_at": nil, "released_subscription": nil, "status": "active", "subscription": id, "test_clock": sub["test_clock"]})
	sub["schedule"] = o["id"]
	c.emit("subscription_schedule.created", o)
	c.changed(sub)
	return o, nil
}

// phaseItem is an item of a phase, which names its price and has no id of its own: those of
// the subscription are found by their place (enter).
func phaseItem(price string, quantity int64) object {
	return object{"billing_thresholds": nil, "metadata": object{}, "plan": price, "price": price, "quantity": quantity, "tax_rates": []any{}}
}

// blankPhase is a phase with every field that the API shows.
func blankPhase(currency string, start, end any, items []any) object {
	return object{"add_invoice_items": []any{}, "application_fee_percent": nil, "billing_cycle_anchor": nil, "billing_thresholds": nil, "collection_method": nil, "coupon": nil, "currency": currency, "default_payment_method": nil,
		"default_tax_rates": []any{}, "description": nil, "end_date": end, "invoice_settings": nil, "items": items, "metadata": object{}, "on_behalf_of": nil, "proration_behavior": "create_prorations", "start_date": start,
		"transfer_data": nil, "trial_end": nil}
}

// alive is the schedule in the address, if it can still be changed.
func (c *call) alive() (object, *Error) {
	o, bad := c.own("subscription_schedule")
	if bad == nil && o.str("status") != "active" {
		bad = invalid("", "You cannot change a subscription schedule that is "+o.str("status")+".")
	}
	return o, bad
}

// updateSchedule sets the phases. The one that runs is sent along, and stays as it is.
func (c *call) updateSchedule() (object, *Error) {
	o, bad := c.alive()
	if bad != nil {
		return nil, bad
	}
	c.metadata(o)
	if b := c.f.str("end_behavior"); b != "" {
		if b != "release" && b != "cancel" {
			return nil, invalid("end_behavior", "Invalid end_behavior: must be one of cancel or release")
		}
		o["end_behavior"] = b
	}
	if c.f.has("phases") {
		phases, bad := c.phases(o)
		if bad != nil {
			return nil, bad
		}
		o["phases"] = phases
	}
	c.emit("subscription_schedule.updated", o)
	return o, nil
}

// phases reads them. They follow each other without a gap, and the first is the one that
// runs: it must be sent along, and begin when it began.
func (c *call) phases(o object) (all []any, _ *Error) {
	now := o.sub("current_phase")
	start := now.num("start_date")
	for n, f := range c.f.forms("phases") {
		param := "phases[" + strconv.Itoa(n) + "]"
		from, bad := f.num("start_date", start)
		if bad != nil {
			return nil, bad
		}
		if from != start {
			return nil, invalid(param+"[start_date]", "The start date of a phase must be the end of the one before it.")
		}
		items, first, bad := c.phaseItems(f, param)
		if bad != nil {
			return nil, bad
		}
		end, bad := c.phaseEnd(f, param, start, first.sub("recurring"))
		if bad != nil {
			return nil, bad
		}
		if n == 0 && end <= c.now().Unix() {
			return nil, invalid(param+"[end_date]", "The end date of the current phase must be in the future.")
		}
		phase := blankPhase(first.str("currency"), start, end, items)
		phase["proration_behavior"] = f.or("proration_behavior", "create_prorations")
		for _, name := range []string{"coupon", "default_payment_method"} {
			if id := f.str(name); id != "" {
				if c.objects[id] == nil {
					return nil, missing(name, id, param+"["+name+"]")
				}
				phase[name] = id
			}
		}
		all, start = append(all, phase), end
	}
	if len(all) == 0 {
		return nil, required("phases")
	}
	now["end_date"] = all[0].(object)["end_date"]
	return all, nil
}

// phaseItems reads the items of a phase: all that the subscription is to have then, not what
// is different.
func (c *call) phaseItems(f form, param string) (items []any, first object, _ *Error) {
	for n, item := range f.forms("items") {
		p := param + "[items][" + strconv.Itoa(n) + "]"
		price, bad := c.the("price", item.str("price"), p+"[price]")
		if bad != nil {
			return nil, nil, bad
		}
		if first == nil {
			first = price
		}
		if price["recurring"] == nil || price.str("currency") != first.str("currency") {
			return nil, nil, invalid(p+"[price]", "All prices of a phase must recur, in the same currency.")
		}
		quantity, bad := item.num("quantity", 1)
		if bad != nil {
			return nil, nil, bad
		}
		items = append(items, phaseItem(price.str("id"), quantity))
	}
	if first == nil {
		return nil, nil, required(param + "[items]")
	}
	return items, first, nil
}

// phaseEnd is when a phase ends: at a time, or after so many of its intervals.
func (c *call) phaseEnd(f form, param string, start int64, rhythm object) (int64, *Error) {
	end, bad := f.num("end_date", 0)
	if bad != nil || end > start {
		return end, bad
	}
	times, bad := f.num("iterations", 1)
	if bad != nil || end != 0 || times < 1 || times > 1000 {
		return 0, invalid(param+"[end_date]", "A phase must end after it starts.")
	}
	for end = start; times > 0; times-- {
		end = periodEnd(end, start, rhythm)
	}
	return end, nil
}

func (c *call) releaseSchedule() (object, *Error) {
	o, bad := c.alive()
	if bad != nil {
		return nil, bad
	}
	c.release(o)
	return o, nil
}

func (c *call) cancelSchedule() (object, *Error) {
	o, bad := c.alive()
	if bad != nil {
		return nil, bad
	}
	c.end(c.edit(o.str("subscription")), "cancellation_requested")
	return o, nil
}

// release lets a subscription go on as it is, without its schedule.
func (s *Sim) release(o object) {
	sub := s.edit(o.str("subscription"))
	o["status"], o["released_at"], o["released_subscription"], o["subscription"], o["current_phase"] = "released", s.now().Unix(), o["subscription"], nil, nil
	s.emit("subscription_schedule.released", o)
	sub["schedule"] = nil
	s.changed(sub)
}

// unschedule ends the schedule of a subscription that ends.
func (s *Sim) unschedule(sub object) {
	o := s.edit(sub.str("schedule"))
	if o == nil || o.str("status") != "active" {
		return
	}
	o["status"], o["canceled_at"], o["current_phase"] = "canceled", s.now().Unix(), nil
	s.emit("subscription_schedule.canceled", o)
}

// scheduled refuses what a schedule decides.
func scheduled(sub object, f form) *Error {
	if sub.str("schedule") == "" || !slices.ContainsFunc([]string{"cancel_at_period_end", "cancel_at"}, f.has) {
		return nil
	}
	return invalid("cancel_at_period_end", "The subscription is managed by the subscription schedule `"+sub.str("schedule")+"`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.")
}

// sameRhythm reports whether two subscriptions recur alike.
func sameRhythm(a, b object) bool {
	x, y := rhythm(a), rhythm(b)
	return x.str("interval") == y.str("interval") && x.num("interval_count") == y.num("interval_count")
}

// begun is the anchor of a period that begins at start: another interval begins anew.
func begun(sub, was object, start int64) int64 {
	if sameRhythm(sub, was) {
		return sub.num("billing_cycle_anchor")
	}
	return start
}
