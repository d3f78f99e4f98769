package billing

import (
	"context"
	"net/http"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// urgent are the alarms that stand above every page of the console until somebody has
// seen to them.
var urgent = map[string]bool{alarmCheck: true, alarmVersion: true, alarmMode: true, alarmDispute: true}

// noteTrouble keeps the newest urgent alarm in memory, where pages find it.
func (s *System) noteTrouble(tx *store.Tx) error {
	all, err := openAlarms(tx, 50)
	if err != nil {
		return err
	}
	var banner *web.Banner
	for _, a := range all {
		if urgent[a.Kind] {
			banner = &web.Banner{Text: a.About, Path: "/-/admin/billing", Link: "Billing"}
			break
		}
	}
	tx.AfterCommit(func() { s.trouble.Store(banner) })
	return nil
}

// Banner is what operators must know of billing; nil for nothing.
func (s *System) Banner() *web.Banner { return s.trouble.Load() }

// Trouble is what is wrong with how Stripe is connected, in a sentence, and how many
// alarms are open.
func (s *System) Trouble(ctx context.Context) (setup string, open int, err error) {
	all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]alarm, error) { return openAlarms(tx, 50) })
	for _, a := range all {
		if a.Kind == alarmCheck && setup == "" {
			setup = a.About
		}
	}
	return setup, len(all), err
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
	b := &web.Banner{Path: pageOfOrg(org), Link: "Pay"}
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
