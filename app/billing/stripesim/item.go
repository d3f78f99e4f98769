package stripesim

import (
	"slices"
	"strconv"
)

// setItems adds, changes and deletes the items that were sent. Those that were not sent
// stay; one without an id is a new one, which is how people come to pay for two plans
// at once. All have one currency and one interval, and a customer has one currency for
// good from the first of them on.
func (c *call) setItems(sub object) *Error {
	items := sub.rows("items")
	for n, f := range c.f.forms("items") {
		at := slices.IndexFunc(items, func(o object) bool { return o.str("id") == f.str("id") })
		param := "items[" + strconv.Itoa(n) + "]"
		if f.has("id") && at < 0 {
			return missing("subscription_item", f.str("id"), param+"[id]")
		}
		if f.yes("deleted") && at >= 0 {
			items = slices.Delete(items, at, at+1)
			continue
		}
		if at < 0 {
			items = append(items, c.blankItem(sub))
			at = len(items) - 1
		}
		if bad := c.fillItem(items[at], f, param); bad != nil {
			return bad
		}
	}
	if len(items) == 0 {
		return required("items")
	}
	first := items[0].sub("price")
	for _, item := range items {
		p := item.sub("price")
		if p.str("currency") != first.str("currency") || p.sub("recurring").str("interval") != first.sub("recurring").str("interval") || p.sub("recurring").num("interval_count") != first.sub("recurring").num("interval_count") {
			return invalid("items", "All prices of a subscription must have the same currency and interval.")
		}
	}
	if cur := c.objects[sub.str("customer")].str("currency"); cur != "" && cur != first.str("currency") {
		return invalid("", "You cannot combine currencies on a single customer. This customer has had a subscription in "+cur+".")
	}
	customer := c.edit(sub.str("customer"))
	customer["currency"], sub["currency"] = first["currency"], first["currency"]
	sub["items"] = listOf("/v1/subscription_items?subscription="+sub.str("id"), items)
	return nil
}

// blankItem is an item of which nothing is said yet.
func (s *Sim) blankItem(sub object) object {
	return object{"id": s.newID("si"), "object": "subscription_item", "billing_thresholds": nil, "created": s.now().Unix(), "metadata": object{}, "subscription": sub["id"], "tax_rates": []any{}, "quantity": int64(1)}
}

// fillItem takes what was sent of an item. A price that is archived can be kept but not
// taken anew.
func (c *call) fillItem(item object, f form, param string) *Error {
	if id := f.str("price"); id != "" {
		price, bad := c.the("price", id, param+"[price]")
		if bad != nil {
			return bad
		}
		if price["recurring"] == nil {
			return invalid(param+"[price]", "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.")
		}
		if !price.yes("active") && item.sub("price").str("id") != id {
			return invalid(param+"[price]", "The price specified is inactive. This field only accepts active prices.")
		}
		item["price"], item["plan"] = visible(price), planOf(price)
	}
	if item["price"] == nil {
		return required(param + "[price]")
	}
	quantity, bad := f.num("quantity", item.num("quantity"))
	if bad != nil || quantity < 0 {
		return invalid(param+"[quantity]", "Invalid quantity.")
	}
	item["quantity"] = quantity
	return nil
}

// planOf is a price in its older form, which this version still shows.
func planOf(p object) object {
	r := p.sub("recurring")
	return object{"id": p["id"], "object": "plan", "active": p["active"], "aggregate_usage": nil, "amount": p["unit_amount"], "amount_decimal": p["unit_amount_decimal"], "billing_scheme": "per_unit", "created": p["created"],
		"currency": p["currency"], "interval": r["interval"], "interval_count": r["interval_count"], "livemode": false, "metadata": object{}, "nickname": p["nickname"], "product": p["product"], "tiers_mode": nil,
		"transform_usage": nil, "trial_period_days": nil, "usage_type": "licensed"}
}
