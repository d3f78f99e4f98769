package stripesim

import "time"

// newClock freezes the time of the customers that are made with it
// (docs.stripe.com/billing/testing/test-clocks). The simulator has a clock of its own for
// people; this one is for the tests of programs that use Stripe's.
func (c *call) newClock() (object, *Error) {
	at, bad := c.f.num("frozen_time", 0)
	if bad != nil || at == 0 {
		return nil, required("frozen_time")
	}
	return c.make("test_helpers.test_clock", "clock", object{"frozen_time": at, "name": c.text("name"), "status": "ready", "deletes_after": c.now().AddDate(0, 1, 0).Unix()}), nil
}

// advanceClock lets time pass for the customers of a test clock alone. It answers when
// all is done; Stripe answers at once and is ready later, which the event tells.
func (c *call) advanceClock() (object, *Error) {
	o, bad := c.own("test_helpers.test_clock")
	if bad != nil {
		return nil, bad
	}
	to, bad := c.f.num("frozen_time", 0)
	if bad != nil || to <= o.num("frozen_time") {
		return nil, invalid("frozen_time", "The frozen time must be later than the clock's present time.")
	}
	if to-o.num("frozen_time") > int64(furthest/time.Second) {
		return nil, invalid("frozen_time", "A test clock can be advanced by two years at most.")
	}
	for { // each thing at its own instant, as Stripe does it in the background
		at, _, act := c.next(c.id)
		if act == nil || at.Unix() > to {
			break
		}
		c.step = at
		act()
	}
	c.step = time.Time{}
	o["frozen_time"] = to
	c.emit("test_helpers.test_clock.ready", o)
	return o, nil
}

// clockOf has a call see the time of the test clock that its customer lives by.
func (c *call) clockOf() {
	o := c.objects[c.id]
	for _, id := range []string{c.f.str("customer"), c.f.str("subscription"), o.str("customer"), c.f.str("test_clock")} {
		if o.str("test_clock") == "" && id != "" {
			o = c.objects[id]
		}
	}
	clock := c.objects[o.str("test_clock")]
	if o.str("object") == "test_helpers.test_clock" {
		clock = o
	}
	if at := clock.num("frozen_time"); at > 0 {
		c.step = when(at)
	}
}
