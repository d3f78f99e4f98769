package billing

import (
	"context"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/store"
)

// readDiscount takes what is taken off the price of a subscription.
func (row *subRow) readDiscount(d *stripe.Discount) {
	if d == nil || d.Coupon == nil {
		return
	}
	row.coupon, row.couponWords, row.couponUntil = d.Coupon.ID, couponWords(d.Coupon, d.End > 0), secs(d.End)
}

// couponWords is what a coupon takes off: "20 % off", "5.00 EUR off one invoice". One
// that is dated has its end said beside it.
func couponWords(c *stripe.Coupon, dated bool) string {
	words := Money(c.AmountOff, string(c.Currency)) + " off"
	if c.AmountOff == 0 {
		words = strconv.FormatFloat(c.PercentOff, 'f', -1, 64) + " % off"
	}
	switch c.Duration {
	case stripe.CouponDurationOnce:
		words += " one invoice"
	case stripe.CouponDurationRepeating:
		if !dated {
			words += " for " + itoa(c.DurationInMonths) + " months"
		}
	}
	if c.Name != "" {
		words = web.CleanText(c.Name, 60) + ": " + words
	}
	return words
}

// discountWords is the discount of a subscription, with its end.
func (row *subRow) discountWords() string {
	if row.couponWords == "" || row.couponUntil == 0 {
		return row.couponWords
	}
	return row.couponWords + ", until " + day(at(row.couponUntil))
}

// promotion is a code that people type, with the coupon that it stands for.
type promotion struct{ id, coupon, words string }

var errPromotion = web.Invalid(web.Field{Field: "promotion_code", Code: "unknown", Message: "This code is not known, or is not good any more."})

// promotion looks a code up at Stripe, for an org: "" is none. Which codes there are is
// not told: one that is over and one that never was are the same.
func (s *System) promotion(ctx context.Context, org, code string) (found promotion, err error) {
	code = strings.TrimSpace(code)
	if code == "" || !s.On() {
		return found, nil
	}
	if !idForm.MatchString(code) {
		return found, errPromotion
	}
	c, err := store.Read(ctx, s.DB, func(tx *store.Tx) (customerRow, error) { return customerOf(tx, org) })
	if err != nil && !isNotFound(err) {
		return found, err
	}
	within, cancel := context.WithTimeout(ctx, inRequest)
	defer cancel()
	p := &stripe.PromotionCodeListParams{Code: stripe.String(code), Active: stripe.Bool(true)}
	p.Context, p.Limit, p.Single = within, stripe.Int64(10), true
	list := s.client.promotions.List(p)
	for list.Next() {
		o := list.PromotionCode()
		// A code may be for one customer alone.
		if o.Coupon == nil || !o.Coupon.Valid || o.Customer != nil && o.Customer.ID != c.id {
			continue
		}
		return promotion{id: o.ID, coupon: o.Coupon.ID, words: couponWords(o.Coupon, false)}, nil
	}
	if list.Err() != nil {
		return found, outage(list.Err())
	}
	return found, errPromotion
}
