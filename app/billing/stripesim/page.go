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

// deskPage is the dashboard; as JSON for tests that look at it.
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

// desk reads it in one hold of the lock, so that what it shows belongs together.
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
