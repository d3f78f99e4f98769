package billing

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// noteTrouble keeps the newest urgent alarm in memory, where pages find it.
func (s *System) noteTrouble(tx *store.Tx) error {
	all, err := urgentAlarms(tx)
	if err != nil {
		return err
	}
	var banner *web.Banner
	if len(all) > 0 {
		banner = &web.Banner{Text: all[0].About, Path: "/-/admin/billing", Link: "Billing"}
	}
	tx.AfterCommit(func() { s.trouble.Store(banner) })
	return nil
}

// Banner is what operators must know of billing; nil for nothing.
func (s *System) Banner() *web.Banner { return s.trouble.Load() }

// Trouble is what is wrong with how Stripe is connected, in a sentence, and how many
// alarms are open, of fifty at most.
func (s *System) Trouble(ctx context.Context) (setup string, open int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		urgent, err := urgentAlarms(tx)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(urgent, func(a alarm) bool { return a.Kind == alarmCheck }); i >= 0 {
			setup = urgent[i].About
		}
		all, err := openAlarms(tx)
		open = len(all)
		return err
	})
	return setup, open, err
}

// Notice is what those who manage an org's billing see above its pages while a payment
// is overdue or the plan is paused; nil for nothing. It is asked for each page, and answered from memory.
func (s *System) Notice(r *http.Request) *web.Banner {
	org := web.OriginOf(r.Context()).Org
	if org.ID == "" || !web.IdentityOf(r.Context()).Can(permManage) || strings.HasPrefix(r.URL.Path, pageOfOrg(org)) {
		return nil
	}
	e, err := s.Entitlements(r.Context(), org.ID)
	if err == nil && e.State == Paused {
		return &web.Banner{Path: pageOfOrg(org), Link: "Billing", Text: org.Name + " is paused and read-only. Go on with its plan to work here again."}
	}
	if err != nil || e.due == nil {
		return nil
	}
	b := &web.Banner{Path: pageOfOrg(org), Link: "Pay now"}
	switch e.due.state {
	case Grace:
		b.Text = Money(e.due.amount, e.due.currency) + " is overdue. Pay by " + day(e.due.since.Add(restrictDay*oneDay)) + " to keep everything as it is."
	case Restricted:
		b.Text = org.Name + " is read-only until " + Money(e.due.amount, e.due.currency) + " is paid."
	default:
		return nil
	}
	return b
}
