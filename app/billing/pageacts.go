package billing

import (
	"context"
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

// onToStripe leads a browser to Stripe by a page: a form must not lead to another site.
func (s *System) onToStripe(w http.ResponseWriter, r *http.Request, url, what string) error {
	w.Header().Set("Refresh", "0;url="+url)
	return s.Pages.Render(w, r, "billing/depart", web.View{Title: "On to Stripe", Data: map[string]string{"To": url, "What": what}})
}

func (s *System) checkoutForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[checkoutInput](r)
	if err != nil {
		return err
	}
	i, err := s.Checkout(r.Context(), web.OriginOf(r.Context()).Org, in)
	if err != nil {
		return s.showOrg(w, r, err)
	}
	return s.onToStripe(w, r, i.outcome.URL, "You pay there and come back here after.")
}

func (s *System) portalForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[portalInput](r)
	if err != nil {
		return err
	}
	i, err := s.Portal(r.Context(), web.OriginOf(r.Context()).Org, in.Flow)
	if err != nil {
		return s.showOrg(w, r, err)
	}
	return s.onToStripe(w, r, i.outcome.URL, "Cards and addresses are kept there, and never come here.")
}

func (s *System) previewForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[previewInput](r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	p, err := s.PreviewChange(r.Context(), org.ID, in)
	if err != nil {
		return s.showOrg(w, r, err)
	}
	return web.SeeOther(w, r, pageOfOrg(org)+"/change?preview="+p.ID)
}

// changeData is a change that can be confirmed.
type changeData struct {
	Org     web.Org
	Preview Preview
	Lines   []struct{ What, Amount string }
	DueNow  string
	Credit  bool // nothing is charged now
	NextDue string
	Plan    string
	Price   string
	Over    bool // the preview has expired
	Later   bool // it comes with the next period
	Sooner  bool // it may come now instead
	Wish    wish // to look at it once more, with a code
	Sub     string
	From    string // name of the plan as it is
}

func (s *System) changePage(w http.ResponseWriter, r *http.Request) error {
	org, id := web.OriginOf(r.Context()).Org, r.URL.Query().Get("preview")
	data := changeData{Org: org}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		i, err := intentByID(tx, id)
		if err != nil {
			return err
		}
		if i.org != org.ID || i.kind != "change" || i.outcome.Preview == nil {
			return store.ErrNotFound
		}
		data.Wish, data.Sub, data.Later = i.wish, i.subscription, i.wish.At == whenLater
		allowed, err := settingsOf(tx)
		if err != nil {
			return err
		}
		data.Sooner = data.Later && allowed.CreditNow
		if data.From, err = planName(tx, i.outcome.Preview.From); err != nil {
			return err
		}
		data.Preview, data.Over = *i.outcome.Preview, i.state != intentPreviewed || !i.expires.After(tx.Now())
		p, err := priceByID(tx, i.wish.Price)
		if err != nil {
			return err
		}
		data.Price = p.Words()
		if i.wish.Quantity != 1 {
			data.Price = itoa(i.wish.Quantity) + " × " + data.Price
		}
		data.Plan, err = planName(tx, p.plan)
		return err
	})
	if err != nil {
		return err
	}
	p := data.Preview
	for _, l := range p.Lines {
		data.Lines = append(data.Lines, struct{ What, Amount string }{l.What, Money(l.Amount, p.Currency)})
	}
	data.DueNow, data.NextDue, data.Credit = Money(p.DueNow, p.Currency), Money(p.NextDue, p.Currency), p.DueNow <= 0
	return s.Pages.Render(w, r, "billing/change", web.View{Title: "Confirm the change", Data: data})
}

func (s *System) changeForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[changeInput](r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	out, err := s.Change(r.Context(), org.ID, in.Preview)
	switch {
	case err != nil:
		return s.showOrg(w, r, err)
	case out.State == "pending" && out.Confirm != "":
		return s.onToStripe(w, r, out.Confirm, "Your bank wants you to confirm the payment. The plan changes once it is paid.")
	case out.State == "scheduled":
		return web.SeeOther(w, r, pageOfOrg(org)+"?done=scheduled")
	case out.State == "pending":
		return web.SeeOther(w, r, pageOfOrg(org)+"?done=pending")
	}
	return web.SeeOther(w, r, pageOfOrg(org)+"?done=changed")
}

func (s *System) cancelForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[cancelInput](r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	out, err := s.CancelSubscription(r.Context(), org.ID, in)
	switch {
	case err != nil:
		return s.showOrg(w, r, err)
	case out.At.IsZero():
		return web.SeeOther(w, r, pageOfOrg(org)+"?done=ended")
	}
	return web.SeeOther(w, r, pageOfOrg(org)+"?done=canceled")
}

// actForm serves the form of an act that only needs to know which subscription.
func (s *System) actForm(act func(ctx context.Context, org, subscription string) (actOutput, error), word string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[resumeInput](r)
		if err != nil {
			return err
		}
		org := web.OriginOf(r.Context()).Org
		if _, err := act(r.Context(), org.ID, in.Subscription); err != nil {
			return s.showOrg(w, r, err)
		}
		return web.SeeOther(w, r, pageOfOrg(org)+"?done="+word)
	}
}

func (s *System) pauseForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[pauseInput](r)
	if err != nil {
		return err
	}
	org := web.OriginOf(r.Context()).Org
	if _, err := s.PauseByOwner(r.Context(), org.ID, in); err != nil {
		return s.showOrg(w, r, err)
	}
	return web.SeeOther(w, r, pageOfOrg(org)+"?done=paused")
}

// pricingData is what is sold, for everybody.
type pricingData struct {
	Plans             []planView
	Yearly, HasYearly bool
	Sells             bool
}

func (s *System) pricingPage(w http.ResponseWriter, r *http.Request) error {
	d := orgData{Entitlements: &Entitlements{}, Yearly: r.URL.Query().Get("interval") == "year"}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error { return readPlans(tx, &d, "") }); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "billing/pricing", web.View{Title: "Pricing", Data: pricingData{d.Plans, d.Yearly, d.HasYearly, len(d.Plans) > 0}})
}
