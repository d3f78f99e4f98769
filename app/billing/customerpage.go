package billing

import (
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

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
	Missing               bool         // Stripe knows nothing of him
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
	if d.Missing, err = isAlarmed(tx, alarmMissing, c.id); err != nil {
		return err
	}
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
		if v.Plan, err = planName(tx, sub.plan); err != nil {
			return err
		}
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
