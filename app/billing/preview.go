package billing

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
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
}

// previewLife is how long a preview can be applied: the amounts are of its second.
const previewLife = 10 * time.Minute

// Ways to charge for a change (Stripe docs, "proration_behavior").
const (
	chargeNow  = "always_invoice"    // the difference is charged at once
	creditNext = "create_prorations" // it is settled with the next invoice
)

func (s *System) previewAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[previewInput](r)
	if err != nil {
		return err
	}
	org, err := s.orgFor(r, permManage)
	if err != nil {
		return err
	}
	p, err := s.PreviewChange(r.Context(), org.ID, in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, p)
}

// PreviewChange reckons what another plan or quantity would cost now. What costs more
// is charged at once, what costs less is credited to the next invoice.
func (s *System) PreviewChange(ctx context.Context, org string, in previewInput) (Preview, error) {
	if !s.On() {
		return Preview{}, errNothingSold
	}
	var c web.Check
	c.Fault(in.Price == "" || idForm.MatchString(in.Price), "price", "form", "Give the id of a price of a plan.")
	c.Fault(in.Quantity >= 0 && in.Quantity <= maxQuantity, "quantity", "range", "From 1 to 100000.")
	if err := c.Err(); err != nil {
		return Preview{}, err
	}
	var sub subRow
	var target Price
	var i intent
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if sub, target, i, err = s.planChange(tx, org, in); err != nil {
			return err
		}
		if err := insertIntent(tx, &i, previewLife); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actPreviewed, Org: org, Targets: i.targets(), Details: map[string]any{"price": i.wish.Price, "quantity": i.wish.Quantity}})
	})
	if err != nil {
		return Preview{}, err
	}
	var found *stripe.Invoice
	ask := i
	ask.kind = "preview"
	err = s.ask(ctx, &ask, func(ctx context.Context) (err error) {
		found, err = s.client.invoices.Upcoming(&stripe.InvoiceUpcomingParams{Params: reading(ctx), Customer: stripe.String(sub.customer), Subscription: stripe.String(sub.id),
			SubscriptionItems:             []*stripe.SubscriptionItemsParams{{ID: stripe.String(i.wish.Item), Price: stripe.String(i.wish.Price), Quantity: stripe.Int64(i.wish.Quantity)}},
			SubscriptionProrationBehavior: stripe.String(i.wish.Prorate), SubscriptionProrationDate: stripe.Int64(i.wish.Proration)})
		return err
	})
	if err != nil {
		return Preview{}, err
	}
	p := previewOf(found, sub, target, &i)
	i.outcome.Preview = &p
	return p, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return answerIntent(tx, &i) })
}

// planChange looks whether a subscription can become what is asked for.
func (s *System) planChange(tx *store.Tx, org string, in previewInput) (sub subRow, target Price, i intent, err error) {
	if sub, err = theSubscription(tx, org, in.Subscription); err != nil {
		return sub, target, i, err
	}
	items, err := itemsOf(tx, sub.id)
	if err != nil {
		return sub, target, i, err
	}
	item := largest(tx, items)
	if item.id == "" {
		return sub, target, i, &web.Error{Status: http.StatusConflict, Code: "unmapped", Public: "This subscription belongs to no plan here. Whoever runs this has to see to that."}
	}
	if _, err := dunningOf(tx, sub.customer); err == nil {
		return sub, target, i, &web.Error{Status: http.StatusConflict, Code: "overdue", Public: "A payment is overdue. Pay it first: what is not paid for cannot be credited."}
	} else if !isNotFound(err) {
		return sub, target, i, err
	}
	if sub.pendingUntil > 0 {
		return sub, target, i, &web.Error{Status: http.StatusConflict, Code: "change_pending", Public: "Another change waits for its payment to be confirmed. Confirm or let it expire first."}
	}
	price, quantity := in.Price, in.Quantity
	if price == "" {
		price = item.price
	}
	var plan Plan
	if price == item.price { // an old price can be kept, and its quantity changed
		if target, err = priceByID(tx, price); err == nil {
			plan, err = planByKey(tx, target.plan)
		}
	} else {
		target, plan, err = buyable(tx, price)
	}
	if err != nil {
		return sub, target, i, err
	}
	if quantity == 0 {
		if quantity = item.quantity; plan.Key != item.plan { // what was counted there may be another thing here
			used, err := auth.Seats(tx, org)
			if err != nil {
				return sub, target, i, err
			}
			quantity = unitsFor(plan, used)
		}
	}
	if price == item.price && quantity == item.quantity {
		return sub, target, i, web.Invalid(web.Field{Field: "price", Code: "same", Message: "That is what the subscription is already."})
	}
	if target.Currency != sub.currency {
		return sub, target, i, currencyFault(sub.currency, target.Currency)
	}
	if err := seatsFit(tx, org, plan, quantity); err != nil {
		return sub, target, i, err
	}
	after := itemRow{amount: target.Amount, quantity: quantity, interval: target.Interval, count: target.Count}
	w := wish{Price: price, Quantity: quantity, Item: item.id, Proration: s.now(tx).Unix(), Prorate: creditNext}
	if after.monthly() > item.monthly() || target.Interval != item.interval {
		w.Prorate = chargeNow // another interval begins a new period, which is charged
	}
	if sub.status == string(stripe.SubscriptionStatusTrialing) {
		w.Prorate = creditNext // nothing was paid yet
	}
	return sub, target, intent{org: org, kind: "change", state: intentPreviewed, subscription: sub.id, wish: w}, nil
}

// previewOf reads Stripe's reckoning. Lines of the change are told by their proration
// mark, never by their times, which can be seconds apart.
func previewOf(found *stripe.Invoice, sub subRow, target Price, i *intent) Preview {
	p := Preview{ID: i.id, Lines: []PreviewLine{}, Currency: sub.currency, NextAt: at(sub.periodEnd), Expires: i.expires}
	if found.Lines != nil {
		for _, l := range found.Lines.Data {
			p.Lines = append(p.Lines, PreviewLine{What: web.CleanText(l.Description, 200), Amount: l.Amount, Proration: l.Proration})
		}
	}
	if i.wish.Prorate == chargeNow {
		p.DueNow, p.NextDue = found.AmountDue, target.Amount*i.wish.Quantity
		p.NextAt = nextPeriod(at(sub.periodEnd), time.Unix(i.wish.Proration, 0).UTC(), target, sub)
		return p
	}
	p.NextDue = found.AmountDue
	return p
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
