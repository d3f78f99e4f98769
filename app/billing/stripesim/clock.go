package stripesim

import (
	"context"
	"fmt"
	"time"
)

// notice is how long before a trial ends that is told
// (docs.stripe.com/billing/subscriptions/trials).
const notice = 3 * 24 * time.Hour

// Advance moves the virtual clock on, step by step: whatever falls due on the way is
// done at its own instant and in order, and its webhooks are delivered.
func (s *Sim) Advance(ctx context.Context, d time.Duration) error {
	s.turns.Lock()
	defer s.turns.Unlock()
	return s.advance(ctx, d)
}

// advance goes from one thing that falls due to the next, here or in the program that sells.
func (s *Sim) advance(ctx context.Context, d time.Duration) error {
	until := s.Now().Add(d)
	for ctx.Err() == nil {
		if err := s.settled(ctx); err != nil {
			return err
		}
		now := s.Now()
		if !now.Before(until) {
			return nil
		}
		to, err := s.upcoming(ctx, now, until)
		if err != nil {
			return err
		}
		err = s.change(ctx, func() error {
			s.offset += to.Sub(now)
			s.moved = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// mostRounds is how often the two wait for each other at one instant.
const mostRounds = 10

// settled does what is due now, and lets the program do what that brings, until neither
// has anything more for the other.
func (s *Sim) settled(ctx context.Context) error {
	for range mostRounds {
		if err := s.run(ctx, s.Now()); err != nil {
			return err
		}
		if s.Life.Settled == nil {
			return nil
		}
		if err := s.Life.Settled(ctx); err != nil {
			return fmt.Errorf("let the program do its part: %w", err)
		}
		s.mu.Lock()
		at, _, act := s.next("")
		sent, now := s.nextDelivery(), s.now()
		s.mu.Unlock()
		if (act == nil || at.After(now)) && (sent == nil || when(sent.num("due")).After(now)) {
			return nil
		}
	}
	return nil
}

// upcoming is when something happens next after now, until at the latest.
func (s *Sim) upcoming(ctx context.Context, now, until time.Time) (time.Time, error) {
	first := until
	sooner := func(at time.Time) {
		if at.After(now) && at.Before(first) {
			first = at
		}
	}
	s.mu.Lock()
	if at, _, act := s.next(""); act != nil {
		sooner(at)
	}
	if sent := s.nextDelivery(); sent != nil {
		sooner(when(sent.num("due")))
	}
	s.mu.Unlock()
	if s.Life.Due != nil {
		at, err := s.Life.Due(ctx)
		if err != nil {
			return first, fmt.Errorf("ask what is due in the program: %w", err)
		}
		if !at.IsZero() {
			sooner(at.Add(time.Second - 1).Truncate(time.Second)) // the clock here has seconds
		}
	}
	return first, nil
}

// AdvanceToNext moves the clock to the next thing that happens; false: nothing will.
func (s *Sim) AdvanceToNext(ctx context.Context) (bool, error) {
	s.turns.Lock()
	defer s.turns.Unlock()
	now := s.Now()
	until := now.Add(furthest)
	s.mu.Lock()
	at, _, act := s.next("")
	s.mu.Unlock()
	if act != nil && !at.After(now) {
		return true, s.advance(ctx, 0)
	}
	to, err := s.upcoming(ctx, now, until)
	if err != nil || to.Equal(until) {
		return false, err
	}
	return true, s.advance(ctx, to.Sub(now))
}

// Settle does what is due now, and delivers it.
func (s *Sim) Settle(ctx context.Context) error {
	s.turns.Lock()
	defer s.turns.Unlock()
	return s.run(ctx, s.Now())
}

// Run does what falls due, until ctx ends.
func (s *Sim) Run(ctx context.Context) error {
	for {
		if err := s.Settle(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Error("the Stripe simulator", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(time.Second):
		}
	}
}

// run does all that is due by until.
func (s *Sim) run(ctx context.Context, until time.Time) error {
	for ctx.Err() == nil {
		s.mu.Lock()
		at, _, act := s.next("")
		sent := s.nextDelivery()
		s.mu.Unlock()
		switch {
		case sent != nil && !when(sent.num("due")).After(until) && (act == nil || when(sent.num("due")).Before(at)):
			if err := s.deliver(ctx, when(sent.num("due"))); err != nil {
				return err
			}
		case act != nil && !at.After(until):
			if err := s.stepAt(ctx, at, act); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return ctx.Err()
}

// stepAt does one thing at its instant.
func (s *Sim) stepAt(ctx context.Context, at time.Time, act func()) error {
	return s.change(ctx, func() error {
		s.step = at
		defer func() { s.step = time.Time{} }()
		act()
		return nil
	})
}

// next is what falls due first, of the objects of one test clock or of none.
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

func (s *Sim) dueInvoice(inv object, due func(int64, func(object))) {
	switch {
	case inv.str("status") == "draft" && inv["_finalize_at"] != nil && inv.yes("auto_advance"):
		due(inv.num("_finalize_at"), s.collect)
	case inv.str("status") == "open" && inv["next_payment_attempt"] != nil:
		due(inv.num("next_payment_attempt"), s.retry)
	}
}

// renew begins the next period: its invoice is a draft for an hour.
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

func (s *Sim) billPeriod(sub object, reason string) {
	inv := s.bill(sub, reason, s.lines(sub, sub.num("current_period_start"), sub.num("current_period_end"), false), false)
	inv["_finalize_at"] = s.now().Unix() + 3600
	if sub.str("status") == "unpaid" || sub.sub("pause_collection").str("behavior") == "keep_as_draft" {
		inv["auto_advance"] = false
	}
}

// collect finalizes a draft and takes its money.
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

func (s *Sim) retry(inv object) {
	inv["_retries"] = inv.num("_retries") + 1
	if s.pay(inv, "", false) != nil {
		s.schedule(inv)
	}
}

// trialOver ends a trial: with a card the first period is billed, without one it is
// as the trial's settings say.
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

// incomplete ends what nobody has paid for in time.
func (s *Sim) incomplete(sub object) {
	sub["status"], sub["ended_at"] = "incomplete_expired", s.now().Unix()
	if inv := s.edit(sub.str("latest_invoice")); inv != nil && inv.str("status") == "open" {
		s.shut(inv, "void", "voided_at", "invoice.voided")
	}
	s.changed(sub)
}

func (s *Sim) dropUpdate(sub object) {
	if inv := s.edit(sub.str("_pending_invoice")); inv != nil && inv.str("status") == "open" {
		s.shut(inv, "void", "voided_at", "invoice.voided")
		return
	}
	s.settle(sub, false)
}
