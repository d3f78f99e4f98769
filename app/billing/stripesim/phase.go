package stripesim

// nextPhase is the phase of a subscription's schedule that begins next; nil for none.
func (s *Sim) nextPhase(sub object) object {
	o := s.objects[sub.str("schedule")]
	for _, phase := range o.rows("phases") {
		if phase.num("start_date") > o.sub("current_phase").num("start_date") {
			return phase
		}
	}
	return nil
}

// dueSchedule is when the schedule of a subscription goes on: its phase ends. What
// falls on the end of a period is done by the renewal, so that it bills the new items.
func (s *Sim) dueSchedule(sub object, due func(int64, func(object))) {
	o := s.objects[sub.str("schedule")]
	end := o.sub("current_phase").num("end_date")
	if o.str("status") == "active" && (end != sub.num("current_period_end") || sub.str("status") == "trialing") {
		due(end, s.goOn)
	}
}

// goOn enters the next phase; after the last one the subscription is released, or ends.
func (s *Sim) goOn(sub object) {
	o := s.edit(sub.str("schedule"))
	if o == nil || o.str("status") != "active" || o.sub("current_phase").num("end_date") > s.now().Unix() {
		return
	}
	phase := s.nextPhase(sub)
	if phase == nil {
		if o.str("end_behavior") == "cancel" {
			s.end(sub, "cancellation_requested")
			return
		}
		s.release(o)
		return
	}
	o["current_phase"] = object{"start_date": phase["start_date"], "end_date": phase["end_date"]}
	s.emit("subscription_schedule.updated", o)
	s.enter(sub, phase)
	s.changed(sub)
}

// enter makes the items those of a phase. Items keep their ids by their place, as they
// do when somebody changes a price.
func (s *Sim) enter(sub, phase object) {
	was := sub.rows("items")
	var items []object
	for n, want := range phase.rows("items") {
		var item object
		if n < len(was) {
			item = was[n]
		} else {
			item = s.blankItem(sub)
		}
		price := s.objects[want.str("price")]
		item["price"], item["plan"], item["quantity"] = visible(price), planOf(price), want["quantity"]
		items = append(items, item)
	}
	sub["items"] = listOf("/v1/subscription_items?subscription="+sub.str("id"), items)
	if id := phase.str("default_payment_method"); id != "" {
		sub["default_payment_method"] = id
	}
	if phase.str("coupon") == "" {
		sub["discount"] = nil // a phase says all there is
	}
}

// afterPhase is a subscription as its next period begins.
func (s *Sim) afterPhase(sub object) {
	if phase := s.nextPhase(sub); phase != nil && phase.num("start_date") <= sub.num("current_period_end") {
		s.enter(sub, phase)
	}
}
