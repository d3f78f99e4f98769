package billing

import (
	"context"
	"net/http"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// customerForms are what the page of a customer does.
func (s *System) customerForms() []web.Route {
	post := func(path string, h web.Handler, actions ...audit.Action) web.Route {
		r := web.Route{Method: "POST", Pattern: "/-/admin/billing/customers/{id}/" + path, Access: web.Permission(permRun), Handler: h}
		for _, a := range append(actions, actRefused) {
			r.Audit = append(r.Audit, string(a))
		}
		return r
	}
	refund, credit := post("refund", s.refundForm, actRefundAsked), post("credit", s.creditForm, actCredited)
	refund.Fresh, credit.Fresh = true, true
	return []web.Route{
		refund, credit,
		{Method: "POST", Pattern: "/-/admin/billing/customers/{id}/let-go", Access: web.Permission(permRun), Fresh: true, Handler: s.letGoForm, Audit: letGoAudit},
		post("pause", customerForm(s, s.Pause, "paused"), actAsked),
		post("resume", customerForm(s, func(ctx context.Context, org string, in resumeInput) (actOutput, error) {
			return s.ResumeSubscription(ctx, org, in.Subscription)
		}, "resumed"), actAsked),
		post("trial", customerForm(s, s.extendTrial, "trial"), actAsked),
		post("coupon", customerForm(s, s.ApplyCoupon, "coupon"), actCouponSet),
		post("uncoupon", customerForm(s, func(ctx context.Context, org string, in resumeInput) (actOutput, error) {
			return s.RemoveCoupon(ctx, org, in.Subscription)
		}, "uncoupon"), actCouponGone),
	}
}

func pageOfCustomer(id string) string { return "/-/admin/billing/customers/" + id }

// customerForm serves the form of an act about a subscription of the customer.
func customerForm[In any](s *System, act func(ctx context.Context, org string, in In) (actOutput, error), word string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[In](r)
		if err != nil {
			return err
		}
		c, err := s.customerIn(r)
		if err != nil {
			return err
		}
		if _, err := act(r.Context(), c.org, in); err != nil {
			return s.showCustomer(w, r, err)
		}
		return web.SeeOther(w, r, pageOfCustomer(c.id)+"?done="+word)
	}
}

type moneyForm struct {
	Invoice string `json:"invoice,omitempty"`
	Amount  string `json:"amount"` // as people write it: 12.50
	Reason  string `json:"reason,omitempty"`
	Note    string `json:"note"`
	Confirm string `json:"confirm,omitempty"`
}

// read finds the amount in minor units, 0 for none given, and the confirmation.
func (in *moneyForm) read(currency string) (amount int64, err error) {
	var c web.Check
	c.Fault(in.Confirm == "yes", "confirm", "required", "Say that you mean it.")
	if text := strings.TrimSpace(in.Amount); text != "" {
		var ok bool
		amount, ok = minor(text, currency)
		c.Fault(ok && amount > 0, "amount", "form", "Write an amount as 12.50.")
	}
	return amount, c.Err()
}

func (s *System) refundForm(w http.ResponseWriter, r *http.Request) error {
	return s.moneyForm(w, r, "refund", func(c customerRow, in moneyForm, amount int64) error {
		i, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (invoiceRow, error) { return invoiceByID(tx, in.Invoice) })
		if err == nil && i.customer != c.id {
			err = store.ErrNotFound
		}
		if err == nil {
			_, err = s.Refund(r.Context(), i.id, refundInput{Amount: amount, Reason: in.Reason, Note: in.Note})
		}
		return err
	})
}

func (s *System) creditForm(w http.ResponseWriter, r *http.Request) error {
	return s.moneyForm(w, r, "credit", func(c customerRow, in moneyForm, amount int64) error {
		_, err := s.Credit(r.Context(), c, creditInput{Amount: amount, Note: in.Note})
		return err
	})
}

func (s *System) moneyForm(w http.ResponseWriter, r *http.Request, word string, act func(customerRow, moneyForm, int64) error) error {
	in, err := web.Decode[moneyForm](r)
	if err != nil {
		return err
	}
	c, err := s.customerIn(r)
	if err != nil {
		return err
	}
	amount, err := in.read(c.currency)
	if err == nil {
		err = act(c, in, amount)
	}
	if err != nil {
		return s.showCustomer(w, r, err)
	}
	return web.SeeOther(w, r, pageOfCustomer(c.id)+"?done="+word)
}

// refundView is an invoice of which something can be paid back.
type refundView struct{ ID, Words string }
