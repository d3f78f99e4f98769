package billing

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// customerActs are what those who run billing do about one customer, by the API.
func (s *System) customerActs() []web.Route {
	post := func(path, summary string, h web.Handler, in any, actions ...audit.Action) web.Route {
		r := web.Route{Method: "POST", Pattern: "/-/api/v1/billing/" + path, Access: web.Permission(permRun), Handler: h, Doc: web.Doc{Summary: summary, In: in, Out: actOutput{}}}
		for _, a := range append(actions, actRefused) {
			r.Audit = append(r.Audit, string(a))
		}
		return r
	}
	const one = "customers/{id}/"
	money := []web.Route{
		post("invoices/{id}/refund", "Pay an invoice back, whole or in part", s.refundAPI, refundInput{}, actRefundAsked),
		post(one+"credit", "Give a customer credit, which his next invoices use up", s.creditAPI, creditInput{}, actCredited),
	}
	for i := range money {
		money[i].Fresh = true
	}
	return append(money,
		web.Route{Method: "POST", Pattern: "/-/api/v1/billing/customers/{id}/let-go", Access: web.Permission(permRun), Fresh: true, Handler: s.letGoAPI, Audit: letGoAudit,
			Doc: web.Doc{Summary: "Take a customer of whom Stripe knows nothing for deleted, which ends the plan", In: letGoInput{}, Status: 204}},
		post(one+"pause", "Pause a customer's subscription, in any of Stripe's ways", forCustomer(s, s.Pause), pauseInput{}, actAsked),
		post(one+"resume", "Have a customer's subscription go on", forCustomer(s, func(ctx context.Context, org string, in resumeInput) (actOutput, error) {
			return s.ResumeSubscription(ctx, org, in.Subscription)
		}), resumeInput{}, actAsked),
		post(one+"trial", "Have a customer's trial end later", forCustomer(s, s.extendTrial), trialInput{}, actAsked),
		post(one+"coupon", "Put a coupon on a customer's subscription", forCustomer(s, s.ApplyCoupon), couponInput{}, actCouponSet),
		post(one+"coupon/remove", "Take the coupon off a customer's subscription", forCustomer(s, func(ctx context.Context, org string, in resumeInput) (actOutput, error) {
			return s.RemoveCoupon(ctx, org, in.Subscription)
		}), resumeInput{}, actCouponGone),
	)
}

// customerIn is the customer that the address names, who must live.
func (s *System) customerIn(r *http.Request) (c customerRow, err error) {
	c, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) (customerRow, error) { return customerByID(tx, r.PathValue("id")) })
	if err == nil && !c.deleted.IsZero() {
		err = &web.Error{Status: http.StatusConflict, Code: "customer_deleted", Public: "This customer was deleted at Stripe."}
	}
	return c, err
}

// forCustomer serves an act about the subscription of the customer in the address.
func forCustomer[In any](s *System, act func(ctx context.Context, org string, in In) (actOutput, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[In](r)
		if err != nil {
			return err
		}
		c, err := s.customerIn(r)
		if err != nil {
			return err
		}
		out, err := act(r.Context(), c.org, in)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, out)
	}
}

type trialInput struct {
	Subscription string `json:"subscription"`
	Until        string `json:"until"` // a date, as 2027-03-01
}

func (s *System) extendTrial(ctx context.Context, org string, in trialInput) (actOutput, error) {
	until, err := time.Parse(time.DateOnly, in.Until)
	if err != nil {
		return actOutput{}, web.Invalid(web.Field{Field: "until", Code: "form", Message: "Give a date as 2027-03-01."})
	}
	return s.ExtendTrial(ctx, org, in.Subscription, until)
}

type couponInput struct {
	Subscription string `json:"subscription"`
	Code         string `json:"code"` // id of a coupon, or a promotion code
}

// ApplyCoupon takes something off the price of a subscription, in place of what was
// taken off before.
func (s *System) ApplyCoupon(ctx context.Context, org string, in couponInput) (out actOutput, err error) {
	found, err := s.couponOrCode(ctx, org, in.Code)
	if err != nil {
		return out, err
	}
	i, err := s.beginActAs(ctx, actCouponSet, org, in.Subscription, "coupon", func(sub subRow) (wish, error) {
		if sub.nextPrice != "" {
			return wish{}, &web.Error{Status: http.StatusConflict, Code: "change_scheduled", Public: "A change is arranged for the next period. Take it back first: it would take the coupon away."}
		}
		return wish{Coupon: found.coupon, Promotion: found.id}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id), Coupon: stripe.String(i.wish.Coupon)}
		if i.wish.Promotion != "" {
			p.Coupon, p.PromotionCode = nil, stripe.String(i.wish.Promotion)
		}
		_, err := s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// RemoveCoupon has a subscription cost its whole price again, from the next invoice on.
func (s *System) RemoveCoupon(ctx context.Context, org, id string) (out actOutput, err error) {
	i, err := s.beginActAs(ctx, actCouponGone, org, id, "uncoupon", func(sub subRow) (wish, error) {
		if sub.coupon == "" {
			return wish{}, &web.Error{Status: http.StatusConflict, Code: "no_coupon", Public: "Nothing is taken off this subscription."}
		}
		return wish{Coupon: sub.coupon}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		_, err := s.client.subscriptions.DeleteDiscount(i.subscription, &stripe.SubscriptionDeleteDiscountParams{Params: keyed(ctx, i.id)})
		if isMissing(err) {
			return nil // it went by itself meanwhile
		}
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// couponOrCode finds what somebody who runs billing typed: a coupon by its id, else a
// promotion code.
func (s *System) couponOrCode(ctx context.Context, org, code string) (promotion, error) {
	if !s.On() {
		return promotion{}, errNothingSold
	}
	unknown := web.Invalid(web.Field{Field: "code", Code: "unknown", Message: "Stripe has no such coupon or promotion code, or it is over."})
	if !idForm.MatchString(code) {
		return promotion{}, unknown
	}
	within, cancel := context.WithTimeout(ctx, inRequest)
	defer cancel()
	c, err := s.client.coupons.Get(code, &stripe.CouponParams{Params: reading(within)})
	switch {
	case err == nil && c.Valid:
		return promotion{coupon: c.ID, words: couponWords(c, false)}, nil
	case err != nil && !isMissing(err):
		return promotion{}, outage(err)
	}
	found, err := s.promotion(ctx, org, code)
	if e := web.AsError(err); err != nil && e.Status == http.StatusUnprocessableEntity {
		return found, unknown
	}
	return found, err
}
