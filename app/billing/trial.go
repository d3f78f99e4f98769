package billing

import (
	"context"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
)

var errNoTrial = &web.Error{Status: http.StatusConflict, Code: "no_trial", Public: "There is no trial running."}

// EndTrial begins to charge for a subscription that is on trial, because its owner
// does not want to wait.
func (s *System) EndTrial(ctx context.Context, org, id string) (out actOutput, err error) {
	i, err := s.beginAct(ctx, org, id, "end_trial", func(sub subRow) (wish, error) {
		if sub.status != string(stripe.SubscriptionStatusTrialing) {
			return wish{}, errNoTrial
		}
		return wish{At: whenNow}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		if err := s.release(ctx, &i); err != nil {
			return err
		}
		_, err := s.client.subscriptions.Update(i.subscription, &stripe.SubscriptionParams{Params: keyed(ctx, i.id), TrialEndNow: stripe.Bool(true)})
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// maxTrial bounds how far from now a trial ends; Stripe takes two years.
const maxTrial = 730 * oneDay

// ExtendTrial has a trial that runs end later, for an operator.
func (s *System) ExtendTrial(ctx context.Context, org, id string, until time.Time) (out actOutput, err error) {
	i, err := s.beginAct(ctx, org, id, "extend_trial", func(sub subRow) (wish, error) {
		if sub.status != string(stripe.SubscriptionStatusTrialing) {
			return wish{}, errNoTrial
		}
		now := s.DB.Now().Add(s.ahead())
		if until.UnixMilli() <= sub.trialEnd || until.Sub(now) > maxTrial {
			return wish{}, web.Invalid(web.Field{Field: "until", Code: "range", Message: "A trial is made longer: after " + day(at(sub.trialEnd)) + ", and at most two years from now."})
		}
		return wish{Until: until.UnixMilli()}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id), TrialEnd: stripe.Int64(i.wish.Until / 1000), ProrationBehavior: stripe.String(noSettling)}
		_, err := s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}
