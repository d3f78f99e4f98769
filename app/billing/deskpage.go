package billing

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
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

var deskDone = map[string]string{"replayed": "The event is looked at once more.", "gone": "The customer is let go.", "cleared": "The alarm is cleared. If it is so again, it comes again.", "saved": "The plan is saved.",

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
