package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/queue"
	"seaworthy/store"
)

// Look is the job that looks at what an event is about.
type Look struct {
	Event string `json:"event"`
	Again bool   `json:"again,omitempty"` // the job before it gave up; see lookGaveUp
}

// Kind implements queue.Args.
func (Look) Kind() string { return "billing.look" }

// Defaults: its customer is looked at on a queue of its own, so that a slow Stripe
// keeps nobody else waiting. It is tried for more than a day.
func (Look) Defaults() []queue.Option {
	return []queue.Option{queue.On("billing"), queue.MaxAttempts(120), queue.Timeout(2 * time.Minute)}
}

// Sync is the job that fetches a customer because something is due, not because of
// an event.
type Sync struct {
	Customer string `json:"customer"`
	Drift    bool   `json:"drift,omitempty"` // what is found different is drift
}

// Kind implements queue.Args.
func (Sync) Kind() string { return "billing.sync" }

// Defaults implements Enqueue's defaults.
func (Sync) Defaults() []queue.Option { return Look{}.Defaults() }

// askAgain is the pause before the next try of what Stripe did not answer: short at
// first, because people wait, then longer, at most a quarter of an hour.
var askAgain = queue.Exponential(4*time.Second, 15*time.Minute)

// parkTries and parkPause: a customer whom nobody knows may be one that a request is
// about to link.
const (
	parkTries = 5
	parkPause = 2 * time.Minute
)

var errStranger = errors.New("the customer belongs to no organization here")

func (s *System) look(ctx context.Context, job queue.Job[Look]) error {
	e, err := store.Read(ctx, s.DB, func(tx *store.Tx) (eventRow, error) { return eventByID(tx, job.Args.Event) })
	if isNotFound(err) {
		return queue.Cancel(err)
	}
	if err == nil && e.state == eventDone { // a fetch that began after it came has covered it
		// Later events of the customer may have counted on this job.
		e, err = store.Read(ctx, s.DB, func(tx *store.Tx) (eventRow, error) { return waitingEvent(tx, e.customer) })
		if isNotFound(err) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	what, with := subjects[e.typ], extra{}
	switch what {
	case aPrice:
		return s.lookAtPrice(ctx, job, e)
	case aDispute:
		with.dispute = e.object
	case aCharge:
		with.charge = e.object
	}
	customer, err := s.customerOfEvent(ctx, e, what)
	switch {
	case errors.Is(err, errStranger) && job.Snoozes < parkTries:
		return queue.Snooze(parkPause)
	case errors.Is(err, errStranger):
		return s.park(ctx, job, e, e.customer, errStranger, alarm{Kind: alarmStranger, Object: e.customer, About: fmt.Sprintf("Stripe tells of %s (%s), whose customer belongs to no organization here. Link the customer by putting %s=<id of the organization> in the metadata, then replay the event.", e.object, e.typ, orgKey)})
	case isMissing(err) && (what == aDispute || what == aCharge):
		return s.park(ctx, job, e, customer, errMissing, missingObject(e))
	case isMissing(err):
		return job.Complete(ctx, func(tx *store.Tx) error { return endWith(tx, e, customer, eventDone, "what it is about is gone") })
	case err != nil:
		return later(err)
	}
	snap, err := s.fetch(ctx, customer, with)
	if err != nil {
		return later(err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		if _, _, err := s.apply(tx, customer, &snap); err != nil {
			return err
		}
		if what == aCheckout {
			if err := s.settleCheckout(tx, e.object, e.typ); err != nil {
				return err
			}
		}
		return endEvent(tx, e, eventDone, "")
	})
}

// customerOfEvent finds whom an event is about, and makes sure that he is linked.
func (s *System) customerOfEvent(ctx context.Context, e eventRow, what subject) (customer string, err error) {
	customer = e.customer
	if customer == "" {
		if customer, err = s.ownerOf(ctx, e, what); err != nil {
			return "", err
		}
	}
	if e.customer != customer {
		err = s.DB.Write(ctx, func(tx *store.Tx) error { return nameCustomer(tx, e.id, customer) })
		if err != nil {
			return customer, err
		}
	}
	_, err = store.Read(ctx, s.DB, func(tx *store.Tx) (customerRow, error) { return customerByID(tx, customer) })
	if !isNotFound(err) {
		return customer, err
	}
	return customer, s.adopt(ctx, customer)
}

// ownerOf asks Stripe whose a dispute or a charge is.
func (s *System) ownerOf(ctx context.Context, e eventRow, what subject) (string, error) {
	var c *stripe.Customer
	switch what {
	case aDispute:
		d, err := s.client.disputes.Get(e.object, &stripe.DisputeParams{Params: reading(ctx, "charge")})
		if err != nil {
			return "", err
		}
		if d.Charge != nil {
			c = d.Charge.Customer
		}
	case aCharge:
		ch, err := s.client.charges.Get(e.object, &stripe.ChargeParams{Params: reading(ctx)})
		if err != nil {
			return "", err
		}
		c = ch.Customer
	case aMethodGone:
		id, err := store.Read(ctx, s.DB, func(tx *store.Tx) (string, error) { return ownerOfMethod(tx, e.object) })
		if isNotFound(err) {
			return "", errStranger
		}
		return id, err
	}
	if c == nil || c.ID == "" {
		return "", errStranger
	}
	return c.ID, nil
}

// adopt links a customer that carries the id of an org here, as those that we made
// do: the link was lost with a restore, or with an answer that did not come.
func (s *System) adopt(ctx context.Context, customer string) error {
	c, err := s.client.customers.Get(customer, &stripe.CustomerParams{Params: reading(ctx)})
	if err != nil {
		return err
	}
	org := c.Metadata[orgKey]
	if c.Deleted || org == "" {
		return errStranger
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := auth.FindOrg(tx, org); isNotFound(err) {
			return errStranger
		} else if err != nil {
			return err
		}
		if _, err := customerOf(tx, org); !isNotFound(err) {
			if err == nil {
				err = errStranger // it has another: a person must say which
			}
			return err
		}
		return s.link(tx, customer, org)
	})
}

// park puts an event, and those of the customer that count on its job, on the list of what a
// person must look at.
func (s *System) park(ctx context.Context, job queue.Job[Look], e eventRow, customer string, why error, a alarm) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		if err := endWith(tx, e, customer, eventParked, why.Error()); err != nil {
			return err
		}
		if err := raise(tx, a); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actParked, Targets: []audit.Ref{{Type: "customer", ID: customer}}, Details: map[string]any{"event": e.id, "type": e.typ}})
	})
}

// sync fetches a customer.
func (s *System) sync(ctx context.Context, job queue.Job[Sync]) error {
	snap, err := s.fetch(ctx, job.Args.Customer, extra{})
	if isNotFound(err) {
		return queue.Cancel(err)
	}
	if err != nil {
		return later(err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		changed, stale, err := s.apply(tx, job.Args.Customer, &snap)
		if err != nil || stale || !job.Args.Drift {
			return err
		}
		return s.noteDrift(tx, job.Args.Customer, changed)
	})
}
