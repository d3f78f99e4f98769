package billing

import "github.com/stripe/stripe-go/v76"

// State is what a subscription is to us.
type State string

// The states of a subscription, and of what an org is behind with.
const (
	None       State = "none"       // it never began
	Active     State = "active"     // paid, or on trial
	Grace      State = "grace"      // behind, and everything still works
	Restricted State = "restricted" // behind for so long that access is narrow
	Canceled   State = "canceled"   // over
	Paused     State = "paused"     // of an org: it rests on somebody's wish, and access is narrow
)

// stateOf is what Stripe's status of a subscription means here (spec/billing.md
// section 5). How long a payment has been overdue is dunning's to know. A status
// that we do not know changes nothing.
func stateOf(status stripe.SubscriptionStatus, last State) (s State, known bool) {
	switch status {
	case stripe.SubscriptionStatusIncomplete, stripe.SubscriptionStatusIncompleteExpired:
		return None, true
	case stripe.SubscriptionStatusTrialing, stripe.SubscriptionStatusActive:
		return Active, true
	case stripe.SubscriptionStatusPastDue:
		return Grace, true
	case stripe.SubscriptionStatusUnpaid, stripe.SubscriptionStatusPaused:
		return Restricted, true
	case stripe.SubscriptionStatusCanceled:
		return Canceled, true
	}
	if last == "" {
		last = None
	}
	return last, false
}

// lives reports whether a subscription in this state gives anything.
func (s State) lives() bool { return s == Active || s == Grace || s == Restricted }
