package stripesim

import "strings"

// endpoints is the whole API.
func (s *Sim) endpoints() []endpoint {
	const page = "limit starting_after ending_before created "
	get := func(path, kind string) endpoint {
		return endpoint{"GET /v1/" + path + "/{id}", "", func(c *call) (object, *Error) { return c.the(kind, c.id, "id") }}
	}
	list := func(path, kind, filters string) endpoint {
		return endpoint{"GET /v1/" + path, page + filters, func(c *call) (object, *Error) { return c.list(kind, c.matches(filters)) }}
	}
	post := func(path, allow string, run func(*call) (object, *Error)) endpoint {
		return endpoint{"POST /v1/" + path, allow, run}
	}
	del := func(path, allow string, run func(*call) (object, *Error)) endpoint {
		return endpoint{"DELETE /v1/" + path, allow, run}
	}
	return []endpoint{
		post("customers", customerFields, (*call).newCustomer), post("customers/{id}", customerFields, (*call).updateCustomer),
		{"GET /v1/customers/{id}", "", (*call).getCustomer}, list("customers", "customer", "email"), del("customers/{id}", "", (*call).deleteCustomer),
		post("customers/{id}/balance_transactions", "amount currency description metadata", (*call).newBalance),
		post("products", "id name description active metadata", (*call).newProduct), get("products", "product"), list("products", "product", "active"), post("products/{id}", "name description active metadata default_price", func(c *call) (object, *Error) { return c.patch("product") }),
		post("prices", "product product_data currency unit_amount recurring lookup_key transfer_lookup_key nickname active metadata", (*call).newPrice), get("prices", "price"),
		{"GET /v1/prices", page + "active product currency type lookup_keys", (*call).listPrices}, post("prices/{id}", "active nickname metadata lookup_key transfer_lookup_key", func(c *call) (object, *Error) { return c.patch("price") }),
		post("coupons", "id percent_off amount_off currency duration duration_in_months max_redemptions redeem_by name metadata", (*call).newCoupon), get("coupons", "coupon"), list("coupons", "coupon", ""), del("coupons/{id}", "", func(c *call) (object, *Error) { return c.drop("coupon") }),
		post("promotion_codes", "coupon code active customer max_redemptions expires_at metadata", (*call).newPromotion), get("promotion_codes", "promotion_code"), list("promotion_codes", "promotion_code", "code active customer"),
		post("payment_methods", "type card billing_details metadata", (*call).newMethod), get("payment_methods", "payment_method"), list("payment_methods", "payment_method", "customer type"),
		post("payment_methods/{id}/attach", "customer", (*call).attach), post("payment_methods/{id}/detach", "", (*call).detach),
		post("setup_intents", "customer payment_method confirm usage payment_method_types metadata", (*call).newSetup), get("setup_intents", "setup_intent"),
		get("payment_intents", "payment_intent"), list("payment_intents", "payment_intent", "customer"), post("payment_intents/{id}/confirm", "payment_method", (*call).confirmIntent),
		get("charges", "charge"), list("charges", "charge", "customer payment_intent"),
		post("refunds", "charge payment_intent amount reason metadata", (*call).newRefund), get("refunds", "refund"), list("refunds", "refund", "charge payment_intent"),
		get("disputes", "dispute"), list("disputes", "dispute", "charge payment_intent"), post("disputes/{id}", "evidence metadata submit", (*call).updateDispute), post("disputes/{id}/close", "", (*call).closeDispute),
		post("subscriptions", subscriptionFields+" customer trial_period_days backdate_start_date", (*call).newSubscription), get("subscriptions", "subscription"),
		{"GET /v1/subscriptions", page + "customer status price", (*call).listSubscriptions}, post("subscriptions/{id}", subscriptionFields, (*call).updateSubscription),
		del("subscriptions/{id}", "invoice_now prorate cancellation_details", (*call).cancelSubscription), post("subscriptions/{id}/resume", "billing_cycle_anchor proration_behavior proration_date", (*call).resumeSubscription),
		post("subscription_schedules", "from_subscription metadata", (*call).newSchedule), get("subscription_schedules", "subscription_schedule"), list("subscription_schedules", "subscription_schedule", "customer"),
		post("subscription_schedules/{id}", "phases end_behavior proration_behavior metadata default_settings", (*call).updateSchedule),
		post("subscription_schedules/{id}/release", "preserve_cancel_date", (*call).releaseSchedule), post("subscription_schedules/{id}/cancel", "invoice_now prorate", (*call).cancelSchedule),
		del("subscriptions/{id}/discount", "", (*call).dropDiscount),
		{"GET /v1/invoices/upcoming", upcomingFields, (*call).upcoming}, {"GET /v1/invoices/upcoming/lines", upcomingFields + " limit starting_after ending_before", (*call).upcomingLines},
		get("invoices", "invoice"), list("invoices", "invoice", "customer subscription status"), post("invoices/{id}", "metadata auto_advance description default_payment_method", func(c *call) (object, *Error) { return c.patch("invoice") }),
		post("invoices/{id}/finalize", "auto_advance", (*call).finalizeInvoice), post("invoices/{id}/pay", "payment_method paid_out_of_band off_session forgive", (*call).payInvoice), post("invoices/{id}/void", "", (*call).voidInvoice), post("invoices/{id}/mark_uncollectible", "", (*call).writeOff),
		{"GET /v1/invoices/{id}/lines", page, (*call).listLines}, post("invoiceitems", "customer amount currency description subscription metadata", (*call).newItem), get("invoiceitems", "invoiceitem"), list("invoiceitems", "invoiceitem", "customer invoice"),
		post("webhook_endpoints", "url enabled_events api_version description metadata", (*call).newEndpoint), get("webhook_endpoints", "webhook_endpoint"), list("webhook_endpoints", "webhook_endpoint", ""),
		post("webhook_endpoints/{id}", "url enabled_events description disabled metadata", (*call).updateEndpoint), del("webhook_endpoints/{id}", "", func(c *call) (object, *Error) { return c.drop("webhook_endpoint") }),
		{"GET /v1/events/{id}", "", (*call).getEvent}, {"GET /v1/events", page + "type types delivery_success", (*call).listEvents},
		post("checkout/sessions", checkoutFields, (*call).newCheckout), get("checkout/sessions", "checkout.session"), list("checkout/sessions", "checkout.session", "customer subscription status"), post("checkout/sessions/{id}/expire", "", (*call).expireCheckout),
		post("billing_portal/sessions", "customer return_url flow_data configuration locale on_behalf_of", (*call).newPortal),
		post("test_helpers/test_clocks", "frozen_time name", (*call).newClock), get("test_helpers/test_clocks", "test_helpers.test_clock"), list("test_helpers/test_clocks", "test_helpers.test_clock", ""),
		post("test_helpers/test_clocks/{id}/advance", "frozen_time", (*call).advanceClock), del("test_helpers/test_clocks/{id}", "", func(c *call) (object, *Error) { return c.drop("test_helpers.test_clock") }),
	}
}

// matches compares the filters that were sent with an object's fields.
func (c *call) matches(filters string) func(object) bool {
	return func(o object) bool {
		for _, name := range strings.Fields(filters) {
			if !c.f.has(name) {
				continue
			}
			if _, flag := o[name].(bool); flag {
				if o.yes(name) != c.f.yes(name) {
					return false
				}
			} else if o.str(name) != c.f.str(name) {
				return false
			}
		}
		return true
	}
}

// metadata is merged as Stripe does: an empty value removes a name.
func (c *call) metadata(o object) {
	all := deep(o.sub("metadata")).(object)
	for name, v := range c.f.sub("metadata") {
		if v == "" {
			delete(all, name)
		} else {
			all[name] = v
		}
	}
	o["metadata"] = all
}

// text is a parameter, or null when it was not given.
func (c *call) text(name string) any {
	if c.f.str(name) == "" {
		return nil
	}
	return c.f.str(name)
}

// patch changes the plain fields that were sent.
func (c *call) patch(kind string) (object, *Error) {
	o, bad := c.own(kind)
	if bad != nil {
		return nil, bad
	}
	for _, name := range []string{"name", "description", "nickname", "email", "phone", "default_price", "default_payment_method"} {
		if c.f.has(name) {
			o[name] = c.text(name)
		}
	}
	for _, name := range []string{"active", "auto_advance"} {
		if c.f.has(name) {
			o[name] = c.f.yes(name)
		}
	}
	if c.f.has("lookup_key") {
		if bad := c.takeKey(o); bad != nil {
			return nil, bad
		}
	}
	c.metadata(o)
	c.emit(kind+".updated", o)
	return o, nil
}

// drop deletes an object.
func (c *call) drop(kind string) (object, *Error) {
	o, bad := c.own(kind)
	if bad != nil {
		return nil, bad
	}
	c.remove(c.id)
	if kind == "coupon" {
		c.emit("coupon.deleted", o)
	}
	return object{"id": c.id, "object": kind, "deleted": true}, nil
}
