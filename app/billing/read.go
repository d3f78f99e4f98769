package billing

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) readRoutes() []web.Route {
	get := func(path, summary string, h web.Handler, out any) web.Route {
		return web.Route{Method: "GET", Pattern: "/-/api/v1/billing/" + path, Access: web.SignedIn, Handler: h, Doc: web.Doc{Summary: summary, Out: out}}
	}
	return []web.Route{
		get("subscription", "The subscriptions of the org that the caller works in, or of ?org=", s.subscriptionAPI, subscriptionOutput{}),
		get("entitlements", "What that org may use: plan, access, features and limits with what is used", s.entitlementsAPI, entitlementsOutput{}),
		get("invoices", "The invoices of that org, the newest first", s.invoicesAPI, invoicesOutput{}),
	}
}

// orgFor is the org that a request is about, in which the caller has a permission: the
// one he works in, or the one that ?org= names by its id or slug.
func (s *System) orgFor(r *http.Request, permission string) (web.Org, error) {
	org, has, err := s.orgOf(r)
	if err == nil && permission != "" && !has.Can(permission) {
		err = web.Forbidden(permission)
	}
	return org, err
}

// orgOf is that org, with what the caller may do there. Whoever has no business in it is
// told that there is none.
func (s *System) orgOf(r *http.Request) (org web.Org, has web.Identity, err error) {
	id := web.IdentityOf(r.Context())
	asked := r.URL.Query().Get("org")
	if asked == "" {
		asked = id.Org
	}
	if asked == "" {
		return org, has, web.Invalid(web.Field{Field: "org", Code: "required", Message: "Say which organization, as ?org=."})
	}
	org, has.Permissions, err = s.Auth.Enter(r.Context(), id, asked)
	return org, has, err
}

type subscriptionOutput struct {
	Data    []subOutput    `json:"data"`
	Dunning *dunningOutput `json:"overdue"` // null: nothing is owed
}

type subOutput struct {
	ID          string       `json:"id"`
	Status      string       `json:"status"` // as Stripe says it
	State       State        `json:"state"`
	Plan        string       `json:"plan"`
	PlanVersion int64        `json:"plan_version"`
	Currency    string       `json:"currency"`
	Items       []itemOutput `json:"items"`
	PeriodStart time.Time    `json:"period_start"`
	PeriodEnd   time.Time    `json:"period_end"`
	TrialEnd    time.Time    `json:"trial_end,omitzero"`
	CancelAtEnd bool         `json:"cancel_at_period_end"`
	CancelAt    time.Time    `json:"cancel_at,omitzero"`
	EndedAt     time.Time    `json:"ended_at,omitzero"`
	Paused      string       `json:"paused,omitempty"`       // how: void, keep_as_draft or mark_uncollectible
	PausedFrom  time.Time    `json:"paused_from,omitzero"`   // of void: until then is paid for
	Resumes     time.Time    `json:"resumes_at,omitzero"`    // of a pause with an end
	Next        *nextOutput  `json:"scheduled"`              // null: it stays as it is
	Discount    string       `json:"discount,omitempty"`     // what is taken off, in words
	Pending     time.Time    `json:"pending_until,omitzero"` // a change waits for its payment until then
}

// nextOutput is what a subscription becomes with its next period.
type nextOutput struct {
	Plan     string    `json:"plan"`
	Price    string    `json:"price"`
	Quantity int64     `json:"quantity"`
	At       time.Time `json:"at"`
}

type itemOutput struct {
	ID       string `json:"id"`
	Price    string `json:"price"`
	Quantity int64  `json:"quantity"`
	Amount   int64  `json:"unit_amount"`
	Interval string `json:"interval"`
	Count    int64  `json:"interval_count"`
}

type dunningOutput struct {
	State    State     `json:"state"`
	Invoice  string    `json:"invoice"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Since    time.Time `json:"since"`
	Limited  time.Time `json:"read_only_from"`
	Ends     time.Time `json:"plan_ends_on,omitzero"` // not for an invoice of no subscription
	Paused   bool      `json:"paused"`                // a dispute is open
}

func outputOf(tx *store.Tx, sub subRow) (o subOutput, err error) {
	items, err := itemsOf(tx, sub.id)
	o = subOutput{ID: sub.id, Status: sub.status, State: sub.state, Plan: sub.plan, PlanVersion: sub.planVersion, Currency: sub.currency, Items: []itemOutput{},
		PeriodStart: at(sub.periodStart), PeriodEnd: at(sub.periodEnd), TrialEnd: at(sub.trialEnd), CancelAtEnd: sub.cancelAtEnd, CancelAt: at(sub.cancelAt),
		EndedAt: at(sub.endedAt), Paused: sub.pause, Pending: at(sub.pendingUntil)}
	o.PausedFrom, o.Resumes, o.Discount = at(sub.pauseFrom), at(sub.pauseResumes), sub.discountWords()
	if sub.nextPrice != "" {
		o.Next = &nextOutput{Price: sub.nextPrice, Quantity: sub.nextQuantity, At: at(sub.nextAt)}
		if p, err := priceByID(tx, sub.nextPrice); err == nil {
			o.Next.Plan = p.plan
		} else if !isNotFound(err) {
			return o, err
		}
	}
	for _, i := range items {
		o.Items = append(o.Items, itemOutput{ID: i.id, Price: i.price, Quantity: i.quantity, Amount: i.amount, Interval: i.interval, Count: i.count})
	}
	return o, err
}

// subsOfOrg are the subscriptions of an org that live, then those that do not: the
// newest of each first, and not many of what is over.
func subsOfOrg(tx *store.Tx, org string) ([]subRow, error) {
	all, err := store.All(tx, scanSub, subColumns+`WHERE org_id = ? AND state IN ('active', 'grace', 'restricted')`, org)
	if err != nil {
		return nil, err
	}
	over, err := store.All(tx, scanSub, subColumns+`WHERE org_id = ? AND state = 'canceled' ORDER BY id DESC LIMIT 10`, org)
	return append(all, over...), err
}

func (s *System) subscriptionAPI(w http.ResponseWriter, r *http.Request) error {
	org, err := s.orgFor(r, permRead)
	if err != nil {
		return err
	}
	out, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (out subscriptionOutput, err error) {
		subs, err := subsOfOrg(tx, org.ID)
		if err != nil {
			return out, err
		}
		out.Data = []subOutput{}
		for _, sub := range subs {
			o, err := outputOf(tx, sub)
			if err != nil {
				return out, err
			}
			out.Data = append(out.Data, o)
		}
		d, err := dunningOfOrg(tx, org.ID)
		if isNotFound(err) {
			return out, nil
		}
		out.Dunning = &dunningOutput{State: d.state, Invoice: d.invoice, Amount: d.amount, Currency: d.currency, Since: d.since,
			Limited: d.since.Add(restrictDay * oneDay), Ends: d.endsOn(), Paused: !d.paused.IsZero()}
		return out, err
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

type entitlementsOutput struct {
	Entitlements
	Used map[string]int64 `json:"used"`       // of limits that are counted here
	Over []string         `json:"over_limit"` // limits of which more is used
}

func (s *System) entitlementsAPI(w http.ResponseWriter, r *http.Request) error {
	org, err := s.orgFor(r, "")
	if err != nil {
		return err
	}
	e, err := s.Entitlements(r.Context(), org.ID)
	if err != nil {
		return err
	}
	used, err := store.Peek(r.Context(), s.DB, func(tx *store.Tx) (map[string]int64, error) { return usedOf(tx, org.ID) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, entitlementsOutput{Entitlements: *e, Used: used, Over: over(e.Limits, used)})
}

type invoicesOutput struct {
	Data []invoiceOutput `json:"data"`
	Next string          `json:"next_cursor"`
}

type invoiceOutput struct {
	ID       string    `json:"id"`
	Number   string    `json:"number"`
	Status   string    `json:"status"`
	Currency string    `json:"currency"`
	Total    int64     `json:"total"`
	Tax      int64     `json:"tax"`
	Discount int64     `json:"discount"` // that was taken off
	Paid     int64     `json:"amount_paid"`
	Due      int64     `json:"amount_remaining"`
	Created  time.Time `json:"created_at"`
	PaidAt   time.Time `json:"paid_at,omitzero"`
	URL      string    `json:"hosted_url"`
	PDF      string    `json:"pdf_url"`
}

func (s *System) invoicesAPI(w http.ResponseWriter, r *http.Request) error {
	org, err := s.orgFor(r, permRead)
	if err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	rows, next, err := s.invoicePage(r, org.ID, limit)
	if err != nil {
		return err
	}
	out := invoicesOutput{Data: []invoiceOutput{}, Next: next}
	for _, i := range rows {
		out.Data = append(out.Data, invoiceOutput{ID: i.id, Number: i.number, Status: i.status, Currency: i.currency, Total: i.total, Tax: i.tax, Discount: i.discount, Paid: i.paid, Due: i.remaining,
			Created: at(i.created), PaidAt: at(i.paidAt), URL: i.hosted, PDF: i.pdf})
	}
	return web.JSON(w, http.StatusOK, out)
}
