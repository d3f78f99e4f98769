package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/queue"
	"seaworthy/store"
)

// reconcile lists every subscription and compares: Stripe can fail to make an event at
// all. What differs is fetched, and recorded as drift.
func (s *System) reconcile(ctx context.Context, job queue.Job[queue.Tick]) error {
	p := &stripe.SubscriptionListParams{Status: stripe.String("all")}
	p.Context, p.Limit = ctx, stripe.Int64(100)
	seen := map[string]bool{}
	var batch []*stripe.Subscription
	list := s.client.subscriptions.List(p)
	for list.Next() {
		seen[list.Subscription().ID] = true
		if batch = append(batch, list.Subscription()); len(batch) == 100 {
			if err := s.compare(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := list.Err(); err != nil {
		return later(err)
	}
	if err := s.compare(ctx, batch); err != nil {
		return err
	}
	if err := s.findGone(ctx, seen); err != nil {
		return err
	}
	if err := s.purge(ctx); err != nil {
		return err
	}
	job.Output([]byte(fmt.Sprintf(`{"subscriptions":%d}`, len(seen))))
	return nil
}

// compare has the customers of subscriptions fetched that differ from the mirror.
func (s *System) compare(ctx context.Context, batch []*stripe.Subscription) error {
	if len(batch) == 0 {
		return nil
	}
	var strangers []string
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		strangers = strangers[:0]
		for _, found := range batch {
			if found.Customer == nil {
				continue
			}
			c, err := customerByID(tx, found.Customer.ID)
			if isNotFound(err) {
				// What is over pays for nothing: an account that sold before us is full of it.
				if state, _ := stateOf(found.Status, None); state.lives() && !slices.Contains(strangers, found.Customer.ID) {
					strangers = append(strangers, found.Customer.ID)
				}
				continue
			}
			if err != nil {
				return err
			}
			same, err := s.matches(tx, c, found)
			if err != nil {
				return err
			}
			if !same {
				if err := s.syncSoon(tx, c.id, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range strangers {
		if err := s.adoptOrphan(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// matches compares a subscription with its row. One of whose customer events wait is
// not judged: the change is on its way.
func (s *System) matches(tx *store.Tx, c customerRow, found *stripe.Subscription) (bool, error) {
	waiting, err := store.All(tx, text, `SELECT id FROM billing_event WHERE customer_id = ? AND state = 'queued' ORDER BY id LIMIT 1`, c.id)
	if err != nil || len(waiting) > 0 {
		return true, err
	}
	old, err := subByID(tx, found.ID)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	row, items, _ := subRowOf(found, c.id, c.org, old.state)
	had, err := itemsOf(tx, found.ID)
	if err != nil {
		return false, err
	}
	return row.status == old.status && row.cancelAtEnd == old.cancelAtEnd && row.cancelAt == old.cancelAt && row.periodEnd == old.periodEnd && row.trialEnd == old.trialEnd &&
		row.pause == old.pause && priceOf(had) == priceOf(items) && quantityOf(had) == quantityOf(items), nil
}

// adoptOrphan links a customer that pays and that nobody here knows, or raises an alarm.
func (s *System) adoptOrphan(ctx context.Context, id string) error {
	err := s.adopt(ctx, id)
	switch {
	case errors.Is(err, errStranger):
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			return raise(tx, alarm{Kind: alarmStranger, Object: id, About: "The customer " + id + " has a subscription at Stripe and belongs to no organization here. Put " + orgKey + "=<id of the organization> in his metadata."})
		})
	case isMissing(err):
		return nil
	case err != nil:
		return later(err)
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.syncSoon(tx, id, true) })
}

// findGone has the customers of subscriptions fetched that live here and were not
// listed.
func (s *System) findGone(ctx context.Context, seen map[string]bool) error {
	for _, state := range []State{Active, Grace, Restricted} {
		for after, more := "", true; more; {
			page, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]subRow, error) {
				return store.All(tx, scanSub, subColumns+`WHERE state = ? AND id > ? ORDER BY id LIMIT 500`, string(state), after)
			})
			if err != nil {
				return err
			}
			more = len(page) == 500
			for _, sub := range page {
				after = sub.id
				if seen[sub.id] {
					continue
				}
				if err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.syncSoon(tx, sub.customer, true) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
