package billing

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Ways to pause (Stripe docs, pause_collection): void charges nothing and gives
// nothing; the others give all there is, and collect it later or never.
const (
	pauseVoid  = "void"
	pauseDraft = "keep_as_draft"
	pauseGive  = "mark_uncollectible"
)

// readPause works out when a pause begins to count. Its invoices are voided from the
// next on, so what was paid for is used first. A pause of the other kinds gives all
// there is meanwhile. A pause that is left on a subscription that has ended means
// nothing: counted, it would have the sweep fetch it for ever.
func (s *System) readPause(tx *store.Tx, was subRow, row *subRow) {
	if row.pause != pauseVoid || !row.state.lives() {
		return
	}
	if row.pauseFrom = was.pauseFrom; was.pause != pauseVoid || row.pauseFrom == 0 {
		row.pauseFrom = row.periodEnd
	}
	row.paused = row.pauseFrom <= max(row.periodStart, s.now(tx).UnixMilli())
}

type pauseInput struct {
	Subscription string `json:"subscription"`
	Behavior     string `json:"behavior"`   // void, which is usual; keep_as_draft or mark_uncollectible are for those who run billing
	Resumes      string `json:"resumes_on"` // a date, as 2027-03-01; may be left out by those who run billing
}

// read checks the input; the date is the beginning of that day, UTC.
func (in *pauseInput) read() (until time.Time, err error) {
	var c web.Check
	if in.Behavior == "" {
		in.Behavior = pauseVoid
	}
	c.Fault(slices.Contains([]string{pauseVoid, pauseDraft, pauseGive}, in.Behavior), "behavior", "unknown", "Say void, keep_as_draft or mark_uncollectible.")
	if in.Resumes != "" {
		until, err = time.Parse(time.DateOnly, in.Resumes)
		c.Fault(err == nil, "resumes_on", "form", "Give a date as 2027-03-01.")
	}
	return until, c.Err()
}

func resumeFault(words string) error {
	return web.Invalid(web.Field{Field: "resumes_on", Code: "range", Message: words})
}

// PauseByOwner pauses as far as the settings let owners: nothing is charged or given
// from the next period on, until a date.
func (s *System) PauseByOwner(ctx context.Context, org string, in pauseInput) (actOutput, error) {
	allowed, err := store.Read(ctx, s.DB, settingsOf)
	switch {
	case err != nil:
		return actOutput{}, err
	case allowed.PauseDays == 0:
		return actOutput{}, &web.Error{Status: http.StatusForbidden, Code: "pause_not_offered", Public: "Pausing is not offered here. Ask whoever runs this, or cancel: nothing is deleted by that."}
	case in.Behavior != "" && in.Behavior != pauseVoid:
		return actOutput{}, web.Forbidden(permRun)
	}
	return s.pause(ctx, org, in, allowed.PauseDays)
}

// Pause stops collecting for a subscription, for an operator.
func (s *System) Pause(ctx context.Context, org string, in pauseInput) (actOutput, error) {
	return s.pause(ctx, org, in, 0)
}

// pause does it; days bounds how long, and 0 does not.
func (s *System) pause(ctx context.Context, org string, in pauseInput, days int64) (out actOutput, err error) {
	until, err := in.read()
	if err != nil {
		return out, err
	}
	i, err := s.beginAct(ctx, org, in.Subscription, "pause", func(sub subRow) (w wish, err error) {
		begins := at(sub.periodEnd)
		switch {
		case sub.status != string(stripe.SubscriptionStatusActive) && sub.status != string(stripe.SubscriptionStatusTrialing):
			return w, &web.Error{Status: http.StatusConflict, Code: "not_active", Public: "Only what is paid for, or on trial, can be paused."}
		case sub.pause != "":
			return w, &web.Error{Status: http.StatusConflict, Code: "paused", Public: "It is paused already."}
		case sub.cancelAtEnd || sub.cancelAt > 0:
			return w, &web.Error{Status: http.StatusConflict, Code: "ends_already", Public: "It ends with what is paid for, so that there is nothing to pause."}
		case days > 0 && until.IsZero():
			return w, resumeFault("Say when it goes on.")
		case !until.IsZero() && !until.After(begins):
			return w, resumeFault("A pause begins on " + day(begins) + ", when what is paid for is used up. Choose a later day.")
		case days > 0 && until.Sub(begins) > time.Duration(days)*oneDay:
			return w, resumeFault("A pause lasts " + itoa(days) + " days at most: until " + day(begins.Add(time.Duration(days)*oneDay)) + ".")
		}
		w = wish{Behavior: in.Behavior}
		if !until.IsZero() {
			w.Until = until.UnixMilli()
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
		p := &stripe.SubscriptionParams{Params: keyed(ctx, i.id), PauseCollection: &stripe.SubscriptionPauseCollectionParams{Behavior: stripe.String(i.wish.Behavior)}}
		if i.wish.Until > 0 {
			p.PauseCollection.ResumesAt = stripe.Int64(i.wish.Until / 1000)
		}
		_, err := s.client.subscriptions.Update(i.subscription, p)
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.carried(ctx, &i)
}

// tellPause mails that a pause was arranged, or that one is over.
func (s *System) tellPause(tx *store.Tx, was, now subRow) error {
	n := notice{customer: now.customer, org: now.org, object: now.id}
	switch {
	case now.pauseFrom > 0 && now.pauseFrom != was.pauseFrom:
		n.key, n.template, n.details = "paused:"+now.id+":"+itoa(now.pauseFrom), "billing/paused", details{At: now.pauseFrom}
	case was.paused && now.pause == "" && now.state.lives():
		n.key, n.template = "resumed:"+now.id+":"+itoa(was.pauseFrom), "billing/resumed"
	default:
		return nil
	}
	return s.notify(tx, n)
}

// wakePauses has those customers fetched whose pause begins to count, or was to end:
// the event that tells of it may have been lost.
func (s *System) wakePauses(tx *store.Tx) error {
	due, err := store.All(tx, text, `SELECT customer_id FROM billing_subscription WHERE paused = 0 AND pause_from IS NOT NULL AND pause_from <= ? AND state IN ('active', 'grace', 'restricted') ORDER BY pause_from, id LIMIT ?`,
		s.now(tx).UnixMilli(), sweepSlice)
	if err != nil {
		return err
	}
	over, err := store.All(tx, text, `SELECT customer_id FROM billing_subscription WHERE paused = 1 AND pause_from IS NOT NULL AND pause_resumes_at <= ? AND state IN ('active', 'grace', 'restricted') ORDER BY pause_from, id LIMIT ?`,
		s.now(tx).UnixMilli(), sweepSlice)
	if err != nil {
		return err
	}
	for _, customer := range append(due, over...) {
		if err := s.syncSoon(tx, customer, false); err != nil {
			return err
		}
	}
	return nil
}
