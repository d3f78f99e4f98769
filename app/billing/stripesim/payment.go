package stripesim

import "time"

// pay takes what an invoice, which is being edited, asks for. The owner is there to
// confirm when confirmed is set. What failed stays written down: it counts as an attempt,
// and its payment intent says why. An invoice of nothing is paid without any payment.
func (s *Sim) pay(inv object, pm string, confirmed bool) *Error {
	inv["attempted"] = true
	inv["attempt_count"] = inv.num("attempt_count") + 1
	if inv.num("amount_due") == 0 {
		s.paid(inv, 0)
		return nil
	}
	pm = s.methodFor(inv, pm)
	intent := s.intentOf(inv)
	bad := s.take(intent, pm, confirmed)
	if bad == nil {
		inv["charge"] = intent["latest_charge"]
		s.paid(inv, inv.num("amount_due"))
		return nil
	}
	inv["charge"] = intent["latest_charge"]
	s.unpaid(inv)
	bad.intent = intent
	if intent.str("status") == "requires_action" {
		s.emit("invoice.payment_action_required", inv)
	}
	s.emit("invoice.payment_failed", inv)
	return bad
}

// methodFor is what an invoice is paid with: the one that is named, else the invoice's
// own, else the subscription's, else the customer's. That order is why a new card of the
// customer's does not help where a subscription has one of its own.
func (s *Sim) methodFor(inv object, named string) string {
	for _, id := range []string{named, inv.str("default_payment_method"), s.objects[inv.str("subscription")].str("default_payment_method"),
		s.objects[inv.str("customer")].sub("invoice_settings").str("default_payment_method")} {
		if id != "" {
			return id
		}
	}
	return ""
}

// intentOf is the payment of an invoice, made when there is none.
func (s *Sim) intentOf(inv object) object {
	if id := inv.str("payment_intent"); id != "" {
		return s.edit(id)
	}
	o := s.intent(inv.str("customer"), inv.str("currency"), inv.num("amount_due"))
	o["invoice"], o["description"] = inv["id"], "Subscription"
	inv["payment_intent"] = o["id"]
	s.emit("payment_intent.created", o)
	return o
}

// intent is a payment that is to be made. It lives through all attempts, so that the last
// one tells what the invoice waits for.
func (s *Sim) intent(customer, currency string, amount int64) object {
	o := s.make("payment_intent", "pi", object{"amount": amount, "amount_capturable": int64(0), "amount_details": object{"tip": object{}}, "amount_received": int64(0), "application": nil, "application_fee_amount": nil,
		"automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": nil, "capture_method": "automatic", "client_secret": nil, "confirmation_method": "automatic", "currency": currency, "customer": customer,
		"description": nil, "invoice": nil, "last_payment_error": nil, "latest_charge": nil, "metadata": object{}, "next_action": nil, "on_behalf_of": nil, "payment_method": nil,
		"payment_method_configuration_details": nil, "payment_method_options": object{}, "payment_method_types": []any{"card"}, "processing": nil, "receipt_email": nil, "review": nil, "setup_future_usage": "off_session",
		"shipping": nil, "source": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": "requires_payment_method", "transfer_data": nil, "transfer_group": nil})
	o["client_secret"] = o.str("id") + "_secret_simulated"
	return o
}

// take charges a payment, which is being edited. A card that asks its owner leaves it
// waiting for him, without a charge; any other no is a charge that failed.
func (s *Sim) take(intent object, pm string, confirmed bool) *Error {
	method := s.objects[pm]
	if method == nil {
		intent["status"] = "requires_payment_method"
		return invalid("", "This customer has no attached payment source or default payment method.")
	}
	intent["payment_method"] = pm
	card, code := cardOf(method), ""
	if s.faults.FailPayments > 0 {
		s.faults.FailPayments--
		code = s.faults.FailCode
		if code == "" {
			code = "card_declined"
		}
	} else if card.auth && !confirmed {
		intent["status"] = "requires_action"
		intent["next_action"] = object{"type": "redirect_to_url", "redirect_to_url": object{"return_url": nil, "url": s.o.PublicURL + "/-/dev/stripe/confirm/" + intent.str("id")}}
		s.emit("payment_intent.requires_action", intent)
		return &Error{Status: 402, Type: "card_error", Code: "invoice_payment_intent_requires_action", Message: "This payment requires additional user action before it can be completed successfully."}
	} else {
		code = card.charge
	}
	charge := s.charge(intent, method, code)
	intent["latest_charge"], intent["next_action"] = charge["id"], nil
	if code != "" {
		bad := declined(code)
		intent["status"] = "requires_payment_method"
		failure := bad.body().sub("error")
		failure["charge"], failure["payment_method"] = charge["id"], visible(method)
		intent["last_payment_error"] = failure
		s.emit("payment_intent.payment_failed", intent)
		s.emit("charge.failed", charge)
		return bad
	}
	intent["status"], intent["amount_received"], intent["last_payment_error"] = "succeeded", intent["amount"], nil
	s.emit("payment_intent.succeeded", intent)
	s.emit("charge.succeeded", charge)
	if card.dispute {
		s.dispute(charge)
	}
	return nil
}

// charge is one attempt at the bank, taken or declined. Refunds and disputes are of a charge.
func (s *Sim) charge(intent, method object, code string) object {
	o := s.make("charge", "ch", object{"amount": intent["amount"], "amount_captured": intent["amount"], "amount_refunded": int64(0), "application": nil, "application_fee": nil, "application_fee_amount": nil,
		"balance_transaction": nil, "billing_details": method["billing_details"], "calculated_statement_descriptor": "SIMULATED", "captured": true, "currency": intent["currency"], "customer": intent["customer"],
		"description": intent["description"], "disputed": false, "dispute": nil, "failure_balance_transaction": nil, "failure_code": nil, "failure_message": nil, "fraud_details": object{}, "invoice": intent["invoice"], "metadata": object{},
		"on_behalf_of": nil, "outcome": object{"network_status": "approved_by_network", "reason": nil, "risk_level": "normal", "seller_message": "Payment complete.", "type": "authorized"}, "paid": true,
		"payment_intent": intent["id"], "payment_method": method["id"], "payment_method_details": object{"type": "card", "card": method["card"]}, "receipt_email": nil, "receipt_number": nil, "receipt_url": nil, "refunded": false,
		"refunds": listOf("", nil), "review": nil, "shipping": nil, "source": nil, "source_transfer": nil, "statement_descriptor": nil, "statement_descriptor_suffix": nil, "status": "succeeded", "transfer_data": nil, "transfer_group": nil})
	if code != "" {
		bad := declined(code)
		o["status"], o["paid"], o["amount_captured"], o["failure_code"], o["failure_message"] = "failed", false, int64(0), bad.Code, bad.Message
		o["outcome"] = object{"network_status": "declined_by_network", "reason": bad.DeclineCode, "risk_level": "normal", "seller_message": "The bank did not return any further details with this decline.", "type": "issuer_declined"}
	}
	return o
}

// confirmIntent is the owner's yes, or another card.
func (c *call) confirmIntent() (object, *Error) {
	o, bad := c.own("payment_intent")
	if bad != nil {
		return nil, bad
	}
	if o.str("status") == "succeeded" {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "payment_intent_unexpected_state", Message: "This PaymentIntent has already succeeded."}
	}
	return o, c.confirm(o, c.f.str("payment_method"))
}

// confirm pays with the owner there, by its invoice if it has one, so that the invoice is
// paid as well.
func (s *Sim) confirm(intent object, pm string) *Error {
	if pm == "" {
		pm = intent.str("payment_method")
	}
	var bad *Error
	if inv := s.edit(intent.str("invoice")); inv != nil {
		bad = s.pay(inv, pm, true)
	} else {
		bad = s.take(intent, pm, true)
	}
	if bad != nil {
		bad.keep = true
	}
	return bad
}

// newSetup is how a card is kept without a payment.
func (c *call) newSetup() (object, *Error) {
	o := c.make("setup_intent", "seti", object{"application": nil, "automatic_payment_methods": nil, "cancellation_reason": nil, "client_secret": nil, "customer": c.text("customer"), "description": nil, "flow_directions": nil,
		"last_setup_error": nil, "latest_attempt": nil, "mandate": nil, "metadata": object{}, "next_action": nil, "on_behalf_of": nil, "payment_method": c.text("payment_method"), "payment_method_configuration_details": nil,
		"payment_method_options": object{}, "payment_method_types": []any{"card"}, "single_use_mandate": nil, "status": "requires_payment_method", "usage": c.f.or("usage", "off_session")})
	o["client_secret"] = o.str("id") + "_secret_simulated"
	c.metadata(o)
	if c.f.yes("confirm") {
		pm, bad := c.attachTo(c.f.str("payment_method"), c.f.str("customer"), "payment_method")
		if bad != nil {
			return nil, bad
		}
		o["payment_method"], o["status"] = pm["id"], "succeeded"
		c.emit("setup_intent.succeeded", o)
	}
	return o, nil
}

// retryDays are the days after the first failure on which it is tried again: eight
// times in two weeks.
func retryDays() []int { return []int{1, 3, 5, 7, 9, 11, 13, 14} }

// unpaid is what follows from a payment that failed. The first invoice of a subscription
// leaves it incomplete; a later one makes it past due.
func (s *Sim) unpaid(inv object) {
	if inv["_first_failure"] == nil {
		inv["_first_failure"] = s.now().Unix()
	}
	sub := s.edit(inv.str("subscription"))
	if sub == nil || inv.str("collection_method") != "charge_automatically" {
		return
	}
	if status := sub.str("status"); status == "active" || status == "trialing" {
		sub["status"] = "past_due"
		s.changed(sub)
	}
}

// schedule says when a failed renewal is tried next; nothing left means that the end
// rule applies, which people choose in Stripe's settings: to leave it past due, as the
// program that sells here wants it, because its own calendar decides.
func (s *Sim) schedule(inv object) {
	first := time.Unix(inv.num("_first_failure"), 0)
	done := int(inv.num("_retries"))
	if done < len(retryDays()) {
		inv["next_payment_attempt"] = first.AddDate(0, 0, retryDays()[done]).Unix()
		return
	}
	inv["next_payment_attempt"] = nil
	sub := s.edit(inv.str("subscription"))
	if sub == nil || ended(sub) {
		return
	}
	switch s.faults.EndRule {
	case "cancel":
		s.end(sub, "payment_failed")
	case "unpaid":
		sub["status"] = "unpaid"
		s.changed(sub)
	}
}
