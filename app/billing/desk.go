package billing

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// figures are how money stands, all orgs together.
type figures struct {
	Monthly  map[string]int64 `json:"monthly_recurring"` // by currency, in minor units, without discounts
	ByState  map[State]int64  `json:"subscriptions"`
	Drift    int64            `json:"drift_repaired"` // since the start
	Alarms   []alarmOutput    `json:"alarms"`
	Overdue  []overdueOutput  `json:"overdue"`
	Computed time.Time        `json:"computed_at"`
}

type alarmOutput struct {
	Key   string    `json:"key"`
	Kind  string    `json:"kind"`
	About string    `json:"about"`
	Org   string    `json:"org_id,omitempty"`
	Of    string    `json:"customer,omitempty"` // whom it is about, if the page of the customer helps
	N     int       `json:"count"`
	First time.Time `json:"first_at"`
	Last  time.Time `json:"last_at"`
}

type overdueOutput struct {
	Customer string    `json:"customer"`
	Org      string    `json:"org_id"`
	OrgName  string    `json:"org_name"`
	State    State     `json:"state"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
	Since    time.Time `json:"since"`
	Next     string    `json:"next_step"`
	NextAt   time.Time `json:"next_at,omitzero"`
	Paused   bool      `json:"paused"`
}

// Money is what is owed, for people.
func (o overdueOutput) Money() string { return Money(o.Amount, o.Currency) }

// maxCounted bounds how many subscriptions with narrow access are counted.
const maxCounted = 10_000

// figures reads them.
func (s *System) figures(ctx context.Context) (figures, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (f figures, err error) {
		f = figures{Monthly: map[string]int64{}, ByState: map[State]int64{}, Alarms: []alarmOutput{}, Overdue: []overdueOutput{}, Computed: tx.Now(),
			Drift: s.counts.all()[Count{"drift", "repaired"}]}
		totals, err := totalsOf(tx)
		if err != nil {
			return f, err
		}
		for _, t := range totals {
			if !t.state.lives() {
				continue
			}
			f.ByState[t.state] += t.n
			if t.monthly != 0 {
				f.Monthly[t.currency] += t.monthly
			}
		}
		// Stripe says the same of both; that access is narrow is the calendar's.
		var narrow int64
		if err := tx.QueryRow(`SELECT count(*) FROM (SELECT s.id FROM billing_subscription s JOIN billing_dunning d ON d.customer_id = s.customer_id
			WHERE s.state = ? AND d.state = ? AND d.subscription_id = s.id LIMIT ?)`, string(Grace), string(Restricted), maxCounted).Scan(&narrow); err != nil {
			return f, err
		}
		f.ByState[Grace], f.ByState[Restricted] = f.ByState[Grace]-narrow, f.ByState[Restricted]+narrow
		alarms, err := openAlarms(tx)
		if err != nil {
			return f, err
		}
		for _, a := range alarms {
			out := alarmOutput{Key: a.key(), Kind: a.Kind, About: a.About, Org: a.Org, N: a.N, First: a.First, Last: a.Last}
			if a.Kind == alarmMissing && a.Org != "" {
				out.Of = a.Object
			}
			f.Alarms = append(f.Alarms, out)
		}
		owing, err := store.All(tx, scanDunning, dunningColumns+`WHERE next_at >= 0 ORDER BY next_at LIMIT 100`)
		if err != nil {
			return f, err
		}
		for _, d := range owing {
			o := overdueOutput{Customer: d.customer, Org: d.org, State: d.state, Amount: d.amount, Currency: d.currency, Since: d.since, Paused: !d.paused.IsZero(), Next: nextWords(d)}
			if d.next.Before(never) {
				o.NextAt = d.next
			}
			if org, err := auth.FindOrg(tx, d.org); err == nil {
				o.OrgName = org.Name
			}
			f.Overdue = append(f.Overdue, o)
		}
		return f, nil
	})
}

// nextWords is what the calendar does next.
func nextWords(d dunningRow) string {
	switch {
	case !d.paused.IsZero():
		return "paused by a dispute"
	case d.step >= len(d.steps()) && d.subscription == "":
		return "it stays read-only until it is paid"
	case d.step >= len(calendar):
		return "the subscription is being ended"
	}
	switch step := calendar[d.step]; step.state {
	case Restricted:
		if d.state == Restricted {
			return "last reminder"
		}
		return "access becomes read-only"
	case Canceled:
		return "the plan ends"
	}
	return "reminder"
}

func (s *System) deskRoutes() []web.Route {
	see, run := web.Permission(permSee), web.Permission(permRun)
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/billing/overview", Access: see, Handler: s.overviewAPI, Doc: web.Doc{Summary: "Revenue, subscriptions by state, what is overdue and what needs a person", Out: figures{}}},
		{Method: "GET", Pattern: "/-/api/v1/billing/events", Access: see, Handler: s.eventsAPI, Doc: web.Doc{Summary: "Events of Stripe's, the newest first", Out: eventsOutput{}}},
		{Method: "POST", Pattern: "/-/api/v1/billing/events/{id}/replay", Access: run, Handler: s.replayAPI, Audit: []string{string(actReplayed)}, Doc: web.Doc{Summary: "Look at an event once more", Status: 202}},
		{Method: "GET", Pattern: "/-/api/v1/billing/settings", Access: see, Handler: s.settingsAPI, Doc: web.Doc{Summary: "What owners may do by themselves with their subscriptions", Out: Settings{}}},
		{Method: "PUT", Pattern: "/-/api/v1/billing/settings", Access: run, Handler: s.putSettingsAPI, Audit: []string{string(actSettings)}, Doc: web.Doc{Summary: "Say what owners may do by themselves", In: Settings{}, Out: Settings{}}},
		{Method: "POST", Pattern: "/-/api/v1/billing/alarms/clear", Access: run, Handler: s.clearAPI, Audit: []string{string(actCleared)}, Doc: web.Doc{Summary: "Say that an alarm was seen to", In: clearInput{}, Status: 204}},
	}
}

func (s *System) overviewAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := s.figures(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, f)
}

type clearInput struct {
	Key string `json:"key"`
}

// ClearAlarm says that somebody has seen to an alarm. If it is so again, it comes again.
func (s *System) ClearAlarm(ctx context.Context, key string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		kind, object, _ := strings.Cut(key, ":")
		if err := tx.ExecOne(`UPDATE billing_alarm SET cleared_at = ? WHERE key = ? AND cleared_at IS NULL`, tx.Now().UnixMilli(), key); err != nil {
			return err
		}
		if err := s.noteTrouble(tx); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actCleared, Targets: []audit.Ref{{Type: "alarm", ID: kind}}, Details: map[string]any{"about": object}})
	})
}

func (s *System) clearAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[clearInput](r)
	if err != nil {
		return err
	}
	if err := s.ClearAlarm(r.Context(), in.Key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
