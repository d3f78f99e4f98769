package billing

import (
	"context"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Preview is what a change would cost, as Stripe reckons it.
type Preview struct {
	ID       string        `json:"id"` // to apply it with
	Lines    []PreviewLine `json:"lines"`
	Currency string        `json:"currency"`
	DueNow   int64         `json:"due_now"`  // charged when it is applied; below zero is credit for the next invoice
	NextDue  int64         `json:"next_due"` // on the next invoice
	NextAt   time.Time     `json:"next_at"`  // when that is
	Expires  time.Time     `json:"expires_at"`

	When     string    `json:"when"`         // now, or period_end: then nothing is charged for it before
	At       time.Time `json:"effective_at"` // when it comes about
	From     string    `json:"from_plan"`    // keys of plans
	To       string    `json:"to_plan"`
	Quantity int64     `json:"quantity"`
	Loses    []string  `json:"loses"` // what the new plan gives less, in words
	Gains    []string  `json:"gains"`
	Discount string    `json:"discount,omitempty"` // what is taken off, in words
}

// PreviewLine is a line of it; below zero is credit.
type PreviewLine struct {
	What      string `json:"description"`
	Amount    int64  `json:"amount"`
	Proration bool   `json:"proration"`
}

type previewInput struct {
	Subscription string `json:"subscription"` // may be left out where there is one
	Price        string `json:"price"`        // as it is if empty
	Quantity     int64  `json:"quantity"`     // as it is if 0
	When         string `json:"when"`         // now or period_end; what costs less comes with the next period if empty
	Promotion    string `json:"promotion_code"`
}

// previewLife is how long a preview can be applied: the amounts are of its second.
const previewLife = 10 * time.Minute

// Ways to charge for a change (Stripe docs, "proration_behavior").
const (
	chargeNow  = "always_invoice"    // the difference is charged at once
	creditNext = "create_prorations" // it is settled with the next invoice
	noSettling = "none"              // nothing is: it comes with a new period
)

// PreviewChange reckons what another plan or quantity would cost. What costs more is
// charged at once; what costs less comes with the next period, and costs nothing now.
func (s *System) PreviewChange(ctx context.Context, org string, in previewInput) (Preview, error) {
	if !s.On() {
		return Preview{}, errNothingSold
	}
	var c web.Check
	c.Fault(in.Price == "" || idForm.MatchString(in.Price), "price", "form", "Give the id of a price of a plan.")
	c.Fault(in.Quantity >= 0 && in.Quantity <= maxQuantity, "quantity", "range", "From 1 to 100000.")
	c.Fault(in.When == "" || in.When == whenNow || in.When == whenLater, "when", "unknown", "Say now or period_end.")
	if err := c.Err(); err != nil {
		return Preview{}, err
	}
	promotion, err := s.promotion(ctx, org, in.Promotion)
	if err != nil {
		return Preview{}, err
	}
	var p planned
	var i intent
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if p, err = s.planChange(tx, org, in); err != nil {
			return err
		}
		i = p.intent
		i.wish.Promotion, i.wish.Coupon = promotion.id, promotion.coupon
		if err := insertIntent(tx, &i, previewLife); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actPreviewed, Org: org, Targets: i.targets(), Details: map[string]any{"price": i.wish.Price, "quantity": i.wish.Quantity, "when": i.wish.At}})
	})
	if err != nil {
		return Preview{}, err
	}
	var found *stripe.Invoice
	ask := i
	ask.kind = "preview"
	err = s.ask(ctx, &ask, func(ctx context.Context) (err error) {
		ask := &stripe.InvoiceUpcomingParams{Params: reading(ctx), Customer: stripe.String(p.sub.customer), Subscription: stripe.String(p.sub.id),
			SubscriptionItems:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(i.wish.Item), Price: stripe.String(i.wish.Price), Quantity: stripe.Int64(i.wish.Quantity)}},
			SubscriptionProrationBehavior: stripe.String(i.wish.Prorate)}
		if i.wish.Prorate != noSettling {
			ask.SubscriptionProrationDate = stripe.Int64(i.wish.Proration)
		}
		if i.wish.Coupon != "" {
			ask.Coupon = stripe.String(i.wish.Coupon)
		}
		found, err = s.client.invoices.Upcoming(ask)
		return err
	})
	if err != nil {
		return Preview{}, err
	}
	out := p.preview(found, &i)
	if promotion.words != "" {
		out.Discount = promotion.words
	}
	i.outcome.Preview = &out
	return out, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return answerIntent(tx, &i) })
}

// nextPeriod is when the next invoice comes: with the period as it is, unless another
// interval began a new one.
func nextPeriod(end, now time.Time, target Price, sub subRow) time.Time {
	length := end.Sub(at(sub.periodStart))
	var next time.Time
	switch n := int(target.Count); target.Interval {
	case "day":
		next = now.AddDate(0, 0, n)
	case "week":
		next = now.AddDate(0, 0, 7*n)
	case "month":
		next = now.AddDate(0, n, 0)
	case "year":
		next = now.AddDate(n, 0, 0)
	}
	if d := next.Sub(now) - length; next.IsZero() || d < 4*oneDay && d > -4*oneDay { // months differ in length
		return end
	}
	return next
}
