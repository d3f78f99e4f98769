package stripesim

import (
	"slices"
	"strconv"
	"strings"
)

// newCoupon makes what is taken off a price: a share or an amount, once, for some months or
// for good. It is not for customers to name; codes are (newPromotion).
func (c *call) newCoupon() (object, *Error) {
	percent, err := strconv.ParseFloat(c.f.or("percent_off", "0"), 64)
	amount, bad := c.f.num("amount_off", 0)
	months, worse := c.f.num("duration_in_months", 0)
	duration := c.f.or("duration", "once")
	switch {
	case bad != nil || worse != nil || err != nil || percent < 0 || percent > 100 || amount < 0 || (percent > 0) == (amount > 0):
		return nil, invalid("percent_off", "You must pass either percent_off (up to 100) or amount_off.")
	case !slices.Contains([]string{"once", "forever", "repeating"}, duration) || duration == "repeating" && months < 1:
		return nil, invalid("duration", "duration must be once, forever, or repeating with duration_in_months.")
	case amount > 0 && c.f.str("currency") == "":
		return nil, required("currency")
	}
	o := object{"name": c.text("name"), "percent_off": nil, "amount_off": nil, "currency": c.text("currency"), "duration": duration, "duration_in_months": nil,
		"max_redemptions": nil, "redeem_by": nil, "times_redeemed": int64(0), "valid": true, "metadata": object{}}
	if percent > 0 {
		o["percent_off"] = percent
	} else {
		o["amount_off"] = amount
	}
	if months > 0 {
		o["duration_in_months"] = months
	}
	if id := c.f.str("id"); id != "" {
		if c.objects[id] != nil {
			return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "resource_already_exists", Param: "id", Message: "Coupon already exists."}
		}
		o["id"] = id
	}
	o = c.make("coupon", "co", o)
	c.metadata(o)
	c.emit("coupon.created", o)
	return o, nil
}

// newPromotion makes a code that customers type, of a coupon.
func (c *call) newPromotion() (object, *Error) {
	coupon, bad := c.the("coupon", c.f.str("coupon"), "coupon")
	if bad != nil {
		return nil, bad
	}
	o := c.make("promotion_code", "promo", object{"coupon": coupon["id"], "code": c.f.str("code"), "active": true, "customer": c.text("customer"), "expires_at": nil, "max_redemptions": nil,
		"metadata": object{}, "restrictions": object{"first_time_transaction": false, "minimum_amount": nil, "minimum_amount_currency": nil}, "times_redeemed": int64(0)})
	if o.str("code") == "" {
		o["code"] = strings.ToUpper(o.str("id")[6:14])
	}
	o["coupon"] = visible(coupon)
	c.metadata(o)
	c.emit("promotion_code.created", o)
	return o, nil
}

// discount is what coupon or promotion_code of the request give; nil when neither is. It
// has a copy of the coupon, because that can be deleted while its discounts go on.
func (c *call) discount(customer, subscription string) (any, *Error) {
	id, code := c.f.str("coupon"), any(nil)
	if p := c.f.str("promotion_code"); p != "" {
		promo, bad := c.the("promotion_code", p, "promotion_code")
		if bad != nil {
			return nil, bad
		}
		id, code = promo.sub("coupon").str("id"), p
	}
	if id == "" {
		return nil, nil
	}
	coupon, bad := c.the("coupon", id, "coupon")
	if bad != nil {
		return nil, bad
	}
	used := c.edit(id)
	used["times_redeemed"] = used.num("times_redeemed") + 1
	now := c.now()
	d := object{"id": c.newID("di"), "object": "discount", "coupon": visible(coupon), "customer": customer, "subscription": nil, "promotion_code": code, "start": now.Unix(), "end": nil,
		"checkout_session": nil, "invoice": nil, "invoice_item": nil}
	if subscription != "" {
		d["subscription"] = subscription
	}
	if months := coupon.num("duration_in_months"); months > 0 {
		d["end"] = addMonths(now, int(months), now.Day()).Unix()
	}
	return d, nil
}

// dropDiscount takes the discount of a subscription away.
func (c *call) dropDiscount() (object, *Error) {
	sub, bad := c.own("subscription")
	if bad != nil {
		return nil, bad
	}
	d := sub.sub("discount")
	if len(d) == 0 {
		return nil, missing("discount", c.id, "id")
	}
	sub["discount"] = nil
	c.emit("customer.discount.deleted", d)
	c.changed(sub)
	return object{"id": d["id"], "object": "discount", "deleted": true, "coupon": d["coupon"], "customer": d["customer"], "subscription": d["subscription"], "start": d["start"], "end": d["end"],
		"promotion_code": d["promotion_code"], "checkout_session": nil, "invoice": nil, "invoice_item": nil}, nil
}

// off is how much a discount takes from an amount; nothing of one that is below zero, and
// nothing once its time is over.
func off(discount object, amount, at int64) int64 {
	coupon := discount.sub("coupon")
	if end := discount.num("end"); amount <= 0 || end > 0 && at >= end {
		return 0
	}
	if n := coupon.num("amount_off"); n > 0 {
		return min(n, amount)
	}
	percent, _ := coupon["percent_off"].(float64)
	// Hundredths of a percent, so that no amount is ever a fraction.
	return round(amount*int64(percent*100+0.5), 10000)
}

// round divides to the nearest; halves go away from zero.
func round(n, by int64) int64 {
	if n < 0 {
		return -round(-n, by)
	}
	return (2*n + by) / (2 * by)
}
