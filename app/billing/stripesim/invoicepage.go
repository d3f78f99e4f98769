package stripesim

import (
	"net/http"

	"seaworthy/app/web"
)

type receipt struct {
	ID, Number, Status, Kind, Total, Confirm string
	Lines                                    []deskRow
}

// invoicePage is what hosted_invoice_url leads to. While its payment waits for the owner of
// the card, it asks for his answer.
func (s *Sim) invoicePage(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	o := s.objects[r.PathValue("id")]
	v := receipt{ID: o.str("id"), Number: o.str("number"), Status: o.str("status"), Kind: kindOf(o.str("status")), Total: money(o.num("total"), o.str("currency"))}
	if o.str("status") == "open" {
		v.Confirm = o.str("payment_intent")
	}
	for _, l := range o.rows("lines") {
		v.Lines = append(v.Lines, deskRow{Name: l.str("description"), Detail: money(l.num("amount"), l.str("currency"))})
	}
	s.mu.Unlock()
	if o.str("object") != "invoice" {
		return web.ErrNotFound
	}
	return s.Pages.Render(w, r, "stripesim/invoice", web.View{Title: "Invoice " + v.Number, Data: v})
}

// confirmPage asks the owner of a card: a payment's invoice shows the question.
func (s *Sim) confirmPage(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	inv := s.objects[r.PathValue("id")].str("invoice")
	s.mu.Unlock()
	if inv == "" {
		return web.ErrNotFound
	}
	return web.SeeOther(w, r, Path+"/invoices/"+inv)
}

// confirmForm is that owner's yes. A card that has no money says no all the same.
func (s *Sim) confirmForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.Decode[struct{}](r); err != nil {
		return err
	}
	var inv string
	var refused *Error
	err := s.change(r.Context(), func() error {
		o := s.edit(r.PathValue("id"))
		if o.str("object") != "payment_intent" || o.str("invoice") == "" {
			return web.ErrNotFound
		}
		inv = o.str("invoice")
		if o.str("status") != "succeeded" {
			refused = s.confirm(o, "")
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case refused != nil:
		return plainly(refused)
	}
	return web.SeeOther(w, r, Path+"/invoices/"+inv)
}
