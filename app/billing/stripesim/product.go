package stripesim

import (
	"slices"
	"strconv"
	"strings"
)

func (c *call) newProduct() (object, *Error) {
	if c.f.str("name") == "" {
		return nil, required("name")
	}
	return c.product(c.f, c.f.str("id"))
}

// product makes one, by itself or along with its price. Ids may be chosen here, unlike those
// of prices.
func (c *call) product(f form, id string) (object, *Error) {
	if id != "" && c.objects[id] != nil {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "resource_already_exists", Param: "id", Message: "Product already exists."}
	}
	o := object{"name": f.str("name"), "description": nil, "active": f.or("active", "true") == "true", "type": "service", "default_price": nil, "images": []any{}, "features": []any{},
		"metadata": object{}, "package_dimensions": nil, "shippable": nil, "statement_descriptor": nil, "tax_code": nil, "unit_label": nil, "url": nil, "updated": c.now().Unix(), "attributes": []any{}}
	if d := f.str("description"); d != "" {
		o["description"] = d
	}
	meta := object{}
	for k, v := range f.sub("metadata") {
		meta[k] = v
	}
	o["metadata"] = meta
	if id != "" {
		o["id"] = id
	}
	o = c.make("product", "prod", o)
	c.emit("product.created", o)
	return o, nil
}

// newPrice makes a price per unit. Tiers and use that is metered are not imitated.
func (c *call) newPrice() (object, *Error) {
	amount, bad := c.f.num("unit_amount", -1)
	if bad != nil {
		return nil, bad
	}
	currency := strings.ToLower(c.f.str("currency"))
	switch {
	case len(currency) != 3 || strings.Trim(currency, "abcdefghijklmnopqrstuvwxyz") != "":
		return nil, required("currency")
	case amount < 0:
		return nil, required("unit_amount")
	}
	product := c.f.str("product")
	if data := c.f.sub("product_data"); product == "" && data != nil {
		made, bad := c.product(data, "")
		if bad != nil {
			return nil, bad
		}
		product = made.str("id")
	}
	if _, bad := c.the("product", product, "product"); bad != nil {
		return nil, bad
	}
	recurring, kind, bad := c.recurring()
	if bad != nil {
		return nil, bad
	}
	o := c.make("price", "price", object{"product": product, "currency": currency, "unit_amount": amount, "unit_amount_decimal": strconv.FormatInt(amount, 10), "active": c.f.or("active", "true") == "true",
		"billing_scheme": "per_unit", "custom_unit_amount": nil, "lookup_key": nil, "metadata": object{}, "nickname": c.text("nickname"), "recurring": recurring, "tax_behavior": "unspecified",
		"tiers_mode": nil, "transform_quantity": nil, "type": kind})
	if bad := c.takeKey(o); bad != nil {
		return nil, bad
	}
	c.metadata(o)
	c.emit("price.created", o)
	return o, nil
}

// recurring reads how often a price is due; one without it is paid once, and no subscription
// can have it.
func (c *call) recurring() (any, string, *Error) {
	f := c.f.sub("recurring")
	if f == nil {
		return nil, "one_time", nil
	}
	count, bad := f.num("interval_count", 1)
	if bad != nil {
		return nil, "", bad
	}
	if !slices.Contains([]string{"day", "week", "month", "year"}, f.str("interval")) || count < 1 {
		return nil, "", invalid("recurring[interval]", "Invalid recurring[interval]: must be one of day, month, week, or year")
	}
	return object{"interval": f.str("interval"), "interval_count": count, "usage_type": "licensed", "aggregate_usage": nil, "trial_period_days": nil}, "recurring", nil
}

// takeKey gives a price its lookup key, from another one when that is asked for: prices
// cannot be changed, so a new amount is a new price that takes the key over.
func (c *call) takeKey(o object) *Error {
	key := c.f.str("lookup_key")
	if key == "" {
		return nil
	}
	for _, other := range c.all("price") {
		if other.str("lookup_key") != key || other.str("id") == o.str("id") {
			continue
		}
		if !c.f.yes("transfer_lookup_key") {
			return invalid("lookup_key", "A price already uses that lookup key.")
		}
		c.edit(other.str("id"))["lookup_key"] = nil
	}
	o["lookup_key"] = key
	return nil
}

func (c *call) listPrices() (object, *Error) {
	keys, others := c.f.texts("lookup_keys"), c.matches("active product currency type")
	return c.list("price", func(o object) bool {
		return others(o) && (len(keys) == 0 || slices.Contains(keys, o.str("lookup_key")))
	})
}
