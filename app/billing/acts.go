package billing

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) actRoutes() []web.Route {
	limit := web.Limit{Every: 2 * time.Second, Burst: 20, By: web.ByUser}
	post := func(path, summary string, status int, h web.Handler, in, out any, actions ...audit.Action) web.Route {
		r := web.Route{Method: "POST", Pattern: "/-/api/v1/billing/" + path, Access: web.SignedIn, Limit: limit, Handler: h, Doc: web.Doc{Summary: summary, In: in, Out: out, Status: status}}
		for _, a := range actions {
			r.Audit = append(r.Audit, string(a))
		}
		return r
	}
	return []web.Route{
		post("checkout", "Open a checkout at Stripe, where a plan is bought", 201, ownerAct(s, 201, s.checkout), checkoutInput{}, checkoutOutput{}, actCheckout),
		post("portal", "Open Stripe's portal, where cards are changed", 201, ownerAct(s, 201, s.portal), portalInput{}, checkoutOutput{}, actPortal),
		post("change/preview", "What a change of plan or quantity would cost; it can be applied for ten minutes", 201, ownerAct(s, 201, inOrg(s.PreviewChange)), previewInput{}, Preview{}, actPreviewed),
		post("change", "Apply a change that was previewed, at the cost that was shown", 200, ownerAct(s, 200, inOrg(s.change)), changeInput{}, actOutput{}, actAsked, actRefused),
		post("cancel", "End a subscription, at the end of what is paid for or at once", 200, ownerAct(s, 200, inOrg(s.CancelSubscription)), cancelInput{}, actOutput{}, actAsked, actRefused),
		post("change/withdraw", "Take back a change that comes with the next period", 200, ownerAct(s, 200, one(s.WithdrawChange)), resumeInput{}, actOutput{}, actAsked, actRefused),
		post("trial/end", "End a trial now, and pay for the first period", 200, ownerAct(s, 200, one(s.EndTrial)), resumeInput{}, actOutput{}, actAsked, actRefused),
		post("pause", "Pause a subscription from its next period until a date, where that is offered", 200, ownerAct(s, 200, inOrg(s.PauseByOwner)), pauseInput{}, actOutput{}, actAsked, actRefused),
		post("resume", "Take back a cancellation, or go on after a pause", 200, ownerAct(s, 200, one(s.ResumeSubscription)), resumeInput{}, actOutput{}, actAsked, actRefused),
	}
}

// ownerAct serves what an owner does to the billing of the org in which he works: act
// gets that org and the body, and its answer is the response's.
func ownerAct[In, Out any](s *System, status int, act func(context.Context, web.Org, In) (Out, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[In](r)
		if err != nil {
			return err
		}
		org, err := s.orgFor(r, permManage)
		if err != nil {
			return err
		}
		out, err := act(r.Context(), org, in)
		if err != nil {
			return err
		}
		return web.JSON(w, status, out)
	}
}

// one is an act that only needs to know which subscription.
func one(act func(ctx context.Context, org, subscription string) (actOutput, error)) func(context.Context, web.Org, resumeInput) (actOutput, error) {
	return func(ctx context.Context, org web.Org, in resumeInput) (actOutput, error) {
		return act(ctx, org.ID, in.Subscription)
	}
}

// inOrg is an act that only needs the org's id.
func inOrg[In, Out any](act func(context.Context, string, In) (Out, error)) func(context.Context, web.Org, In) (Out, error) {
	return func(ctx context.Context, org web.Org, in In) (Out, error) { return act(ctx, org.ID, in) }
}

// actOutput is what became of a change.
type actOutput struct {
	ID      string    `json:"id"`
	State   string    `json:"state"`                 // done; scheduled: it comes with the next period; pending: it waits for a payment to be confirmed
	Confirm string    `json:"confirm_url,omitempty"` // where the payment is confirmed
	At      time.Time `json:"effective_at,omitzero"` // of what is scheduled, and of an end that comes with the period
}

// inRequest bounds how long a request waits for Stripe.
//
// Nothing leaves the process from a request, but here: whoever asks what a change
// costs, or is about to pay, needs Stripe's answer on the next page. So Stripe is
// called from the handler, before and outside of any transaction; what is asked was
// stored in one first, and its id is the idempotency key, so that a call whose
// answer was lost can be made again and is done once.
const inRequest = 15 * time.Second

// ask calls Stripe for an intent that is stored. What Stripe refuses ends the intent;
// when it does not answer the intent stays open, and the same request asks again.
func (s *System) ask(ctx context.Context, i *intent, call func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, inRequest)
	defer cancel()
	err := call(within)
	if err == nil {
		return nil
	}
	s.Log.WarnContext(ctx, "Stripe did not do what was asked", "intent", i.id, "kind", i.kind, "err", plain(err))
	if !isRefusal(err) {
		return outage(err)
	}
	public, fault := refusal(err)
	end := s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := endIntent(tx, i.id, intentFailed, fault); err != nil || i.kind == "checkout" || i.kind == "portal" || i.kind == "preview" {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actRefused, Org: i.org, Targets: i.targets(), Details: map[string]any{"kind": i.kind, "code": fault}})
	})
	if end != nil {
		return end
	}
	return &web.Error{Status: http.StatusConflict, Code: "stripe_refused", Public: public, Err: plain(err)}
}

// refusal is what people are told of a refusal: for cards what Stripe wrote for them,
// otherwise a code.
func refusal(err error) (public, code string) {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return "Stripe refused this.", ""
	}
	code = web.CleanText(string(e.Code), 60)
	if e.Type == stripe.ErrorTypeCard {
		return "The payment was declined: " + web.CleanText(e.Msg, 200), code
	}
	return "Stripe refused this (" + code + "). Nothing was changed or charged.", code
}

// targets are what an intent is about, for the audit log.
func (i *intent) targets() []audit.Ref {
	all := []audit.Ref{{Type: "intent", ID: i.id}, {Type: "org", ID: i.org}}
	if i.subscription != "" {
		all = append(all, audit.Ref{Type: "subscription", ID: i.subscription})
	}
	return all
}

// carried notes that Stripe did what an intent asked for, and has its customer fetched.
func (s *System) carried(ctx context.Context, i *intent) error {
	return s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := endIntent(tx, i.id, intentDone, ""); err != nil {
			return err
		}
		sub, err := subByID(tx, i.subscription)
		if err != nil {
			return err
		}
		return s.syncSoon(tx, sub.customer, false)
	})
}

// theSubscription is the living subscription of an org that is meant: the named one, or
// the one to a plan where there is only that.
func theSubscription(tx *store.Tx, org, id string) (subRow, error) {
	all, err := store.All(tx, scanSub, subColumns+`WHERE org_id = ? AND state IN ('active', 'grace', 'restricted')`, org)
	if err != nil {
		return subRow{}, err
	}
	var found []subRow
	for _, sub := range all {
		if id == "" || sub.id == id {
			found = append(found, sub)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return subRow{}, &web.Error{Status: http.StatusConflict, Code: "no_subscription", Public: "There is no subscription that could be changed. Choose a plan first."}
	}
	return subRow{}, web.Invalid(web.Field{Field: "subscription", Code: "required", Message: "There are several subscriptions: say which."})
}
