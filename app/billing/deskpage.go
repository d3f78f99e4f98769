package billing

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) deskPages() []web.Route {
	const base = "/-/admin/billing"
	see, run := web.Permission(permSee), web.Permission(permRun)
	planActs := []string{string(actPlanMade), string(actPlanChanged), string(actPlanArchived), string(actPlanReopened)}
	return []web.Route{
		{Method: "GET", Pattern: base, Access: see, Handler: s.deskPage},
		{Method: "GET", Pattern: base + "/customers/{id}", Access: see, Handler: s.customerPage},
		{Method: "GET", Pattern: base + "/plans", Access: see, Handler: s.plansPage},
		{Method: "GET", Pattern: base + "/plans/edit", Access: run, Handler: s.planPage},
		{Method: "POST", Pattern: base + "/plans/edit", Access: run, Handler: s.planForm, Audit: planActs},
		{Method: "GET", Pattern: base + "/settings", Access: run, Handler: s.settingsPage},
		{Method: "POST", Pattern: base + "/settings", Access: run, Handler: s.settingsForm, Audit: []string{string(actSettings)}},
		{Method: "POST", Pattern: base + "/replay", Access: run, Handler: s.replayForm, Audit: []string{string(actReplayed)}},
		{Method: "POST", Pattern: base + "/clear", Access: run, Handler: s.clearForm, Audit: []string{string(actCleared)}},
	}
}

type stat struct{ Label, Value, Note, Kind, Path string }

type deskData struct {
	Cards   []stat
	Figures figures
	Events  []eventView
	State   string
	Older   string
	Newer   string
	May     bool
	Done    string
	On      bool
}

type eventView struct {
	ID, Type, Object, Customer, Note, Source string
	Received                                 time.Time
	Pill                                     web.Pill
}

var deskDone = map[string]string{"replayed": "The event is looked at once more.", "cleared": "The alarm is cleared. If it is so again, it comes again.", "saved": "The plan is saved.",
	"rules": "The rules are saved.", "paused": "The subscription is paused.", "resumed": "The subscription goes on.", "trial": "The trial ends later.", "coupon": "The coupon is applied.", "uncoupon": "The coupon is removed.",
	"refund": "The payment is paid back. It shows here once Stripe tells of it.", "credit": "The credit is given."}

func (s *System) deskPage(w http.ResponseWriter, r *http.Request) error {
	f, err := s.figures(r.Context())
	if err != nil {
		return err
	}
	rows, next, err := s.eventPage(r, 25)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	d := deskData{Figures: f, State: q.Get("state"), May: web.IdentityOf(r.Context()).Can(permRun), Done: deskDone[q.Get("done")], On: s.On(), Cards: f.cards()}
	if next != "" {
		d.Older = "?cursor=" + next + "&state=" + d.State
	}
	if q.Get("cursor") != "" {
		d.Newer = "/-/admin/billing?state=" + d.State
	}
	for _, e := range rows {
		d.Events = append(d.Events, eventView{ID: e.id, Type: e.typ, Object: e.object, Customer: e.customer, Note: e.note, Source: e.source, Received: e.received, Pill: eventPill(e.state)})
	}
	return s.Pages.Render(w, r, "billing/desk", web.View{Title: "Billing", Data: d})
}

func eventPill(state string) web.Pill {
	switch state {
	case eventDone:
		return web.Pill{Kind: "ok", Word: state}
	case eventParked:
		return web.Pill{Kind: "danger", Word: state}
	}
	return web.Pill{Kind: "info", Word: state}
}

// cards are the figures as the top of the page shows them.
func (f *figures) cards() []stat {
	monthly := "0"
	var all []string
	for _, currency := range slices.Sorted(maps.Keys(f.Monthly)) {
		all = append(all, Money(f.Monthly[currency], currency))
	}
	if len(all) > 0 {
		monthly = strings.Join(all, " + ")
	}
	kindOf := func(bad bool, kind string) string {
		if bad {
			return kind
		}
		return ""
	}
	return []stat{
		{Label: "Monthly recurring", Value: monthly, Note: "without trials and discounts"},
		{Label: "Active", Value: itoa(f.ByState[Active]), Note: "paid or on trial"},
		{Label: "Overdue", Value: itoa(f.ByState[Grace]), Note: "everything still works", Kind: kindOf(f.ByState[Grace] > 0, "warn")},
		{Label: "Restricted", Value: itoa(f.ByState[Restricted]), Note: "read-only", Kind: kindOf(f.ByState[Restricted] > 0, "danger")},
		{Label: "Alarms", Value: itoa(int64(len(f.Alarms))), Note: "need a person", Kind: kindOf(len(f.Alarms) > 0, "danger")},
		{Label: "Drift", Value: itoa(f.Drift), Note: "repaired since the start", Kind: kindOf(f.Drift > 0, "warn")},
	}
}

func (s *System) replayForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[struct {
		Event string `json:"event"`
	}](r)
	if err != nil {
		return err
	}
	if err := s.Replay(r.Context(), in.Event); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/admin/billing?done=replayed")
}

func (s *System) clearForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[clearInput](r)
	if err != nil {
		return err
	}
	if err := s.ClearAlarm(r.Context(), in.Key); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/admin/billing?done=cleared")
}

// customerData is all of a customer on one page, with his timeline.
type customerData struct {
	ID, Currency, Balance string
	Org                   web.Org
	Deleted, Fetched      time.Time
	Due                   *overdueOutput
	Subs                  []customerSub
	Invoices              []invoiceView
	Notices               []noticeView
	Events                []audit.Row
	May                   bool
	Done                  string
	Refunds               []refundView // invoices of which something can be paid back
	Reasons               []struct{ Key, Words string }
}

type customerSub struct {
	ID, Plan, Price string
	Pill            web.Pill
	Started         time.Time
	Lives           bool
	CanResume       bool
	subMore
}

type noticeView struct {
	What, State, Note string
	Made              time.Time
}

func (s *System) customerPage(w http.ResponseWriter, r *http.Request) error {
	return s.showCustomer(w, r, nil)
}

// showCustomer renders the page, with what was wrong with a form of it.
func (s *System) showCustomer(w http.ResponseWriter, r *http.Request, failed error) error {
	v := web.View{Form: &web.Form{}}
	if failed != nil {
		e := web.AsError(failed)
		if e.Status >= 500 && e.Code != "stripe_unavailable" || e.Status == http.StatusUnauthorized {
			return failed
		}
		v.Status, v.Form.Err = e.Status, e
	}
	d := customerData{ID: r.PathValue("id"), May: web.IdentityOf(r.Context()).Can(permRun) && s.On(), Done: deskDone[r.URL.Query().Get("done")], Reasons: refundReasons}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error { return s.readCustomer(tx, &d) }); err != nil {
		return err
	}
	v.Title, v.Data = d.Org.Name, d
	return s.Pages.Render(w, r, "billing/customer", v)
}

func (s *System) readCustomer(tx *store.Tx, d *customerData) error {
	c, err := customerByID(tx, d.ID)
	if err != nil {
		return err
	}
	d.Currency, d.Balance, d.Deleted, d.Fetched = upper(c.currency), Money(c.balance, c.currency), c.deleted, c.fetched
	if d.Org, err = auth.FindOrg(tx, c.org); err != nil {
		d.Org = web.Org{ID: c.org, Name: c.org}
	}
	subs, err := subsOfCustomer(tx, c.id)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		items, err := itemsOf(tx, sub.id)
		if err != nil {
			return err
		}
		v := customerSub{ID: sub.id, Plan: sub.plan, Price: priceWords(items, sub.currency), Pill: subPill(sub), Started: at(sub.started), Lives: sub.state.lives(),
			CanResume: sub.pause != "" || sub.status == "paused"}
		if v.subMore, err = s.more(tx, sub, items); err != nil {
			return err
		}
		d.Subs = append(d.Subs, v)
	}
	invoices, err := store.All(tx, scanInvoice, invoiceColumns+`WHERE org_id = ? ORDER BY created_at DESC, id DESC LIMIT 20`, c.org)
	if err != nil {
		return err
	}
	back, err := paidBack(tx, c.id)
	if err != nil {
		return err
	}
	for _, i := range invoices {
		if left := i.paid - back[i.id]; i.customer == c.id && left > 0 {
			d.Refunds = append(d.Refunds, refundView{i.id, i.number + ", " + Money(left, i.currency) + " left"})
		}
		d.Invoices = append(d.Invoices, invoiceView{Number: i.number, Total: Money(i.total, i.currency), Discount: i.off(), URL: i.hosted, PDF: i.pdf, Created: at(i.created), Pill: invoicePill(i)})
	}
	if owed, err := dunningOf(tx, c.id); err == nil {
		d.Due = &overdueOutput{State: owed.state, Amount: owed.amount, Currency: owed.currency, Since: owed.since, Next: nextWords(owed), NextAt: owed.next}
	} else if !isNotFound(err) {
		return err
	}
	if d.Notices, err = store.All(tx, func(r store.Scanner) (n noticeView, err error) {
		var made int64
		err = r.Scan(&n.What, &n.State, &n.Note, &made)
		n.Made, n.What = at(made), plainName(strings.TrimPrefix(n.What, "billing/"))
		return n, err
	}, `SELECT template, state, note, made_at FROM billing_notice WHERE customer_id = ? ORDER BY made_at DESC, key DESC LIMIT 30`, c.id); err != nil {
		return err
	}
	events, err := audit.List(tx, audit.Filter{Target: "customer:" + c.id, Limit: 60})
	d.Events = s.Audit.Rows(events, "/-/admin/audit")
	return err
}
