package billing

import "strings"

// subject is what an event makes us look at.
type subject int

const (
	nothing     subject = iota // it is of no use to us
	aCustomer                  // he, his subscriptions and invoices
	aDispute                   // it, then its customer
	aCharge                    // its refunds, then its customer
	aPrice                     // it alone
	aCheckout                  // the session that somebody went to pay in, then its customer
	aMethodGone                // a payment method that belongs to nobody any more: whoever had it
)

// subjects are the events that are asked for, by their type. The endpoint that we make
// at Stripe asks for the same ones; see askedFor.
var subjects = map[string]subject{
	"customer.created": aCustomer, "customer.updated": aCustomer, "customer.deleted": aCustomer,
	"customer.subscription.created": aCustomer, "customer.subscription.updated": aCustomer, "customer.subscription.deleted": aCustomer,
	"customer.subscription.paused": aCustomer, "customer.subscription.resumed": aCustomer, "customer.subscription.trial_will_end": aCustomer,
	"customer.subscription.pending_update_applied": aCustomer, "customer.subscription.pending_update_expired": aCustomer,
	"subscription_schedule.created": aCustomer, "subscription_schedule.updated": aCustomer, "subscription_schedule.released": aCustomer,
	"subscription_schedule.canceled": aCustomer, "subscription_schedule.completed": aCustomer, "subscription_schedule.aborted": aCustomer,
	"customer.discount.created": aCustomer, "customer.discount.updated": aCustomer, "customer.discount.deleted": aCustomer,
	"invoice.created": aCustomer, "invoice.updated": aCustomer, "invoice.finalized": aCustomer, "invoice.paid": aCustomer, "invoice.payment_succeeded": aCustomer,
	"invoice.payment_failed": aCustomer, "invoice.payment_action_required": aCustomer, "invoice.voided": aCustomer, "invoice.marked_uncollectible": aCustomer,
	"invoice.finalization_failed": aCustomer, "invoice.deleted": aCustomer,
	"payment_method.attached": aCustomer, "payment_method.updated": aCustomer, "payment_method.automatically_updated": aCustomer, "payment_method.detached": aMethodGone,
	"checkout.session.completed": aCheckout, "checkout.session.expired": aCheckout,
	"checkout.session.async_payment_succeeded": aCheckout, "checkout.session.async_payment_failed": aCheckout,
	"charge.refunded": aCharge, "charge.refund.updated": aCharge,
	"charge.dispute.created": aDispute, "charge.dispute.updated": aDispute, "charge.dispute.closed": aDispute,
	"charge.dispute.funds_withdrawn": aDispute, "charge.dispute.funds_reinstated": aDispute,
	"price.created": aPrice, "price.updated": aPrice, "price.deleted": aPrice,
}

// subject is what the event makes us look at. What it is about must be named.
func (e *envelope) subject() subject {
	s := subjects[e.Type]
	o := e.Contents.Object
	switch {
	case e.Object == thin || strings.HasPrefix(e.Type, "v2.") || o.ID == "" && e.customer() == "":
		return nothing
	case s == aCharge && o.Object != "charge" && o.Charge == "":
		return nothing
	}
	return s
}

// about is the object that the job looks at: for a refund its charge.
func (e *envelope) about() string {
	if o := e.Contents.Object; subjects[e.Type] == aCharge && o.Object != "charge" {
		return string(o.Charge)
	}
	return string(e.Contents.Object.ID)
}
