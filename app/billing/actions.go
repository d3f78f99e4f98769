package billing

import "seaworthy/app/audit"

// The actions billing records.
const (
	actLinked        audit.Action = "billing_customer.linked"
	actUnlinked      audit.Action = "billing_customer.unlinked"
	actStarted       audit.Action = "subscription.started"
	actChanged       audit.Action = "subscription.changed"
	actEnded         audit.Action = "subscription.ended"
	actPaid          audit.Action = "invoice.paid"
	actFailed        audit.Action = "invoice.payment_failed"
	actAction        audit.Action = "invoice.confirmation_requested"
	actWrittenOff    audit.Action = "invoice.written_off"
	actMethod        audit.Action = "payment_method.changed"
	actRefunded      audit.Action = "payment.refunded"
	actDisputed      audit.Action = "dispute.opened"
	actDisputeClosed audit.Action = "dispute.closed"
	actGrace         audit.Action = "dunning.begun"
	actRestricted    audit.Action = "dunning.restricted"
	actGivenUp       audit.Action = "dunning.given_up"
	actRecovered     audit.Action = "dunning.recovered"
	actParked        audit.Action = "billing_event.parked"
	actReplayed      audit.Action = "billing_event.replayed"
	actCleared       audit.Action = "billing_alarm.cleared"
	actPlanMade      audit.Action = "plan.created"
	actPlanChanged   audit.Action = "plan.changed"
	actPlanArchived  audit.Action = "plan.archived"
	actPlanReopened  audit.Action = "plan.reopened"
	actPriceMade     audit.Action = "price.created"
	actCheckout      audit.Action = "checkout.opened"
	actCheckoutDone  audit.Action = "checkout.completed"
	actCheckoutOver  audit.Action = "checkout.expired"
	actPortal        audit.Action = "billing_portal.opened"
	actPreviewed     audit.Action = "subscription.change_previewed"
	actAsked         audit.Action = "subscription.change_requested"
	actRefused       audit.Action = "subscription.change_refused"
	actRefundAsked   audit.Action = "payment.refund_requested"
	actCredited      audit.Action = "billing_customer.credited"
	actCouponSet     audit.Action = "subscription.coupon_applied"
	actCouponGone    audit.Action = "subscription.coupon_removed"
	actSettings      audit.Action = "billing_setting.changed"
	actRepaired      audit.Action = "billing_drift.repaired"
	actEndpoint      audit.Action = "billing_endpoint.created"
	actImportAsked   audit.Action = "plan.import_requested"
)

// Actions are billing's part of the catalogue.
var Actions = []audit.Kind{
	{Action: actLinked, Title: "Customer linked", Means: "An organization got its customer at Stripe."},
	{Action: actUnlinked, Title: "Customer unlinked", Means: "The customer was deleted at Stripe. The organization goes on with the free plan, and gets a new customer when it buys again."},
	{Action: actStarted, Title: "Subscription started", Means: "A subscription began, perhaps with a trial."},
	{Action: actChanged, Title: "Subscription changed", Means: "Plan, quantity, state or end of a subscription changed."},
	{Action: actEnded, Title: "Subscription ended", Means: "A subscription ended."},
	{Action: actPaid, Title: "Invoice paid", Means: "An invoice was paid."},
	{Action: actFailed, Title: "Payment failed", Means: "Stripe tried to collect an invoice and could not."},
	{Action: actAction, Title: "Confirmation asked for", Means: "The bank wants its customer to confirm a payment."},
	{Action: actWrittenOff, Title: "Invoice written off", Means: "An open invoice was voided or marked uncollectible."},
	{Action: actMethod, Title: "Payment method changed", Means: "Another card or account is charged from now on."},
	{Action: actRefunded, Title: "Payment refunded", Means: "Money was paid back."},
	{Action: actDisputed, Title: "Dispute opened", Means: "A customer's bank asks for a payment back. Reminders pause until it is decided."},
	{Action: actDisputeClosed, Title: "Dispute closed", Means: "A dispute was decided."},
	{Action: actGrace, Title: "Reminders begun", Means: "A payment is overdue. Everything still works."},
	{Action: actRestricted, Title: "Access narrowed", Means: "A payment has been overdue for two weeks: the organization is read-only."},
	{Action: actGivenUp, Title: "Plan ended unpaid", Means: "A payment has been overdue for four weeks: the subscription ends, the data is kept."},
	{Action: actRecovered, Title: "Paid after all", Means: "What was overdue was settled: access is whole."},
	{Action: actParked, Title: "Event parked", Means: "An event of Stripe's is about a customer that belongs to no organization here, or about something of which Stripe knows nothing."},
	{Action: actReplayed, Title: "Event replayed", Means: "Somebody had an event of Stripe's looked at once more."},
	{Action: actCleared, Title: "Billing alarm cleared", Means: "Somebody has seen to an alarm."},
	{Action: actImportAsked, Title: "Plans to be read from Stripe", Means: "Somebody had plans made of what is sold at Stripe."},
	{Action: actPlanMade, Title: "Plan made", Means: "A plan was added."},
	{Action: actPlanChanged, Title: "Plan changed", Means: "A plan got a new version, or other words."},
	{Action: actPlanArchived, Title: "Plan archived", Means: "A plan is not sold any more. Who has it keeps it."},
	{Action: actPlanReopened, Title: "Plan sold again", Means: "A plan that was archived is sold again."},
	{Action: actPriceMade, Title: "Price made", Means: "A price of a plan was made at Stripe."},
	{Action: actCheckout, Title: "Checkout opened", Means: "Somebody went to Stripe to buy a plan."},
	{Action: actCheckoutDone, Title: "Checkout completed", Means: "Somebody bought a plan at Stripe."},
	{Action: actCheckoutOver, Title: "Checkout expired", Means: "A checkout ended without a purchase."},
	{Action: actPortal, Title: "Billing portal opened", Means: "Somebody went to Stripe's portal."},
	{Action: actPreviewed, Title: "Change previewed", Means: "Somebody asked what a change of the subscription would cost."},
	{Action: actAsked, Title: "Change requested", Means: "Somebody asked for a change of the subscription, and Stripe made it."},
	{Action: actRefused, Title: "Change refused", Means: "Stripe did not make a change of the subscription that was asked for."},
	{Action: actRefundAsked, Title: "Refund asked for", Means: "Somebody who runs billing had a payment paid back, whole or in part."},
	{Action: actCredited, Title: "Credit given", Means: "A customer was given money that the next invoices use up."},
	{Action: actCouponSet, Title: "Coupon applied", Means: "Somebody who runs billing took something off the price of a subscription."},
	{Action: actCouponGone, Title: "Coupon removed", Means: "A subscription costs its whole price again."},
	{Action: actSettings, Title: "Billing rules changed", Means: "What owners may do by themselves with their subscriptions changed."},
	{Action: actRepaired, Title: "Drift repaired", Means: "The mirror of Stripe had missed a change, and was mended."},
	{Action: actEndpoint, Title: "Webhook endpoint made", Means: "The endpoint that Stripe sends events to was made."},
}
