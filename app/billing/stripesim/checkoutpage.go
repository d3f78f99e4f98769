package stripesim

import (
	"net/http"

	"seaworthy/app/web"
)

type till struct {
	ID, Total, Lead, Cancel, Number string
	Lines                           []deskRow
	Cards                           []Card
	Asks                            bool // the owner has to confirm
	Fault                           string
}

// till is what the checkout page of a session shows.
func (s *Sim) till(id string) (till, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[id]
	if o.str("object") != "checkout.session" {
		return till{}, web.ErrNotFound
	}
	if o.str("status") != "open" {
		return till{}, &web.Error{Status: http.StatusGone, Code: "checkout_over", Public: "This checkout is over. Start a new one where you came from."}
	}
	t := till{ID: id, Total: money(o.num("amount_total"), o.str("currency")), Cancel: o.str("cancel_url"), Cards: Cards()}
	if days := o.sub("_form").str("trial_period_days"); days != "" {
		t.Lead = "Free for " + days + " days, then " + t.Total + "."
	}
	for _, l := range object(o).rows("_lines") {
		t.Lines = append(t.Lines, deskRow{Name: l.str("description"), Detail: money(l.num("amount_total"), l.str("currency"))})
	}
	return t, nil
}

func (s *Sim) checkoutPage(w http.ResponseWriter, r *http.Request) error {
	t, err := s.till(r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "stripesim/checkout", web.View{Title: "Checkout", Data: t})
}

type paying struct {
	Number string `json:"number"`
	Yes    string `json:"confirm,omitempty"` // yes, no: the owner's answer
}

// checkoutForm is the person in front of that page, who pays with a test card. A card that
// asks its owner shows the question on the same page, as a bank does in a window of its own.
func (s *Sim) checkoutForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[paying](r)
	if err != nil {
		return err
	}
	t, err := s.till(r.PathValue("id"))
	if err != nil {
		return err
	}
	status, next := 0, ""
	if in.Yes == "no" {
		t.Fault, status = "The owner of the card said no. Nothing was paid.", http.StatusPaymentRequired
	} else {
		next, t.Asks, err = s.CompleteCheckout(r.Context(), t.ID, in.Number, in.Yes == "yes")
		if fault, ok := plainly(err).(*web.Error); ok {
			t.Fault, status = fault.Public, fault.Status
		} else if err != nil {
			return err
		}
	}
	if next != "" {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	t.Number = in.Number
	return s.Pages.Render(w, r, "stripesim/checkout", web.View{Title: "Checkout", Status: status, Data: t})
}
