package billing

import (
	"context"
	"fmt"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// LookUpPrice is the job that asks Stripe what a price is.
type LookUpPrice struct {
	Price string `json:"price"`
}

// Kind implements queue.Args.
func (LookUpPrice) Kind() string { return "billing.look_up_price" }

// Defaults implements Enqueue's defaults.
func (LookUpPrice) Defaults() []queue.Option { return Look{}.Defaults() }

func (s *System) lookUpPrice(ctx context.Context, job queue.Job[LookUpPrice]) error {
	p, err := s.askPrice(ctx, job.Args.Price)
	if err != nil {
		return err
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return s.keepPrice(tx, job.Args.Price, p) })
}

// askPrice is a price as Stripe has it; nil for one that is not there.
func (s *System) askPrice(ctx context.Context, id string) (*stripe.Price, error) {
	p, err := s.client.prices.Get(id, &stripe.PriceParams{Params: reading(ctx)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, later(err)
	}
	return p, nil
}

// lookAtPrice is what an event about a price leads to. Those that belong to no plan
// are none of ours.
func (s *System) lookAtPrice(ctx context.Context, job queue.Job[Look], e eventRow) error {
	_, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Price, error) { return priceByID(tx, e.object) })
	ours := err == nil
	if err != nil && !isNotFound(err) {
		return err
	}
	var p *stripe.Price
	if ours {
		if p, err = s.askPrice(ctx, e.object); err != nil {
			return err
		}
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		if ours {
			if err := s.keepPrice(tx, e.object, p); err != nil {
				return err
			}
		}
		return endEvent(tx, e, eventDone, "")
	})
}

// keepPrice stores what Stripe says of a price. One that is archived there cannot be
// bought any more; who has it keeps what it gives.
func (s *System) keepPrice(tx *store.Tx, id string, p *stripe.Price) error {
	now := tx.Now().UnixMilli()
	if p == nil || p.Deleted {
		_, err := tx.Exec(`UPDATE billing_price SET active = 0, fault = 'Stripe has no such price.', fetched_at = ? WHERE id = ?`, now, id)
		return err
	}
	fault, interval, count, product := "", "", int64(0), ""
	switch r := p.Recurring; {
	case r == nil:
		fault = "It is paid once, and a plan needs one that recurs."
	case r.UsageType == stripe.PriceRecurringUsageTypeMetered:
		fault = "It is metered, which plans cannot be yet."
	default:
		interval, count = string(r.Interval), r.IntervalCount
	}
	if p.Product != nil {
		product = p.Product.ID
	}
	_, err := tx.Exec(`UPDATE billing_price SET product_id = ?, currency = ?, unit_amount = ?, interval = ?, interval_count = ?, active = ?, fault = ?, fetched_at = ? WHERE id = ?`,
		product, string(p.Currency), p.UnitAmount, interval, count, flag(p.Active), fault, now, id)
	return err
}

// MakePrice is the job that makes a price at Stripe, and its product, and adds it to
// the plan.
type MakePrice struct {
	Plan    string `json:"plan"`
	Version int64  `json:"version"`
	N       int    `json:"n"`
	NewPrice
}

// Kind implements queue.Args.
func (MakePrice) Kind() string { return "billing.make_price" }

// Defaults implements Enqueue's defaults.
func (MakePrice) Defaults() []queue.Option { return Look{}.Defaults() }

// key is of the price with all that it is: an installation that is set up anew makes the
// same plan again, and must not be given the price of the one before it.
func (a MakePrice) key() string {
	return fmt.Sprintf("price:%s:%d:%d:%s:%d:%s:%d", a.Plan, a.Version, a.N, a.Currency, a.Amount, a.Interval, a.Count)
}

func (s *System) makePrice(ctx context.Context, job queue.Job[MakePrice]) error {
	a := job.Args
	plan, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Plan, error) { return planByKey(tx, a.Plan) })
	if err != nil {
		return err
	}
	params := &stripe.ProductParams{Params: keyed(ctx, "product:"+a.Plan+":"+plan.Name), Name: stripe.String(plan.Name)}
	params.AddMetadata("seaworthy_plan", a.Plan)
	product, err := s.client.products.New(params)
	if err != nil {
		return refusedOr(err)
	}
	price, err := s.client.prices.New(&stripe.PriceParams{Params: keyed(ctx, a.key()), Product: stripe.String(product.ID),
		Currency: stripe.String(a.Currency), UnitAmount: stripe.Int64(a.Amount),
		Recurring: &stripe.PriceRecurringParams{Interval: stripe.String(a.Interval), IntervalCount: stripe.Int64(a.Count)}})
	if err != nil {
		return refusedOr(err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		plan, err := planByKey(tx, a.Plan)
		if err != nil {
			return err
		}
		if err := s.offer(tx, a.Plan, plan.Version, price.ID); err != nil {
			return err
		}
		if err := s.keepPrice(tx, price.ID, price); err != nil {
			return err
		}
		s.forget(tx, "")
		return s.Audit.Record(tx, audit.Event{Action: actPriceMade, Targets: []audit.Ref{{Type: "plan", ID: a.Plan}, {Type: "price", ID: price.ID}},
			Details: map[string]any{"amount": a.Amount, "currency": web.CleanText(a.Currency, 3)}})
	})
}

// refusedOr ends a job that Stripe refused for good; another is tried again.
func refusedOr(err error) error {
	if isRefusal(err) {
		return queue.Bury(plain(err))
	}
	return later(err)
}
