package billing

import (
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// planned is a change that a subscription can make, and what it makes of it.
type planned struct {
	sub      subRow
	item     itemRow // that changes
	target   Price
	from, to Plan
	intent   intent
}

// planChange looks whether a subscription can become what is asked for.
func (s *System) planChange(tx *store.Tx, org string, in previewInput) (p planned, err error) {
	if p.sub, err = theSubscription(tx, org, in.Subscription); err != nil {
		return p, err
	}
	items, err := itemsOf(tx, p.sub.id)
	if err != nil {
		return p, err
	}
	if p.item, err = largest(tx, items); err != nil {
		return p, err
	}
	if p.item.id == "" {
		return p, &web.Error{Status: http.StatusConflict, Code: "unmapped", Public: "This subscription belongs to no plan here. Whoever runs this has to see to that."}
	}
	if err := changeable(tx, p.sub); err != nil {
		return p, err
	}
	quantity, err := p.aim(tx, org, in)
	if err != nil {
		return p, err
	}
	if p.target.Currency != p.sub.currency {
		return p, currencyFault(p.sub.currency, p.target.Currency)
	}
	if err := limitsFit(tx, org, p.to, quantity); err != nil {
		return p, err
	}
	after := itemRow{amount: p.target.Amount, quantity: quantity, interval: p.target.Interval, count: p.target.Count}
	w := wish{Price: p.target.ID, Quantity: quantity, Item: p.item.id, Proration: s.now(tx).Unix(), Schedule: p.sub.schedule}
	trial := p.sub.status == string(stripe.SubscriptionStatusTrialing)
	if w.At, w.Prorate, err = whenOf(tx, in.When, smaller(p.from, p.to, p.item, after), trial); err != nil {
		return p, err
	}
	if w.At == whenLater && (p.sub.cancelAtEnd || p.sub.cancelAt > 0) {
		return p, &web.Error{Status: http.StatusConflict, Code: "ends_already", Public: "This subscription ends with its period, so that nothing comes after. Keep it first, then change it."}
	}
	if w.At == whenLater && p.sub.nextPrice == w.Price && p.sub.nextQuantity == quantity {
		return p, web.Invalid(web.Field{Field: "price", Code: "same", Message: "That is what it becomes with the next period already."})
	}
	p.intent = intent{org: org, kind: "change", state: intentPreviewed, subscription: p.sub.id, wish: w}
	return p, nil
}

// changeable refuses to change what money is open for.
func changeable(tx *store.Tx, sub subRow) error {
	if _, err := dunningOf(tx, sub.customer); err == nil {
		return &web.Error{Status: http.StatusConflict, Code: "overdue", Public: "A payment is overdue. Pay it first: what is not paid for cannot be credited."}
	} else if !isNotFound(err) {
		return err
	}
	switch {
	case sub.pendingUntil > 0:
		return &web.Error{Status: http.StatusConflict, Code: "change_pending", Public: "Another change waits for its payment to be confirmed. Confirm or let it expire first."}
	case sub.pause != "" || sub.status == string(stripe.SubscriptionStatusPaused):
		return &web.Error{Status: http.StatusConflict, Code: "paused", Public: "This subscription is paused. Go on with it first, then change it."}
	}
	return nil
}

// aim finds the price and plan that are asked for, and how many of it.
func (p *planned) aim(tx *store.Tx, org string, in previewInput) (quantity int64, err error) {
	price, quantity := in.Price, in.Quantity
	if price == "" {
		price = p.item.price
	}
	if p.from, err = planByKey(tx, p.item.plan); err != nil {
		return 0, err
	}
	if price == p.item.price { // an old price can be kept, and its quantity changed
		if p.target, err = priceByID(tx, price); err == nil {
			p.to, err = planByKey(tx, p.target.plan)
		}
	} else {
		p.target, p.to, err = buyable(tx, price)
	}
	if err != nil {
		return 0, err
	}
	if quantity == 0 {
		if quantity = p.item.quantity; p.to.Key != p.item.plan { // what was counted there may be another thing here
			used, err := auth.Seats(tx, org)
			if err != nil {
				return 0, err
			}
			quantity = unitsFor(p.to, used)
		}
	}
	if price == p.item.price && quantity == p.item.quantity {
		return 0, web.Invalid(web.Field{Field: "price", Code: "same", Message: "That is what the subscription is already."})
	}
	return quantity, nil
}

// preview reads Stripe's reckoning. Lines of the change are told by their proration
// mark, never by their times, which can be seconds apart.
func (p *planned) preview(found *stripe.Invoice, i *intent) Preview {
	w := i.wish
	out := Preview{ID: i.id, Lines: []PreviewLine{}, Currency: p.sub.currency, NextAt: at(p.sub.periodEnd), Expires: i.expires, When: w.At, At: time.Unix(w.Proration, 0).UTC(),
		From: p.from.Key, To: p.to.Key, Quantity: w.Quantity, Discount: p.sub.discountWords()}
	out.Loses, out.Gains = compare(p.from, p.to, p.item.quantity, w.Quantity)
	if found.Lines != nil {
		for _, l := range found.Lines.Data {
			out.Lines = append(out.Lines, PreviewLine{What: web.CleanText(l.Description, 200), Amount: l.Amount, Proration: l.Proration})
		}
	}
	switch w.Prorate {
	case chargeNow:
		out.DueNow, out.NextDue = found.AmountDue, p.target.Amount*w.Quantity
		out.NextAt = nextPeriod(at(p.sub.periodEnd), out.At, p.target, p.sub)
	case noSettling:
		out.At, out.NextDue = at(p.sub.periodEnd), found.AmountDue
	default:
		out.NextDue = found.AmountDue
	}
	return out
}
