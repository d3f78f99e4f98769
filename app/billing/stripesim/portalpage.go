package stripesim

import (
	"net/http"

	"seaworthy/app/web"
)

type window struct {
	ID, Back, Card, Fault   string
	Cards                   []Card
	Subscriptions, Invoices []deskRow
	Ending                  map[string]bool
}

// window is what the portal's page of a session shows.
func (s *Sim) window(id string) (window, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[id]
	if o.str("object") != "billing_portal.session" {
		return window{}, web.ErrNotFound
	}
	v := window{ID: id, Back: o.str("return_url"), Cards: Cards(), Ending: map[string]bool{}}
	used := s.objects[o.str("customer")].sub("invoice_settings").str("default_payment_method")
	for _, sub := range s.all("subscription") { // its own card comes before the customer's
		if own := sub.str("default_payment_method"); own != "" && sub.str("customer") == o.str("customer") && !ended(sub) {
			used = own
		}
	}
	if pm := s.objects[used]; pm != nil {
		v.Card = pm.sub("card").str("brand") + " ending in " + pm.sub("card").str("last4")
	}
	for _, sub := range s.all("subscription") {
		if sub.str("customer") == o.str("customer") && !ended(sub) {
			v.Ending[sub.str("id")] = sub.yes("cancel_at_period_end")
			v.Subscriptions = append(v.Subscriptions, deskRow{ID: sub.str("id"), Status: sub.str("status"), Kind: kindOf(sub.str("status")), Detail: when(sub.num("current_period_end")).Format("2 Jan 2006")})
		}
	}
	for _, inv := range s.all("invoice") {
		if inv.str("customer") == o.str("customer") && inv.str("status") != "draft" {
			v.Invoices = append(v.Invoices, deskRow{ID: inv.str("id"), Name: inv.str("number"), Status: inv.str("status"), Kind: kindOf(inv.str("status")), Detail: money(inv.num("total"), inv.str("currency"))})
		}
	}
	return v, nil
}

func (s *Sim) portalPage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.window(r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "stripesim/portal", web.View{Title: "Billing portal", Data: v})
}

// portalForm is what a customer does in the portal. The program that sells hears of it by
// webhooks alone.
func (s *Sim) portalForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[struct {
		Act          string `json:"act"` // card, cancel, resume
		Number       string `json:"number,omitempty"`
		Subscription string `json:"subscription,omitempty"`
	}](r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	switch in.Act {
	case "card":
		err = s.PortalCard(r.Context(), id, in.Number)
	case "cancel", "resume":
		err = s.PortalCancel(r.Context(), id, in.Subscription, in.Act == "cancel")
	default:
		err = web.BadRequest("act_unknown", "There is no such act.")
	}
	fault, isFault := plainly(err).(*web.Error)
	switch {
	case err == nil:
		return web.SeeOther(w, r, Path+"/portal/"+id)
	case !isFault:
		return err
	}
	v, err := s.window(id)
	if err != nil {
		return err
	}
	v.Fault = fault.Public
	return s.Pages.Render(w, r, "stripesim/portal", web.View{Title: "Billing portal", Status: fault.Status, Data: v})
}
