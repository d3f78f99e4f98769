package stripesim

import (
	"time"
)

// notice is how long before a trial ends that is told
// (docs.stripe.com/billing/subscriptions/trials).
const notice = 3 * 24 * time.Hour

// next is what falls due first, of the objects of one test clock or of none. All are
// looked at each time: there is no list of what is due that could disagree with them.
func (s *Sim) next(clock string) (first time.Time, id string, act func()) {
	due := func(at int64, of string, do func()) {
		t := when(at)
		// The older object goes first, so that the order is always the same.
		if act == nil || t.Before(first) || t.Equal(first) && s.objects[of].num("_seq") < s.objects[id].num("_seq") {
			first, id, act = t, of, do
		}
	}
	for of, o := range s.objects {
		if o.str("test_clock") != clock {
			continue
		}
		switch o.str("object") {
		case "subscription":
			s.dueOf(o, func(at int64, do func(object)) { due(at, of, func() { do(s.edit(of)) }) })
		case "invoice":
			s.dueInvoice(o, func(at int64, do func(object)) { due(at, of, func() { do(s.edit(of)) }) })
		case "checkout.session":
			if o.str("status") == "open" {
				due(o.num("expires_at"), of, func() { s.expire(s.edit(of)) })
			}
		}
	}
	return first, id, act
}

// dueOf says what falls due of a subscription. An incomplete one has 23 hours to be paid,
// and one that is paused, or over, has no more periods.
func (s *Sim) dueOf(sub object, due func(int64, func(object))) {
	if sub["_pending"] != nil {
		due(sub.sub("pending_update").num("expires_at"), s.dropUpdate)
	}
	if at := sub.sub("pause_collection").num("resumes_at"); at > 0 && !ended(sub) {
		due(at, func(o object) { o["pause_collection"] = nil; s.changed(o) })
	}
	s.dueSchedule(sub, due)
	switch sub.str("status") {
	case "incomplete":
		due(sub.num("created")+23*3600, s.incomplete)
		return
	case "canceled", "incomplete_expired", "paused":
		return
	case "trialing":
		if at := sub.num("trial_end") - int64(notice/time.Second); sub["_noticed"] == nil && at >= sub.num("created") {
			due(at, func(o object) { o["_noticed"] = true; s.emit("customer.subscription.trial_will_end", o) })
		}
		due(sub.num("trial_end"), s.trialOver)
	default:
		due(sub.num("current_period_end"), s.renew)
	}
	if at := sub.num("cancel_at"); at > 0 {
		due(at, func(o object) { s.end(o, "cancellation_requested") })
	}
}

// dueInvoice says what falls due of an invoice: a draft is finalized, and an open one that
// could not be paid is tried again. With auto_advance off a draft stays one, as those of
// an unpaid subscription do.
func (s *Sim) dueInvoice(inv object, due func(int64, func(object))) {
	switch {
	case inv.str("status") == "draft" && inv["_finalize_at"] != nil && inv.yes("auto_advance"):
		due(inv.num("_finalize_at"), s.collect)
	case inv.str("status") == "open" && inv["next_payment_attempt"] != nil:
		due(inv.num("next_payment_attempt"), s.retry)
	}
}
