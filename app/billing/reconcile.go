package billing

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stripe/stripe-go/v76"

	"seaworthy/queue"
	"seaworthy/store"
)

// What the reconciler keeps of where it stands: until when events were listed, and
// since when all of them are to be listed after a restore.
const (
	markListed   = "events listed"
	markBackfill = "backfill"
)

const (
	// overlap is how much of what was listed is listed again: an event can be made
	// some time after it is dated.
	overlap = time.Hour
	// memory is how long Stripe keeps events (Stripe docs, "List all events").
	memory = 30 * oneDay
)

// catchUp takes over events that did not reach us: those whose delivery Stripe has
// failed at or still tries, and after a restore of an older database all since then,
// because they were delivered to what was lost.
func (s *System) catchUp(ctx context.Context, job queue.Job[queue.Tick]) error {
	began := s.DB.Now().Add(s.ahead())
	since, all, err := s.listFrom(ctx, began)
	if err != nil {
		return err
	}
	p := &stripe.EventListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
	if !all {
		p.DeliverySuccess = stripe.Bool(false)
	}
	p.Context, p.Limit = ctx, stripe.Int64(100)
	found := int64(0)
	list := s.client.events.List(p)
	for list.Next() {
		fresh, err := s.takeListed(ctx, list.Event())
		if err != nil {
			return err
		}
		if fresh {
			found++
		}
	}
	if err := list.Err(); err != nil {
		s.Log.WarnContext(ctx, "events of Stripe's could not be listed", "err", plain(err))
		return queue.Cancel(plain(err)) // the next round is soon, and begins where this one did
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(func() { s.counts.addN("events", "caught up", found) })
		if err := setMark(tx, markBackfill, "", nil); err != nil {
			return err
		}
		return setMark(tx, markListed, strconv.FormatInt(began.UnixMilli(), 10), nil)
	})
}

// listFrom is the time from which events are listed, and whether all are.
func (s *System) listFrom(ctx context.Context, now time.Time) (since time.Time, all bool, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		listed, _, err := markOf(tx, markListed)
		if err != nil {
			return err
		}
		back, _, err := markOf(tx, markBackfill)
		if err != nil {
			return err
		}
		text := listed
		if all = back != ""; all {
			text = back
		}
		last, err := strconv.ParseInt(text, 10, 64)
		if err != nil { // never before: what was undelivered in the last hour
			last = now.UnixMilli()
		}
		since = at(last).Add(-overlap)
		return nil
	})
	if oldest := now.Add(-memory); since.Before(oldest) {
		since = oldest
	}
	return since, all, err
}

// takeListed stores an event that was listed, as if it had been delivered.
func (s *System) takeListed(ctx context.Context, found *stripe.Event) (fresh bool, err error) {
	e := envelope{ID: found.ID, Object: "event", Type: string(found.Type), Version: found.APIVersion, Live: found.Livemode, Account: found.Account}
	if found.Data != nil {
		if err := json.Unmarshal(found.Data.Raw, &e.Contents.Object); err != nil {
			return false, nil // of a form that we do not know: none of ours
		}
	}
	what := e.subject()
	if what == nothing || e.Account != "" || e.Live != s.live() || !idForm.MatchString(e.ID) {
		return false, nil
	}
	row := eventRow{id: e.ID, typ: e.Type, objectType: e.Contents.Object.Object, object: e.about(), customer: e.customer(), version: stripe.APIVersion, source: "reconciler", created: at(secs(found.Created))}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) { return s.store(tx, row, what) })
}

// Restored has all events since the newest that is known here listed at the next
// round: the database is an older one, and Stripe does not send them again. Reminders
// wait for it.
func (s *System) Restored(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		var newest int64
		err := tx.QueryRow(`SELECT created_at FROM billing_event ORDER BY received_at DESC, id DESC LIMIT 1`).Scan(&newest)
		if isNotFound(err) {
			newest, err = tx.Now().Add(-oneDay).UnixMilli(), nil
		}
		if err != nil {
			return err
		}
		return setMark(tx, markBackfill, strconv.FormatInt(newest, 10), nil)
	})
}

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
				strangers = append(strangers, found.Customer.ID)
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

// How long what is over is kept.
const (
	keepEvents  = 90 * oneDay
	purgeAtOnce = 500
)

// purge drops old events, in slices. Stripe sends none again that is older than three days.
func (s *System) purge(ctx context.Context) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
			return tx.Exec(`DELETE FROM billing_event WHERE id IN (SELECT id FROM billing_event WHERE state = 'done' AND received_at < ? ORDER BY received_at, id LIMIT ?)`,
				tx.Now().Add(-keepEvents).UnixMilli(), purgeAtOnce)
		})
		if err != nil || n < purgeAtOnce {
			return err
		}
	}
}
