package stripesim

// newRefund pays a charge back, whole or in part, and never more than is left of it. The
// invoice stays paid: what was refunded shows on the charge alone, so a program that
// fetches customers and invoices does not see it.
func (c *call) newRefund() (object, *Error) {
	id := c.f.str("charge")
	if pi := c.f.str("payment_intent"); id == "" && pi != "" {
		id = c.objects[pi].str("latest_charge")
	}
	if _, bad := c.the("charge", id, "charge"); bad != nil {
		return nil, bad
	}
	ch := c.edit(id)
	left := ch.num("amount_captured") - ch.num("amount_refunded")
	amount, bad := c.f.num("amount", left)
	switch {
	case bad != nil:
		return nil, bad
	case left == 0:
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "charge_already_refunded", Message: "Charge " + id + " has already been refunded."}
	case amount < 1 || amount > left:
		return nil, invalid("amount", "Refund amount is greater than unrefunded amount on charge.")
	}
	o := c.make("refund", "re", object{"amount": amount, "balance_transaction": nil, "charge": id, "currency": ch["currency"], "metadata": object{}, "payment_intent": ch["payment_intent"], "reason": c.text("reason"),
		"receipt_number": nil, "source_transfer_reversal": nil, "status": "succeeded", "transfer_reversal": nil})
	c.metadata(o)
	ch["amount_refunded"] = ch.num("amount_refunded") + amount
	ch["refunded"] = ch.num("amount_refunded") == ch.num("amount")
	ch["refunds"] = listOf("/v1/charges/"+id+"/refunds", append([]object{visible(o).(object)}, ch.rows("refunds")...))
	c.emit("charge.refunded", ch)
	return o, nil
}

// dispute has the owner of a card say that a charge was not theirs.
func (s *Sim) dispute(charge object) object {
	o := s.make("dispute", "dp", object{"amount": charge["amount"], "balance_transactions": []any{}, "charge": charge["id"], "currency": charge["currency"], "evidence": object{},
		"evidence_details": object{"due_by": s.now().AddDate(0, 0, 7).Unix(), "has_evidence": false, "past_due": false, "submission_count": int64(0)}, "is_charge_refundable": false, "metadata": object{},
		"payment_intent": charge["payment_intent"], "reason": "fraudulent", "status": "needs_response"})
	charge["disputed"], charge["dispute"] = true, o["id"]
	s.emit("charge.dispute.created", o)
	return o
}

// updateDispute takes evidence; as in Stripe's test mode its text decides
// (docs.stripe.com/testing#evidence).
func (c *call) updateDispute() (object, *Error) {
	o, bad := c.own("dispute")
	if bad != nil {
		return nil, bad
	}
	c.metadata(o)
	switch c.f.sub("evidence").str("uncategorized_text") {
	case "winning_evidence":
		o["status"] = "won"
	case "losing_evidence":
		o["status"] = "lost"
	default:
		c.emit("charge.dispute.updated", o)
		return o, nil
	}
	c.emit("charge.dispute.closed", o)
	return o, nil
}

// closeDispute gives in: the money is gone.
func (c *call) closeDispute() (object, *Error) {
	o, bad := c.own("dispute")
	if bad != nil {
		return nil, bad
	}
	o["status"] = "lost"
	c.emit("charge.dispute.closed", o)
	return o, nil
}
