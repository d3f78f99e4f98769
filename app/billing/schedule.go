package billing

import (
	"context"
	"slices"
	"strconv"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/store"
)

// readSchedule takes what a subscription becomes with its next phase. A schedule may
// have been made in Stripe's dashboard as well as here.
func (row *subRow) readSchedule(o *stripe.SubscriptionSchedule, has []itemRow) {
	if o == nil || o.Status != "" && o.Status != stripe.SubscriptionScheduleStatusActive && o.Status != stripe.SubscriptionScheduleStatusNotStarted {
		return
	}
	row.schedule = o.ID
	var now int64
	if o.CurrentPhase != nil {
		now = o.CurrentPhase.StartDate
	}
	for _, phase := range o.Phases {
		if phase.StartDate <= now || len(phase.Items) == 0 {
			continue
		}
		row.nextAt = secs(phase.StartDate)
		row.nextPrice, row.nextQuantity = nextItem(phase.Items, has)
		return
	}
}

// nextItem is what a phase changes: the first of its items that the subscription does not
// have as it is, for an addon beside it stays. One that changes nothing is told of by
// its first item.
func nextItem(phase []*stripe.SubscriptionSchedulePhaseItem, has []itemRow) (price string, quantity int64) {
	for _, item := range phase {
		if item.Price == nil {
			continue
		}
		n := max(1, item.Quantity)
		if !slices.ContainsFunc(has, func(h itemRow) bool { return h.price == item.Price.ID && h.quantity == n }) {
			return item.Price.ID, n
		}
		if price == "" {
			price, quantity = item.Price.ID, n
		}
	}
	return price, quantity
}

// schedule has a subscription change with its next period: Stripe takes it under a
// schedule whose second phase has the new item, and lets go of it after (Stripe docs,
// "Subscription schedules"). Nothing is prorated, because nothing is left over.
func (s *System) schedule(ctx context.Context, i *intent, items []itemRow) error {
	if err := s.release(ctx, i); err != nil {
		return err
	}
	o, err := s.client.schedules.New(&stripe.SubscriptionScheduleParams{Params: keyed(ctx, i.id+":schedule"), FromSubscription: stripe.String(i.subscription)})
	if err != nil {
		return err
	}
	if o.CurrentPhase == nil || len(o.Phases) == 0 {
		return &stripe.Error{HTTPStatusCode: 400, Code: "schedule_empty", Type: stripe.ErrorTypeInvalidRequest}
	}
	now, then := phaseLike(o.Phases[0]), phaseLike(o.Phases[0])
	now.StartDate, now.EndDate = stripe.Int64(o.CurrentPhase.StartDate), stripe.Int64(o.CurrentPhase.EndDate)
	then.Iterations, then.ProrationBehavior = stripe.Int64(1), stripe.String("none")
	for _, item := range items {
		was := &stripe.SubscriptionSchedulePhaseItemParams{Price: stripe.String(item.price), Quantity: stripe.Int64(item.quantity)}
		now.Items = append(now.Items, was)
		if item.id == i.wish.Item {
			was = &stripe.SubscriptionSchedulePhaseItemParams{Price: stripe.String(i.wish.Price), Quantity: stripe.Int64(i.wish.Quantity)}
		}
		then.Items = append(then.Items, was)
	}
	_, err = s.client.schedules.Update(o.ID, &stripe.SubscriptionScheduleParams{Params: keyed(ctx, i.id+":phases"), EndBehavior: stripe.String("release"),
		ProrationBehavior: stripe.String("none"), Phases: []*stripe.SubscriptionSchedulePhaseParams{now, then}})
	return err
}

// phaseLike carries over what a phase has besides its items: what is left out of a
// phase is taken away from the subscription.
func phaseLike(o *stripe.SubscriptionSchedulePhase) *stripe.SubscriptionSchedulePhaseParams {
	p := &stripe.SubscriptionSchedulePhaseParams{}
	if o.Coupon != nil {
		p.Coupon = stripe.String(o.Coupon.ID)
	}
	if o.DefaultPaymentMethod != nil {
		p.DefaultPaymentMethod = stripe.String(o.DefaultPaymentMethod.ID)
	}
	if o.AutomaticTax != nil && o.AutomaticTax.Enabled {
		p.AutomaticTax = &stripe.SubscriptionSchedulePhaseAutomaticTaxParams{Enabled: stripe.Bool(true)}
	}
	for _, t := range o.DefaultTaxRates {
		p.DefaultTaxRates = append(p.DefaultTaxRates, stripe.String(t.ID))
	}
	return p
}

// release takes a subscription out of its schedule, so that it goes on as it is. One
// that was released already, in the dashboard or by a call whose answer was lost, is
// as it should be; if Stripe refuses for another reason, it refuses what follows too.
func (s *System) release(ctx context.Context, i *intent) error {
	if i.wish.Schedule == "" {
		return nil
	}
	_, err := s.client.schedules.Release(i.wish.Schedule, &stripe.SubscriptionScheduleReleaseParams{Params: keyed(ctx, i.id+":release")})
	if err != nil && !isRefusal(err) && !isMissing(err) {
		return err
	}
	return nil
}

var errNothingScheduled = &web.Error{Status: 409, Code: "nothing_scheduled", Public: "No change is waiting: the subscription stays as it is."}

// WithdrawChange takes back a change that was to come with the next period.
func (s *System) WithdrawChange(ctx context.Context, org, id string) (out actOutput, err error) {
	i, err := s.beginAct(ctx, org, id, "withdraw", func(sub subRow) (wish, error) {
		if sub.schedule == "" || sub.nextPrice == "" {
			return wish{}, errNothingScheduled
		}
		return wish{At: sub.nextPrice}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error { return s.release(ctx, &i) })
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// tellChange mails that a change was arranged for later, or that one came about.
func (s *System) tellChange(tx *store.Tx, was, now subRow, has []itemRow) error {
	n := notice{customer: now.customer, org: now.org, object: now.id}
	if now.nextPrice != "" && (now.nextPrice != was.nextPrice || now.nextQuantity != was.nextQuantity || now.nextAt != was.nextAt) {
		n.key, n.template = "scheduled:"+now.id+":"+now.schedule+":"+now.nextPrice+":"+strconv.FormatInt(now.nextQuantity, 10), "billing/change_scheduled"
		n.details = details{At: now.nextAt, Number: now.nextPrice}
		return s.notify(tx, n)
	}
	// Whose clock is ahead does not matter: that period has begun.
	came := was.nextPrice != "" && now.nextPrice != was.nextPrice && was.came(has) && was.nextAt <= max(now.periodStart, s.now(tx).UnixMilli())
	if !came || !s.isFresh(tx, was.nextAt) {
		return nil
	}
	n.key, n.template, n.details = "changed:"+now.id+":"+was.schedule+":"+was.nextPrice, "billing/change_applied", details{At: was.nextAt, Number: was.nextPrice}
	if over, err := overLimits(tx, now.org, now.plan, has); err != nil || over != "" {
		n.details.Note = over
		return firstOf(err, s.notify(tx, n))
	}
	return s.notify(tx, n)
}

// came reports whether what was to come did: an item has its price.
func (row *subRow) came(has []itemRow) bool {
	for _, item := range has {
		if item.price == row.nextPrice && item.quantity == row.nextQuantity {
			return true
		}
	}
	return false
}
