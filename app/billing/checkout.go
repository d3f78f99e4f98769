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

type checkoutInput struct {
	Price    string `json:"price"`
	Quantity int64  `json:"quantity"`       // 1 if 0; never fewer seats than there are members
	Coupon   string `json:"coupon"`         // id of one, from those who run billing: promotion codes are for everybody
	Code     string `json:"promotion_code"` // that somebody typed; without one Stripe's page asks for it
}

type checkoutOutput struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Expires time.Time `json:"expires_at,omitzero"`
}

// checkoutLife is how long a checkout stays open; Stripe takes half an hour to a day.
const checkoutLife = time.Hour

// maxQuantity bounds how many of a price are bought.
const maxQuantity = 100_000

// checkout is Checkout as the API answers.
func (s *System) checkout(ctx context.Context, org web.Org, in checkoutInput) (checkoutOutput, error) {
	i, err := s.Checkout(ctx, org, in)
	return checkoutOutput{ID: i.id, URL: i.outcome.URL, Expires: i.expires}, err
}

// Checkout opens a session at Stripe in which an org buys a plan. An org has one open:
// whoever asks for the same again gets the same, and another one ends the first.
func (s *System) Checkout(ctx context.Context, org web.Org, in checkoutInput) (i intent, err error) {
	if !s.On() {
		return i, errNothingSold
	}
	// A coupon has none of the conditions that its codes have: who may use it, until
	// when and how often. Whoever could name one by its id would pass by them.
	if in.Coupon != "" && !web.IdentityOf(ctx).Can(permRun) {
		return i, web.Forbidden(permRun)
	}
	var c web.Check
	in.Quantity = max(in.Quantity, 1)
	c.Fault(in.Quantity <= maxQuantity, "quantity", "range", "At most 100000.")
	c.Fault(idForm.MatchString(in.Price), "price", "form", "Give the id of a price of a plan.")
	c.Fault(in.Coupon == "" || idForm.MatchString(in.Coupon), "coupon", "form", "Give the id of a coupon.")
	if err := c.Err(); err != nil {
		return i, err
	}
	code, err := s.promotion(ctx, org.ID, in.Code)
	if err != nil {
		return i, err
	}
	wanted := wish{Price: in.Price, Quantity: in.Quantity, Coupon: in.Coupon, Promotion: code.id}
	var before intent
	var trial int64
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		i, before, trial, err = s.beginCheckout(tx, org.ID, wanted)
		return err
	})
	if err != nil || i.outcome.URL != "" {
		return i, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		customer, err := s.ensureCustomer(ctx, org, i.id)
		if err != nil {
			return err
		}
		if before.remote != "" { // it may be paid already: then Stripe refuses, and there is nothing to open
			p := &stripe.CheckoutSessionExpireParams{Params: keyed(ctx, before.id+":expire")}
			if _, err := s.client.checkouts.Expire(before.remote, p); err != nil && !isRefusal(err) {
				return err
			}
		}
		made, err := s.client.checkouts.New(s.checkoutParams(ctx, &i, org, customer, trial))
		if err == nil {
			i.remote, i.outcome.URL = made.ID, made.URL
		}
		return err
	})
	if err != nil {
		return i, err
	}
	return i, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return answerIntent(tx, &i) })
}

var errNothingSold = &web.Error{Status: http.StatusConflict, Code: "nothing_sold", Public: "Nothing can be bought here: no account at Stripe is configured."}

// beginCheckout looks whether the org can buy this, and stores that it wants to.
func (s *System) beginCheckout(tx *store.Tx, org string, w wish) (i, before intent, trial int64, err error) {
	p, plan, err := buyable(tx, w.Price)
	if err != nil {
		return i, before, 0, err
	}
	if plan.Kind == kindPlan {
		if n, err := plansPaid(tx, org); err != nil || n > 0 {
			return i, before, 0, firstOf(err, errSubscribed)
		}
	}
	customer, err := customerOf(tx, org)
	if err != nil && !isNotFound(err) {
		return i, before, 0, err
	}
	if customer.currency != "" && customer.currency != p.Currency {
		return i, before, 0, currencyFault(customer.currency, p.Currency)
	}
	if err := limitsFit(tx, org, plan, w.Quantity); err != nil {
		return i, before, 0, err
	}
	if trial, err = s.trialFor(tx, org, plan); err != nil {
		return i, before, 0, err
	}
	before, err = openCheckout(tx, org)
	switch {
	case err == nil && before.wish == w && before.expires.After(tx.Now()):
		return before, intent{}, trial, nil // the same again, also where the answer was lost
	case err == nil:
		if err := endIntent(tx, before.id, intentExpired, "another was opened"); err != nil {
			return i, before, 0, err
		}
	case !isNotFound(err):
		return i, before, 0, err
	}
	i = intent{org: org, kind: "checkout", state: intentOpen, wish: w}
	if err := insertIntent(tx, &i, checkoutLife); err != nil {
		return i, before, 0, err
	}
	return i, before, trial, s.Audit.Record(tx, audit.Event{Action: actCheckout, Org: org, Targets: i.targets(), Details: map[string]any{"plan": plan.Key, "price": p.ID, "quantity": w.Quantity}})
}

var errSubscribed = &web.Error{Status: http.StatusConflict, Code: "already_subscribed", Public: "There is a subscription already. Change it instead of buying another."}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func currencyFault(has, wants string) error {
	return &web.Error{Status: http.StatusConflict, Code: "currency_mismatch",
		Public: "This organization pays in " + upper(has) + ", and this price is in " + upper(wants) + ". Stripe bills a customer in one currency."}
}

// buyable is a price that can be bought now, and its plan.
func buyable(tx *store.Tx, id string) (p Price, plan Plan, err error) {
	p, err = priceByID(tx, id)
	if err == nil {
		plan, err = planByKey(tx, p.plan)
	}
	if isNotFound(err) || err == nil && (!p.usable() || plan.Archived) {
		return p, plan, web.Invalid(web.Field{Field: "price", Code: "not_offered", Message: "This price is not offered."})
	}
	return p, plan, err
}

// seatsFit refuses a plan with fewer seats than there are members.
func seatsFit(tx *store.Tx, org string, plan Plan, quantity int64) error {
	l, limited := plan.Limits[limitSeats]
	if !limited || l.Unlimited || plan.Kind == kindAddon {
		return nil
	}
	seats := l.Value
	if l.PerUnit {
		seats *= quantity
	}
	used, err := auth.Seats(tx, org)
	if err != nil || used <= seats {
		return err
	}
	return &web.Error{Status: http.StatusConflict, Code: "seats_used",
		Public: "There are " + itoa(used) + " members, " + itoa(used-seats) + " more than the " + itoa(seats) + " seats this would give. Remove some first, or take more seats."}
}

// trialFor is how many days of trial an org gets: those of the plan, once.
func (s *System) trialFor(tx *store.Tx, org string, plan Plan) (int64, error) {
	if plan.Trial == 0 || plan.Kind != kindPlan {
		return 0, nil
	}
	var had string
	err := tx.QueryRow(`SELECT id FROM billing_subscription WHERE org_id = ? AND state <> 'none' LIMIT 1`, org).Scan(&had)
	if isNotFound(err) {
		return plan.Trial, nil
	}
	return 0, err
}

// ensureCustomer is the org's customer at Stripe, made and linked if there is none.
// Checkout never makes one: it would belong to nobody if its event were lost.
func (s *System) ensureCustomer(ctx context.Context, org web.Org, intent string) (string, error) {
	c, err := store.Read(ctx, s.DB, func(tx *store.Tx) (customerRow, error) { return customerOf(tx, org.ID) })
	if err == nil || !isNotFound(err) {
		return c.id, err
	}
	people, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]auth.Contact, error) { return auth.Holders(tx, org.ID, permManage) })
	if err != nil {
		return "", err
	}
	p := &stripe.CustomerParams{Params: keyed(ctx, intent+":customer"), Name: stripe.String(org.Name)}
	if len(people) > 0 {
		p.Email = stripe.String(people[0].Email)
	}
	p.AddMetadata(orgKey, org.ID)
	made, err := s.client.customers.New(p)
	if err != nil {
		return "", err
	}
	err = s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if c, err = customerOf(tx, org.ID); err == nil || !isNotFound(err) {
			return err // another request was first
		}
		c.id = made.ID
		return s.link(tx, made.ID, org.ID)
	})
	return c.id, err
}

// checkoutParams are what the session is made with. The same intent makes the same
// ones, or Stripe would refuse the repeat of a call whose answer was lost.
func (s *System) checkoutParams(ctx context.Context, i *intent, org web.Org, customer string, trial int64) *stripe.CheckoutSessionParams {
	p := &stripe.CheckoutSessionParams{Params: keyed(ctx, i.id), Mode: stripe.String("subscription"), Customer: stripe.String(customer), ClientReferenceID: stripe.String(org.ID),
		LineItems:  []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(i.wish.Price), Quantity: stripe.Int64(i.wish.Quantity)}},
		SuccessURL: stripe.String(s.URL + "/-/billing/back?intent=" + i.id + "&org=" + org.Slug), CancelURL: stripe.String(s.URL + "/-/billing?org=" + org.Slug),
		ExpiresAt:        stripe.Int64(i.made.Add(s.ahead()).Add(checkoutLife).Unix()),
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{Metadata: map[string]string{orgKey: org.ID}}}
	if i.wish.Promotion != "" {
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{PromotionCode: stripe.String(i.wish.Promotion)}}
	} else if i.wish.Coupon != "" {
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{Coupon: stripe.String(i.wish.Coupon)}}
	} else {
		p.AllowPromotionCodes = stripe.Bool(true)
	}
	if trial > 0 {
		p.SubscriptionData.TrialPeriodDays = stripe.Int64(trial)
		p.SubscriptionData.TrialSettings = &stripe.CheckoutSessionSubscriptionDataTrialSettingsParams{
			EndBehavior: &stripe.CheckoutSessionSubscriptionDataTrialSettingsEndBehaviorParams{MissingPaymentMethod: stripe.String("pause")}}
	}
	return p
}
