package billing

import (
	"context"
	"net/http"
	"slices"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type refundInput struct {
	Amount int64  `json:"amount"` // minor units; what is left of the payment if 0
	Reason string `json:"reason"` // requested_by_customer, duplicate or fraudulent
	Note   string `json:"note"`   // why, for the audit log
}

// refundReasons are Stripe's, with the words of the form.
var refundReasons = []struct{ Key, Words string }{
	{"requested_by_customer", "The customer asked for it"}, {"duplicate", "It was paid twice"}, {"fraudulent", "It was not the owner of the card"},
}

func (s *System) refundAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[refundInput](r)
	if err != nil {
		return err
	}
	out, err := s.Refund(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// Refund pays an invoice back to the card it was paid by. Once Stripe has done it, its
// event brings the refund into the mirror and the mail to the customer.
func (s *System) Refund(ctx context.Context, invoice string, in refundInput) (out actOutput, err error) {
	if !s.On() {
		return out, errNothingSold
	}
	var c web.Check
	in.Note = c.Text("note", in.Note, 1, 300)
	c.Fault(in.Amount >= 0, "amount", "range", "More than nothing.")
	c.Fault(slices.ContainsFunc(refundReasons, func(r struct{ Key, Words string }) bool { return r.Key == in.Reason }), "reason", "unknown", "Say requested_by_customer, duplicate or fraudulent.")
	if err := c.Err(); err != nil {
		return out, err
	}
	row, err := store.Read(ctx, s.DB, func(tx *store.Tx) (invoiceRow, error) { return invoiceByID(tx, invoice) })
	if err != nil {
		return out, err
	}
	charge, err := s.chargeOf(ctx, invoice)
	if err != nil {
		return out, err
	}
	w := wish{Invoice: invoice, Reason: in.Reason, Comment: in.Note}
	i, err := s.beginMoney(ctx, row.org, row.customer, "refund", actRefundAsked, func(tx *store.Tx) (wish, map[string]any, error) {
		left, err := refundable(tx, row)
		switch {
		case err != nil:
			return w, nil, err
		case left <= 0:
			return w, nil, &web.Error{Status: http.StatusConflict, Code: "nothing_to_refund", Public: "Nothing of this invoice is left to pay back."}
		case in.Amount > left:
			return w, nil, web.Invalid(web.Field{Field: "amount", Code: "range", Message: "At most " + Money(left, row.currency) + " is left of it."})
		}
		if w.Amount = in.Amount; w.Amount == 0 {
			w.Amount = left
		}
		return w, map[string]any{"invoice": row.number, "amount": w.Amount, "currency": row.currency, "reason": in.Reason, "note": in.Note}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		_, err := s.client.refunds.New(&stripe.RefundParams{Params: keyed(ctx, i.id), Charge: stripe.String(charge), Amount: stripe.Int64(i.wish.Amount), Reason: stripe.String(i.wish.Reason)})
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.moneyMoved(ctx, &i, row.customer)
}

// chargeOf is the payment that an invoice was paid with.
func (s *System) chargeOf(ctx context.Context, invoice string) (string, error) {
	within, cancel := context.WithTimeout(ctx, inRequest)
	defer cancel()
	found, err := s.client.invoices.Get(invoice, &stripe.InvoiceParams{Params: reading(within)})
	switch {
	case err != nil && isMissing(err):
		return "", store.ErrNotFound
	case err != nil:
		return "", outage(err)
	case found.Charge == nil || !found.Paid && found.Status != stripe.InvoiceStatusPaid:
		return "", &web.Error{Status: http.StatusConflict, Code: "not_paid", Public: "This invoice was not paid by a card or account, so that there is nothing to pay back."}
	}
	return found.Charge.ID, nil
}

// refundable is what is left of what was paid for an invoice.
func refundable(tx *store.Tx, i invoiceRow) (int64, error) {
	back, err := paidBack(tx, i.customer)
	return i.paid - back[i.id], err
}

// paidBack is how much of each of a customer's invoices was paid back, or is about to be.
func paidBack(tx *store.Tx, customer string) (map[string]int64, error) {
	type row struct {
		invoice, status string
		amount          int64
	}
	all, err := store.All(tx, func(r store.Scanner) (v row, err error) { return v, r.Scan(&v.invoice, &v.status, &v.amount) },
		`SELECT invoice_id, status, amount FROM billing_refund WHERE customer_id = ? ORDER BY id`, customer)
	back := map[string]int64{}
	for _, one := range all {
		if one.status != string(stripe.RefundStatusFailed) && one.status != string(stripe.RefundStatusCanceled) {
			back[one.invoice] += one.amount
		}
	}
	return back, err
}

// beginMoney stores that money is to move, with its event, as beginAct does for a
// subscription: one that is open with the same wish is one whose answer was lost.
func (s *System) beginMoney(ctx context.Context, org, customer, kind string, action audit.Action, wants func(*store.Tx) (wish, map[string]any, error)) (i intent, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		w, details, err := wants(tx)
		if err != nil {
			return err
		}
		open, err := store.All(tx, scanIntent, intentColumns+`WHERE org_id = ? ORDER BY id DESC LIMIT 20`, org)
		if err != nil {
			return err
		}
		for _, o := range open {
			if o.kind == kind && o.state == intentOpen && o.wish == w {
				i = o
				return nil
			}
		}
		i = intent{org: org, kind: kind, state: intentOpen, wish: w}
		if err := insertIntent(tx, &i, oneDay); err != nil {
			return err
		}
		refs := append(i.targets(), audit.Ref{Type: "customer", ID: customer})
		if w.Invoice != "" {
			refs = append(refs, audit.Ref{Type: "invoice", ID: w.Invoice})
		}
		return s.Audit.Record(tx, audit.Event{Action: action, Org: org, Targets: refs, Details: details})
	})
	return i, err
}

// moneyMoved notes that Stripe did it, and has the customer fetched.
func (s *System) moneyMoved(ctx context.Context, i *intent, customer string) error {
	return s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return firstOf(endIntent(tx, i.id, intentDone, ""), s.syncSoon(tx, customer, false))
	})
}
