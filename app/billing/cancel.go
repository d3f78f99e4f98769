package billing

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type cancelInput struct {
	Subscription string `json:"subscription"`
	At           string `json:"at"`      // period_end, which is usual, or now
	Reason       string `json:"reason"`  // one of Stripe's, see reasons; may be empty
	Comment      string `json:"comment"` // in the customer's words
}

type resumeInput struct {
	Subscription string `json:"subscription"`
}

// reasons are why people cancel, as Stripe knows them (Stripe docs,
// cancellation_details.feedback), with the words of the form.
var reasons = []struct{ Key, Words string }{
	{"too_expensive", "It is too expensive"}, {"missing_features", "Something I need is missing"}, {"switched_service", "I found another service"},
	{"unused", "I do not use it enough"}, {"customer_service", "I was not helped well"}, {"too_complex", "It is too complicated"}, {"low_quality", "It does not work well enough"}, {"other", "Another reason"},
}

// CancelSubscription ends a subscription: at the end of what is paid for, or at once
// where that is asked for or nothing is paid for.
func (s *System) CancelSubscription(ctx context.Context, org string, in cancelInput) (out actOutput, err error) {
	var c web.Check
	if in.At == "" {
		in.At = "period_end"
	}
	c.Fault(in.At == "period_end" || in.At == "now", "at", "unknown", "Say period_end or now.")
	known := slices.ContainsFunc(reasons, func(r struct{ Key, Words string }) bool { return r.Key == in.Reason })
	c.Fault(in.Reason == "" || known, "reason", "unknown", "Choose one of the reasons, or leave it out.")
	in.Comment = c.Text("comment", in.Comment, 0, 500)
	if err := c.Err(); err != nil {
		return out, err
	}
	i, err := s.beginAct(ctx, org, in.Subscription, "cancel", func(sub subRow) (wish, error) {
		if sub.cancelAtEnd && in.At == "period_end" {
			return wish{}, &web.Error{Status: http.StatusConflict, Code: "canceled_already", Public: "It ends already with the period that is paid for."}
		}
		w := wish{At: in.At, Reason: in.Reason, Comment: in.Comment}
		if out.At = at(sub.periodEnd); in.At == "now" || sub.state != Active { // what is overdue is not worth waiting for
			w.At, out.At = "now", time.Time{}
		}
		return w, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		if err := s.release(ctx, &i); err != nil {
			return err
		}
		if i.wish.At == "now" {
			p := &stripe.SubscriptionCancelParams{Params: keyed(ctx, i.id), CancellationDetails: &stripe.SubscriptionCancelCancellationDetailsParams{}}
			p.CancellationDetails.Comment, p.CancellationDetails.Feedback = orNil(i.wish.Comment), orNil(i.wish.Reason)
			_, err := s.client.subscriptions.Cancel(i.subscription, p)
			return err
		}
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id), CancelAtPeriodEnd: stripe.Bool(true), CancellationDetails: &stripe.SubscriptionCancellationDetailsParams{}}
		p.CancellationDetails.Comment, p.CancellationDetails.Feedback = orNil(i.wish.Comment), orNil(i.wish.Reason)
		_, err := s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	out.ID, out.State = i.id, "done"
	return out, s.carried(ctx, &i)
}

// ResumeSubscription takes back a cancellation that has not come about, or ends a pause.
func (s *System) ResumeSubscription(ctx context.Context, org, id string) (out actOutput, err error) {
	i, err := s.beginAct(ctx, org, id, "resume", func(sub subRow) (wish, error) {
		switch {
		case sub.status == string(stripe.SubscriptionStatusPaused):
			return wish{At: "paused"}, nil
		case sub.cancelAtEnd || sub.cancelAt > 0:
			return wish{At: "canceled"}, nil
		case sub.pause != "":
			return wish{}, nil
		}
		return wish{}, &web.Error{Status: http.StatusConflict, Code: "nothing_to_resume", Public: "It goes on already."}
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		if i.wish.At == "paused" {
			_, err := s.client.subscriptions.Resume(i.subscription, &stripe.SubscriptionResumeParams{Params: keyed(ctx, i.id)})
			return err
		}
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id)}
		if i.wish.At == "canceled" { // a schedule forbids to speak of the end, so it is named only where it is meant
			p.CancelAtPeriodEnd = stripe.Bool(false)
		}
		p.AddExtra("pause_collection", "") // empty takes it away
		_, err := s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// beginAct stores that somebody wants something of a subscription, with its event. An
// act of the same kind that is open is one whose answer was lost: it is taken up.
func (s *System) beginAct(ctx context.Context, org, id, kind string, wants func(subRow) (wish, error)) (i intent, err error) {
	return s.beginActAs(ctx, actAsked, org, id, kind, wants)
}

// beginActAs is beginAct with an event of its own.
func (s *System) beginActAs(ctx context.Context, action audit.Action, org, id, kind string, wants func(subRow) (wish, error)) (i intent, err error) {
	if !s.On() {
		return i, errNothingSold
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		sub, err := theSubscription(tx, org, id)
		if err != nil {
			return err
		}
		w, err := wants(sub)
		if err != nil {
			return err
		}
		open, err := store.All(tx, scanIntent, intentColumns+`WHERE org_id = ? ORDER BY id DESC LIMIT 20`, org)
		if err != nil {
			return err
		}
		for _, o := range open {
			// What it was under may be gone by that act already.
			if w.Schedule = o.wish.Schedule; o.kind == kind && o.state == intentOpen && o.subscription == sub.id && o.wish == w {
				i = o
				return nil
			}
		}
		w.Schedule = sub.schedule
		i = intent{org: org, kind: kind, state: intentOpen, subscription: sub.id, wish: w}
		if err := insertIntent(tx, &i, oneDay); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: action, Org: org, Targets: append(i.targets(), audit.Ref{Type: "customer", ID: sub.customer}), Details: w.details(kind)})
	})
	return i, err
}

// details are what the audit log says of a wish.
func (w *wish) details(kind string) map[string]any {
	all := map[string]any{"kind": kind}
	for name, v := range map[string]string{"at": w.At, "reason": w.Reason, "behavior": w.Behavior, "coupon": w.Coupon} {
		if v != "" {
			all[name] = v
		}
	}
	if w.Until > 0 {
		all["until"] = w.Until
	}
	return all
}

func orNil(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func upper(s string) string { return strings.ToUpper(s) }
