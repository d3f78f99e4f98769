package billing

import (
	"context"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"seaworthy/app/web"
	"seaworthy/store"
)

type creditInput struct {
	Amount   int64  `json:"amount"`   // minor units
	Currency string `json:"currency"` // the customer's if empty
	Note     string `json:"note"`     // why, for the audit log; it stands beside the credit at Stripe too
}

func (s *System) creditAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[creditInput](r)
	if err != nil {
		return err
	}
	c, err := s.customerIn(r)
	if err != nil {
		return err
	}
	out, err := s.Credit(r.Context(), c, in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

// Credit gives a customer money that his next invoices use up.
func (s *System) Credit(ctx context.Context, to customerRow, in creditInput) (out actOutput, err error) {
	if !s.On() {
		return out, errNothingSold
	}
	if in.Currency = strings.ToLower(in.Currency); in.Currency == "" {
		in.Currency = to.currency
	}
	var c web.Check
	in.Note = c.Text("note", in.Note, 1, 300)
	c.Fault(in.Amount > 0 && in.Amount <= maxAmount, "amount", "range", "More than nothing, in the currency's minor unit: 500 for 5.00.")
	c.Fault(currencyForm.MatchString(in.Currency) && (to.currency == "" || in.Currency == to.currency), "currency", "range", "The currency that the customer pays in.")
	if err := c.Err(); err != nil {
		return out, err
	}
	i, err := s.beginMoney(ctx, to.org, to.id, "credit", actCredited, func(*store.Tx) (wish, map[string]any, error) {
		return wish{Amount: in.Amount, At: in.Currency, Comment: in.Note}, map[string]any{"amount": in.Amount, "currency": in.Currency, "note": in.Note}, nil
	})
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, &i, func(ctx context.Context) error {
		_, err := s.client.balances.New(&stripe.CustomerBalanceTransactionParams{Params: keyed(ctx, i.id), Customer: stripe.String(to.id), Amount: stripe.Int64(-i.wish.Amount),
			Currency: stripe.String(i.wish.At), Description: stripe.String(i.wish.Comment)})
		return err
	})
	if err != nil {
		return out, err
	}
	return actOutput{ID: i.id, State: "done"}, s.moneyMoved(ctx, &i, to.id)
}
