package billing

import (
	"net/http"
	"time"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) pageRoutes() []web.Route {
	const base = "/-/org/{slug}/billing"
	post := func(path string, h web.Handler, actions ...string) web.Route {
		return web.Route{Method: "POST", Pattern: base + path, Access: web.InOrg(permManage), Narrow: true, Handler: h, Audit: actions}
	}
	return []web.Route{
		{Method: "GET", Pattern: "/-/pricing", Access: web.Public, Handler: s.pricingPage},
		{Method: "GET", Pattern: "/-/billing", Access: web.Person, Handler: s.toOrgPage},
		{Method: "GET", Pattern: "/-/billing/back", Access: web.Person, Handler: s.cameBack},
		{Method: "GET", Pattern: base, Access: web.InOrg(permRead), Handler: s.orgPage},
		{Method: "GET", Pattern: base + "/change", Access: web.InOrg(permManage), Handler: s.changePage},
		post("/checkout", s.checkoutForm, string(actCheckout)),
		post("/portal", s.portalForm, string(actPortal)),
		post("/preview", s.previewForm, string(actPreviewed)),
		post("/change", s.changeForm, string(actAsked), string(actRefused)),
		post("/cancel", s.cancelForm, string(actAsked), string(actRefused)),
		post("/withdraw", s.actForm(s.WithdrawChange, "withdrawn"), string(actAsked), string(actRefused)),
		post("/trial", s.actForm(s.EndTrial, "trial"), string(actAsked), string(actRefused)),
		post("/pause", s.pauseForm, string(actAsked), string(actRefused)),
		post("/resume", s.actForm(s.ResumeSubscription, "resumed"), string(actAsked), string(actRefused)),
	}
}

// linkTo is the address of billing for whoever is refused something in an org, and who
// may have no part in its billing.
func (s *System) linkTo(org web.Org) string { return s.URL + "/-/billing?org=" + org.Slug }

func pageOfOrg(org web.Org) string { return "/-/org/" + org.Slug + "/billing" }

// cameBack is where Stripe leads people back to: the customer is fetched, because they
// may be here before the event is.
func (s *System) cameBack(w http.ResponseWriter, r *http.Request) error {
	org, err := s.orgFor(r, permRead)
	if err != nil {
		return err
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		c, err := customerOf(tx, org.ID)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.syncSoon(tx, c.id, false)
	})
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, pageOfOrg(org)+"?done=back")
}

// orgData is what the page of an org shows.
type orgData struct {
	Org          web.Org
	On, May      bool
	Done         string
	Entitlements *Entitlements
	Seats        usage
	Usage        []usageView // of other limits, as the app told
	Sub          *subView    // nil: there is none
	Due          *dueView    // nil: nothing is overdue
	Plans        []planView
	Yearly       bool // the switch is on yearly prices
	HasYearly    bool
	Invoices     []invoiceView
	Older        string
	Methods      []methodView
	Reasons      []struct{ Key, Words string }
}

type usage struct {
	Used, Limit int64
	Limited     bool
	Over        bool
}

type subView struct {
	ID, Plan, Price   string
	Pill              web.Pill
	RenewsOn, EndsOn  time.Time // one of them
	TrialEnd          time.Time
	Quantity          int64
	CanResume, Paused bool
	EndsNow           bool // whoever cancels ends it at once
	Pending           time.Time
	subMore
}

type dueView struct {
	Amount, PayURL string
	LimitedOn      time.Time
	EndsOn         time.Time // zero: no plan ends for it
	Restricted     bool
}

type planView struct {
	Plan
	Current bool
	Price   *Price // that the switch shows; nil: none, as for the free plan
	Lines   []string
	Larger  bool // than the current one
	// Quantity is how many are bought: one, or a seat for each member.
	Quantity int64
}

type invoiceView struct {
	Number, Total, URL, PDF string
	Discount                string // that was taken off; "" for none
	Created                 time.Time
	Pill                    web.Pill
}

type methodView struct{ Label, Expiry string }

// done are the words of what was done, by the key that the address carries.
var done = map[string]string{
	"back": "You are back from Stripe. What you changed there shows here within moments.", "changed": "The plan is changed.",
	"pending": "The change waits for its payment. Confirm it at Stripe; until then everything stays as it is.", "canceled": "The subscription ends with what is paid for.",
	"scheduled": "The change is arranged. Until it comes everything stays as it is.", "withdrawn": "The change is taken back: everything stays as it is.",
	"trial": "The trial is over, and the plan is paid from now on.", "paused": "The plan pauses when what is paid for is used up.",
	"ended": "The subscription is ended.", "resumed": "The subscription goes on.",
}

func (s *System) orgPage(w http.ResponseWriter, r *http.Request) error { return s.showOrg(w, r, nil) }

// showOrg renders the page, with what was wrong with a form of it.
func (s *System) showOrg(w http.ResponseWriter, r *http.Request, failed error) error {
	v := web.View{Title: "Billing", Form: &web.Form{}}
	if failed != nil {
		e := web.AsError(failed)
		if e.Status >= 500 && e.Code != "stripe_unavailable" || e.Status == http.StatusUnauthorized {
			return failed
		}
		v.Status, v.Form.Err = e.Status, e
	}
	org, q := web.OriginOf(r.Context()).Org, r.URL.Query()
	e, err := s.Entitlements(r.Context(), org.ID)
	if err != nil {
		return err
	}
	data := orgData{Org: org, On: s.On(), May: web.IdentityOf(r.Context()).Can(permManage), Done: done[q.Get("done")], Entitlements: e, Yearly: q.Get("interval") == "year", Reasons: reasons}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error { return s.readOrg(tx, &data) }); err != nil {
		return err
	}
	invoices, next, err := s.invoicePage(r, org.ID, 12)
	if err != nil {
		return err
	}
	for _, i := range invoices {
		data.Invoices = append(data.Invoices, invoiceView{Number: i.number, Total: Money(i.total, i.currency), Discount: i.off(), URL: i.hosted, PDF: i.pdf, Created: at(i.created), Pill: invoicePill(i)})
	}
	if next != "" {
		data.Older = "?cursor=" + next
	}
	v.Data = data
	return s.Pages.Render(w, r, "billing/org", v)
}

func (s *System) readOrg(tx *store.Tx, d *orgData) error {
	used, err := auth.Seats(tx, d.Org.ID)
	if err != nil {
		return err
	}
	d.Seats.Used = used
	if l, limited := d.Entitlements.Limits[limitSeats]; limited && !l.Unlimited {
		d.Seats.Limit, d.Seats.Limited, d.Seats.Over = l.Value, true, used > l.Value
	}
	if d.Usage, err = usageViews(tx, d.Org.ID, d.Entitlements); err != nil {
		return err
	}
	if c, err := customerOf(tx, d.Org.ID); err == nil {
		methods, err := methodsOf(tx, c.id)
		if err != nil {
			return err
		}
		for _, m := range methods {
			d.Methods = append(d.Methods, methodView{m.label(), m.expiry()})
		}
	} else if !isNotFound(err) {
		return err
	}
	if err := s.readDue(tx, d); err != nil {
		return err
	}
	current, err := s.readSub(tx, d)
	if err != nil {
		return err
	}
	return readPlans(tx, d, current)
}

// readSub takes the subscription that the page speaks of: the one to a plan.
func (s *System) readSub(tx *store.Tx, d *orgData) (price string, err error) {
	subs, err := subsOfOrg(tx, d.Org.ID)
	if err != nil {
		return "", err
	}
	for _, sub := range subs {
		if !sub.state.lives() || sub.plan != d.Entitlements.Plan {
			continue
		}
		items, err := itemsOf(tx, sub.id)
		if err != nil {
			return "", err
		}
		name, err := planName(tx, sub.plan)
		if err != nil {
			return "", err
		}
		v := &subView{ID: sub.id, Plan: name, Price: priceWords(items, sub.currency), Quantity: quantityOf(items), Pill: subPill(sub), TrialEnd: at(sub.trialEnd),
			Paused: sub.pause != "" || sub.status == "paused", EndsNow: sub.state != Active, Pending: at(sub.pendingUntil)}
		v.CanResume = v.Paused || sub.cancelAtEnd || sub.cancelAt > 0
		switch {
		case sub.cancelAt > 0:
			v.EndsOn = at(sub.cancelAt)
		case sub.cancelAtEnd:
			v.EndsOn = at(sub.periodEnd)
		default:
			v.RenewsOn = at(sub.periodEnd)
		}
		if v.TrialEnd.Before(s.now(tx)) {
			v.TrialEnd = time.Time{}
		}
		d.Sub = v
		if v.subMore, err = s.more(tx, sub, items); err != nil {
			return "", err
		}
		main, err := largest(tx, items)
		return main.price, err
	}
	return "", nil
}

func (s *System) readDue(tx *store.Tx, d *orgData) error {
	owed, err := dunningOfOrg(tx, d.Org.ID)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	i, err := invoiceByID(tx, owed.invoice)
	if err != nil {
		return err
	}
	d.Due = &dueView{Amount: Money(owed.amount, owed.currency), PayURL: i.hosted, LimitedOn: owed.since.Add(restrictDay * oneDay), EndsOn: owed.endsOn(), Restricted: owed.state == Restricted}
	return nil
}

// readPlans takes what is sold, by the interval of the switch.
func readPlans(tx *store.Tx, d *orgData, current string) error {
	all, err := allPlans(tx)
	if err != nil {
		return err
	}
	rank := int64(-1)
	for _, p := range all {
		if p.Key == d.Entitlements.Plan && d.Sub != nil {
			rank = p.Rank
		}
	}
	for _, p := range all {
		if p.Archived || p.Kind == kindAddon {
			continue
		}
		v := planView{Plan: p, Current: p.Key == d.Entitlements.Plan, Lines: planLines(p), Larger: p.Rank > rank, Quantity: unitsFor(p, d.Seats.Used)}
		for _, price := range p.Prices {
			d.HasYearly = d.HasYearly || price.usable() && price.Interval == "year"
			if price.usable() && v.Price == nil && (price.Interval == "year") == d.Yearly {
				v.Price = &price
			}
		}
		if v.Current && d.Sub != nil && v.Price != nil && v.Price.ID != current {
			v.Current = false // the same plan by another interval or price
		}
		d.Plans = append(d.Plans, v)
	}
	return nil
}
