package stripesim

import (
	"net/http"
	"strings"
	"time"

	"seaworthy/app/web"
)

const shown = 25 // rows of each table of the dashboard

type deskRow struct {
	ID, Name, Status, Kind, Detail string
	At                             time.Time
}

type desk struct {
	Now                                        time.Time
	Next                                       time.Time // zero: nothing will happen by itself
	Faults                                     Faults
	Choices                                    []choice
	Customers, Subscriptions, Invoices, Events []deskRow
}

type choice struct {
	Name, Label, Value string
	Options            []string
}

func (s *Sim) deskPage(w http.ResponseWriter, r *http.Request) error {
	d := s.desk()
	if web.WantsJSON(r) {
		return web.JSON(w, http.StatusOK, map[string]any{"now": d.Now.Unix(), "faults": d.Faults, "customers": d.Customers, "subscriptions": d.Subscriptions, "invoices": d.Invoices, "events": d.Events})
	}
	return s.Pages.Render(w, r, "stripesim/desk", web.View{Title: "Stripe simulator", Data: d})
}

// kindOf is the colour of a state.
func kindOf(status string) string {
	switch status {
	case "active", "paid", "delivered", "trialing":
		return "ok"
	case "past_due", "open", "incomplete", "waiting", "paused":
		return "warn"
	case "unpaid", "failed", "uncollectible", "incomplete_expired":
		return "danger"
	}
	return "info"
}

func (s *Sim) desk() desk {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	d := desk{Now: s.now(), Faults: f, Choices: []choice{
		{"api", "The API answers with", f.API, strings.Fields("429 lock_timeout 500 500_retry 500_no_retry lost stale slow")},
		{"body", "Webhooks are", f.Body, strings.Fields("truncate truncate_signed oversize dahlia thin livemode")},
		{"secret", "Webhooks are signed with the secret", f.Secret, strings.Fields("wrong old both")},
		{"time", "Webhooks bear a time that is", f.Time, strings.Fields("future old")},
		{"end_rule", "After the last retry a subscription is", f.EndRule, strings.Fields("past_due unpaid cancel")},
	}}
	if at, _, act := s.next(""); act != nil {
		d.Next = at
	}
	rows := func(kind string, row func(object) deskRow) (all []deskRow) {
		for _, o := range s.all(kind) {
			if len(all) == shown {
				break
			}
			one := row(o)
			one.ID, one.At, one.Kind = o.str("id"), when(o.num("created")), kindOf(one.Status)
			all = append(all, one)
		}
		return all
	}
	d.Customers = rows("customer", func(o object) deskRow { return deskRow{Name: o.str("name"), Detail: o.str("email")} })
	d.Subscriptions = rows("subscription", func(o object) deskRow {
		return deskRow{Name: s.objects[o.str("customer")].str("name"), Status: o.str("status"), Detail: "until " + when(o.num("current_period_end")).Format("2 Jan 2006, 15:04")}
	})
	d.Invoices = rows("invoice", func(o object) deskRow {
		return deskRow{Name: o.str("number"), Status: o.str("status"), Detail: money(o.num("total"), o.str("currency"))}
	})
	states := map[string]string{}
	for _, o := range s.all("_delivery") {
		states[o.str("event")] = o.str("state")
	}
	d.Events = rows("event", func(o object) deskRow { return deskRow{Name: o.str("type"), Status: states[o.str("id")]} })
	return d
}

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

type window struct {
	ID, Back, Card, Fault   string
	Cards                   []Card
	Subscriptions, Invoices []deskRow
	Ending                  map[string]bool
}

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

type receipt struct {
	ID, Number, Status, Kind, Total, Confirm string
	Lines                                    []deskRow
}

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
