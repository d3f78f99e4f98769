package billing

import (
	"context"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/queue"
	"seaworthy/store"
)

// sweepSlice is how many customers one sweep has looked at; the next comes in a minute.
const sweepSlice = 200

// trialNotice is how long before the end of a trial people are told.
const trialNotice = 3 * oneDay

// sweep finds what is due by the clock: steps of the calendar, trials that end, and
// sessions that expired. It narrows nothing itself: each customer is fetched first.
func (s *System) sweep(ctx context.Context, job queue.Job[queue.Tick]) error {
	return job.Complete(ctx, s.sweepNow)
}

func (s *System) sweepNow(tx *store.Tx) error {
	if err := s.noteTrouble(tx); err != nil {
		return err
	}
	// After a restore what happened meanwhile is to be known first.
	if back, _, err := markOf(tx, markBackfill); err != nil || back != "" {
		return err
	}
	due, err := dunningDue(tx, s.now(tx).UnixMilli(), sweepSlice)
	if err != nil {
		return err
	}
	for _, customer := range due {
		if err := s.syncSoon(tx, customer, false); err != nil {
			return err
		}
	}
	if err := firstOf(s.noticeTrials(tx), s.wakePauses(tx)); err != nil {
		return err
	}
	return s.expireIntents(tx)
}

// Sweep does at once what the next minute would.
func (s *System) Sweep(ctx context.Context) error {
	if !s.On() {
		return nil
	}
	return s.DB.Write(ctx, s.sweepNow)
}

// Due is when the calendar of anybody's overdue payment has its next step, by Stripe's clock; zero for never.
func (s *System) Due(ctx context.Context) (time.Time, error) {
	next, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]int64, error) {
		return store.All(tx, func(r store.Scanner) (n int64, err error) { return n, r.Scan(&n) }, `SELECT next_at FROM billing_dunning ORDER BY next_at LIMIT 1`)
	})
	if err != nil || len(next) == 0 || !at(next[0]).Before(never) {
		return time.Time{}, err
	}
	return at(next[0]), nil
}

// syncSoon has a customer fetched, unless that waits to be done already.
func (s *System) syncSoon(tx *store.Tx, customer string, drift bool) error {
	_, err := queue.Enqueue(tx, Sync{Customer: customer, Drift: drift}, queue.Key("billing:"+customer, 1), queue.Unique(customer, 0),
		queue.UniqueAmong(queue.Scheduled, queue.Blocked, queue.Available, queue.Retryable))
	return err
}

// noticeTrials tells people of trials that end soon. Whether the trial still leads to a
// payment is looked at when the mail goes.
func (s *System) noticeTrials(tx *store.Tx) error {
	now := s.now(tx)
	// Those who were told are left out here, or they would fill the slice of each sweep
	// until their trials are over; a trial of a few days needs no notice halfway.
	subs, err := store.All(tx, scanSub, subColumns+`WHERE trial_end IS NOT NULL AND trial_end > ? AND trial_end <= ? AND status = 'trialing' AND trial_end - started_at >= ?
		AND NOT EXISTS (SELECT n.key FROM billing_notice n WHERE n.key = 'trial_ending:' || billing_subscription.id || ':' || billing_subscription.trial_end)
		ORDER BY trial_end, id LIMIT ?`,
		now.UnixMilli(), now.Add(trialNotice).UnixMilli(), (2 * trialNotice).Milliseconds(), sweepSlice)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		n := notice{key: "trial_ending:" + sub.id + ":" + itoa(sub.trialEnd), template: "billing/trial_ending", customer: sub.customer, org: sub.org, object: sub.id, details: details{At: sub.trialEnd}}
		if err := s.notify(tx, n); err != nil {
			return err
		}
	}
	return nil
}

// GiveUp is the job that ends a subscription at Stripe whose payment has been overdue
// for four weeks.
type GiveUp struct {
	Subscription string `json:"subscription"`
	Invoice      string `json:"invoice"`
}

// Kind implements queue.Args.
func (GiveUp) Kind() string { return "billing.give_up" }

// Defaults implements Enqueue's defaults.
func (GiveUp) Defaults() []queue.Option { return Look{}.Defaults() }

func (s *System) giveUp(ctx context.Context, job queue.Job[GiveUp]) error {
	a := job.Args
	sub, err := store.Read(ctx, s.DB, func(tx *store.Tx) (subRow, error) {
		sub, err := subByID(tx, a.Subscription)
		if err != nil {
			return sub, err
		}
		d, err := dunningOf(tx, sub.customer)
		if isNotFound(err) || err == nil && (d.state != Canceled || d.invoice != a.Invoice) {
			sub.state = Canceled // paid meanwhile: there is nothing to give up
			err = nil
		}
		return sub, err
	})
	if err != nil || !sub.state.lives() {
		return err
	}
	_, err = s.client.subscriptions.Cancel(a.Subscription, &stripe.SubscriptionCancelParams{Params: keyed(ctx, "giveup:"+a.Subscription+":"+a.Invoice)})
	if err != nil && !isMissing(err) {
		return refusedOr(err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return s.syncSoon(tx, sub.customer, false) })
}
