package stripesim

// renew begins the next period: its invoice is a draft for an hour, in which programs may
// add to it (docs.stripe.com/billing/invoices/subscription#hour), and the subscription is
// active meanwhile although nothing is paid. A schedule goes on first, so that the
// invoice is of the new items.
func (s *Sim) renew(sub object) {
	if sub.yes("cancel_at_period_end") {
		s.end(sub, "cancellation_requested")
		return
	}
	start, was := sub.num("current_period_end"), deep(sub).(object)
	if s.goOn(sub); ended(sub) {
		return
	}
	sub["billing_cycle_anchor"] = begun(sub, was, start)
	sub["current_period_start"], sub["current_period_end"] = start, periodEnd(start, sub.num("billing_cycle_anchor"), rhythm(sub))
	s.billPeriod(sub, "subscription_cycle")
	s.changed(sub)
}

// billPeriod bills a period. An unpaid subscription goes on making drafts that nobody
// tries to collect, and so does a pause that keeps them.
func (s *Sim) billPeriod(sub object, reason string) {
	inv := s.bill(sub, reason, s.lines(sub, sub.num("current_period_start"), sub.num("current_period_end"), false), false)
	inv["_finalize_at"] = s.now().Unix() + 3600
	if sub.str("status") == "unpaid" || sub.sub("pause_collection").str("behavior") == "keep_as_draft" {
		inv["auto_advance"] = false
	}
}

// collect finalizes a draft and takes its money. A pause comes in here: the invoice is
// made as ever, then voided or written off.
func (s *Sim) collect(inv object) {
	s.finalize(inv)
	switch s.objects[inv.str("subscription")].sub("pause_collection").str("behavior") {
	case "void":
		s.shut(inv, "void", "voided_at", "invoice.voided")
		return
	case "mark_uncollectible":
		s.shut(inv, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")
		return
	}
	if s.pay(inv, "", false) != nil {
		s.schedule(inv)
	}
}

// retry tries once more what could not be collected.
func (s *Sim) retry(inv object) {
	inv["_retries"] = inv.num("_retries") + 1
	if s.pay(inv, "", false) != nil {
		s.schedule(inv)
	}
}

// trialOver ends a trial: with a card the first period is billed, without one it is as
// the trial's settings say. The default is to bill all the same, and to be past due
// (docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment).
func (s *Sim) trialOver(sub object) {
	now := s.now().Unix()
	if sub.yes("cancel_at_period_end") {
		s.end(sub, "cancellation_requested")
		return
	}
	if s.methodFor(object{"subscription": sub["id"], "customer": sub["customer"]}, "") == "" {
		switch sub.sub("trial_settings").sub("end_behavior").str("missing_payment_method") {
		case "cancel":
			s.end(sub, "cancellation_requested")
			return
		case "pause":
			sub["status"] = "paused"
			s.emit("customer.subscription.paused", sub)
			s.changed(sub)
			return
		}
	}
	sub["status"], sub["trial_end"], sub["billing_cycle_anchor"] = "active", now, now
	sub["current_period_start"], sub["current_period_end"] = now, periodEnd(now, now, rhythm(sub))
	s.billPeriod(sub, "subscription_cycle")
	s.changed(sub)
}

// incomplete ends what nobody has paid for in time. There is no way back from it, and
// nothing is owed.
func (s *Sim) incomplete(sub object) {
	sub["status"], sub["ended_at"] = "incomplete_expired", s.now().Unix()
	if inv := s.edit(sub.str("latest_invoice")); inv != nil && inv.str("status") == "open" {
		s.shut(inv, "void", "voided_at", "invoice.voided")
	}
	s.changed(sub)
}

// dropUpdate ends a change that waited for its payment: the subscription stays as it was.
// To void its invoice settles it (see shut); without one it is settled here.
func (s *Sim) dropUpdate(sub object) {
	if inv := s.edit(sub.str("_pending_invoice")); inv != nil && inv.str("status") == "open" {
		s.shut(inv, "void", "voided_at", "invoice.voided")
		return
	}
	s.settle(sub, false)
}
