package billing

import (
	"context"
	"net/http"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type changeInput struct {
	Preview string `json:"preview"` // id of the preview that is applied
}

var errPreview = &web.Error{Status: http.StatusConflict, Code: "preview_expired", Public: "This preview is not good any more: amounts change by the second. Look at a new one, then confirm it."}

// change is Change as the API asks for it.
func (s *System) change(ctx context.Context, org string, in changeInput) (actOutput, error) {
	return s.Change(ctx, org, in.Preview)
}

// Change applies what was previewed, reckoned from the same second, so that what is
// charged is what was shown.
func (s *System) Change(ctx context.Context, org, preview string) (out actOutput, err error) {
	i, err := s.takePreview(ctx, org, preview)
	if err != nil {
		return out, err
	}
	if i.state == intentDone {
		out = actOutput{ID: i.id, State: "done"}
		if i.wish.At == whenLater {
			out.State, out.At = "scheduled", i.outcome.Preview.At
		}
		return out, nil
	}
	var sub *stripe.Subscription
	if i.wish.At == whenLater {
		return s.changeLater(ctx, &i)
	}
	err = s.ask(ctx, &i, func(ctx context.Context) (err error) {
		if err := s.release(ctx, &i); err != nil {
			return err
		}
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id, "latest_invoice"), ProrationDate: stripe.Int64(i.wish.Proration), ProrationBehavior: stripe.String(i.wish.Prorate),
			Items: []*stripe.SubscriptionItemsParams{{ID: stripe.String(i.wish.Item), Price: stripe.String(i.wish.Price), Quantity: stripe.Int64(i.wish.Quantity)}}}
		if i.wish.Prorate == chargeNow { // the plan changes once it is paid, and not at all if it is not
			p.PaymentBehavior = stripe.String("pending_if_incomplete")
		}
		if i.wish.Promotion != "" {
			if err := s.redeem(ctx, &i); err != nil {
				return err
			}
		}
		sub, err = s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	out = actOutput{ID: i.id, State: "done"}
	if sub.PendingUpdate != nil {
		out.State = "pending"
		if sub.LatestInvoice != nil {
			out.Confirm = sub.LatestInvoice.HostedInvoiceURL
		}
	}
	return out, s.carried(ctx, &i)
}

// takePreview opens a preview's intent. One that is open already is one whose answer
// was lost, and is asked again with the same key.
func (s *System) takePreview(ctx context.Context, org, id string) (i intent, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		i, err = intentByID(tx, id)
		if isNotFound(err) || err == nil && (i.org != org || i.kind != "change") {
			return web.Invalid(web.Field{Field: "preview", Code: "unknown", Message: "There is no such preview."})
		}
		if err != nil || i.state == intentOpen || i.state == intentDone {
			return err
		}
		if i.state != intentPreviewed || !i.expires.After(tx.Now()) || i.outcome.Preview == nil {
			return errPreview
		}
		sub, err := subByID(tx, i.subscription)
		if err != nil {
			return err
		}
		now, err := s.planChange(tx, org, previewInput{Subscription: sub.id, Price: i.wish.Price, Quantity: i.wish.Quantity, When: i.wish.At})
		if err != nil {
			return err
		}
		if w := now.intent.wish; w.Item != i.wish.Item || w.Schedule != i.wish.Schedule || w.Prorate != i.wish.Prorate || i.wish.At == whenLater && now.sub.periodEnd != i.outcome.Preview.At.UnixMilli() {
			return errPreview
		}
		i.state, i.expires = intentOpen, tx.Now().Add(oneDay)
		if err := answerIntent(tx, &i); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actAsked, Org: org, Targets: i.targets(),
			Details: map[string]any{"kind": "change", "price": i.wish.Price, "quantity": i.wish.Quantity, "due_now": i.outcome.Preview.DueNow, "currency": i.outcome.Preview.Currency, "when": i.wish.At}})
	})
	return i, err
}

// changeLater arranges that a subscription becomes something else with its next period.
func (s *System) changeLater(ctx context.Context, i *intent) (out actOutput, err error) {
	items, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]itemRow, error) { return itemsOf(tx, i.subscription) })
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, i, func(ctx context.Context) error {
		if i.wish.Promotion != "" {
			if err := s.redeem(ctx, i); err != nil {
				return err
			}
		}
		return s.schedule(ctx, i, items)
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "scheduled", At: i.outcome.Preview.At}, s.carried(ctx, i)
}

// redeem puts a promotion code on a subscription before it changes, so that the change
// is charged with it.
func (s *System) redeem(ctx context.Context, i *intent) error {
	_, err := s.client.subscriptions.Update(i.subscription, &stripe.SubscriptionParams{Params: keyed(ctx, i.id+":code"), PromotionCode: stripe.String(i.wish.Promotion)})
	return err
}
