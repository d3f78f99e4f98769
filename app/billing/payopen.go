package billing

import (
	"context"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/queue"
	"seaworthy/store"
)

// PayOpen is the job that pays what is overdue by a method that somebody has just
// given: a new card alone pays nothing until Stripe's next try, if there is one. What
// is left open of a subscription that has ended is no part of that: nobody was told
// that the new card would pay for it.
type PayOpen struct {
	Customer string `json:"customer"`
	Method   string `json:"method"`
}

// Kind implements queue.Args.
func (PayOpen) Kind() string { return "billing.pay_open" }

// Defaults implements Enqueue's defaults.
func (PayOpen) Defaults() []queue.Option { return Look{}.Defaults() }

func (s *System) payOpen(ctx context.Context, job queue.Job[PayOpen]) error {
	a := job.Args
	var owed []invoiceRow
	var subs []subRow
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if owed, err = s.owed(tx, a.Customer); err == nil {
			subs, err = subsOfCustomer(tx, a.Customer)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, sub := range subs { // a subscription's own method comes before the customer's: it is the one that failed
		if sub.state.lives() && sub.state != Active && sub.defaultMethod != "" && sub.defaultMethod != a.Method {
			p := &stripe.SubscriptionParams{Params: keyed(ctx, "method:"+sub.id+":"+a.Method), DefaultPaymentMethod: stripe.String(a.Method)}
			if _, err := s.client.subscriptions.Update(sub.id, p); err != nil && !isRefusal(err) {
				return later(err)
			}
		}
	}
	for _, i := range owed {
		if i.attempts == 0 { // it was sent to be paid by hand
			continue
		}
		// The attempts are part of the key, or a card that was refused once would be
		// refused by Stripe's memory of it, money on it or not.
		_, err := s.client.invoices.Pay(i.id, &stripe.InvoicePayParams{Params: keyed(ctx, "pay:"+i.id+":"+a.Method+":"+itoa(i.attempts)), PaymentMethod: stripe.String(a.Method)})
		if err != nil && !isRefusal(err) {
			return later(err)
		}
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return s.syncSoon(tx, a.Customer, false) })
}
