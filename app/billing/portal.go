package billing

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type portalInput struct {
	// Flow leads straight to something: payment_method_update, subscription_cancel or
	// subscription_update; "" for the portal's own start.
	Flow string `json:"flow"`
}

// portalLife is how long a link to the portal is kept as an intent; it works for minutes.
const portalLife = 10 * time.Minute

var portalFlows = []string{"", "payment_method_update", "subscription_cancel", "subscription_update"}

// portal is Portal as the API answers.
func (s *System) portal(ctx context.Context, org web.Org, in portalInput) (checkoutOutput, error) {
	i, err := s.Portal(ctx, org, in.Flow)
	return checkoutOutput{ID: i.id, URL: i.outcome.URL}, err
}

// Portal opens Stripe's portal for an org that has a customer there.
func (s *System) Portal(ctx context.Context, org web.Org, flow string) (i intent, err error) {
	if !s.On() {
		return i, errNothingSold
	}
	if !slices.Contains(portalFlows, flow) {
		return i, web.Invalid(web.Field{Field: "flow", Code: "unknown", Message: "Leave it empty, or say payment_method_update, subscription_cancel or subscription_update."})
	}
	var customer customerRow
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		customer, err = customerOf(tx, org.ID)
		if isNotFound(err) {
			return &web.Error{Status: http.StatusConflict, Code: "no_customer", Public: "Nothing was bought yet, so there is nothing to manage. Choose a plan first."}
		}
		if err != nil {
			return err
		}
		i = intent{org: org.ID, kind: "portal", state: intentOpen, wish: wish{Flow: flow}}
		if flow == "subscription_cancel" || flow == "subscription_update" {
			sub, err := theSubscription(tx, org.ID, "")
			if err != nil {
				return err
			}
			i.subscription = sub.id
		}
		if err := insertIntent(tx, &i, portalLife); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actPortal, Org: org.ID, Targets: i.targets(), Details: map[string]any{"flow": flow}})
	})
	if err != nil {
		return i, err
	}
	p := &stripe.BillingPortalSessionParams{Customer: stripe.String(customer.id), ReturnURL: stripe.String(s.URL + "/-/billing/back?intent=" + i.id + "&org=" + org.Slug)}
	switch flow {
	case "payment_method_update":
		p.FlowData = &stripe.BillingPortalSessionFlowDataParams{Type: stripe.String(flow)}
	case "subscription_cancel":
		p.FlowData = &stripe.BillingPortalSessionFlowDataParams{Type: stripe.String(flow), SubscriptionCancel: &stripe.BillingPortalSessionFlowDataSubscriptionCancelParams{Subscription: stripe.String(i.subscription)}}
	case "subscription_update":
		p.FlowData = &stripe.BillingPortalSessionFlowDataParams{Type: stripe.String(flow), SubscriptionUpdate: &stripe.BillingPortalSessionFlowDataSubscriptionUpdateParams{Subscription: stripe.String(i.subscription)}}
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		p.Params = keyed(ctx, i.id)
		made, err := s.client.portals.New(p)
		if err == nil {
			i.remote, i.outcome.URL = made.ID, made.URL
		}
		return err
	})
	if err != nil {
		return i, err
	}
	i.state, i.ended = intentDone, s.DB.Now()
	return i, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return answerIntent(tx, &i) })
}
