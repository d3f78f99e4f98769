package billing

import (
	"context"
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
