package billing

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/queue"
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

// maxCounted bounds how many subscriptions of a state are looked at for the figures.
const maxCounted = 200_000

// Figures reads them.
func (s *System) figures(ctx context.Context) (figures, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) (f figures, err error) {
		f = figures{Monthly: map[string]int64{}, ByState: map[State]int64{}, Alarms: []alarmOutput{}, Overdue: []overdueOutput{}, Computed: tx.Now(),
			Drift: s.counts.all()[Count{"drift", "repaired"}]}
		for _, state := range []State{Active, Grace, Restricted} {
			if err := f.count(tx, state); err != nil {
				return f, err
			}
		}
		// Stripe says the same of both; that access is narrow is the calendar's.
		var narrow int64
		if err := tx.QueryRow(`SELECT count(*) FROM (SELECT s.id FROM billing_subscription s JOIN billing_dunning d ON d.customer_id = s.customer_id
			WHERE s.state = ? AND d.state = ? AND d.subscription_id = s.id LIMIT ?)`, string(Grace), string(Restricted), maxCounted).Scan(&narrow); err != nil {
			return f, err
		}
		f.ByState[Grace], f.ByState[Restricted] = f.ByState[Grace]-narrow, f.ByState[Restricted]+narrow
		alarms, err := openAlarms(tx, 50)
		if err != nil {
			return f, err
		}
		for _, a := range alarms {
			f.Alarms = append(f.Alarms, alarmOutput{Key: a.key(), Kind: a.Kind, About: a.About, Org: a.Org, N: a.N, First: a.First, Last: a.Last})
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

// count adds up the subscriptions of a state. A trial brings nothing yet, and a pause
// nothing meanwhile, but for one that is collected later.
func (f *figures) count(tx *store.Tx, state State) error {
	type brings struct {
		currency, status, pause string
		monthly                 int64
	}
	all, err := store.All(tx, func(r store.Scanner) (v brings, err error) {
		return v, r.Scan(&v.currency, &v.status, &v.pause, &v.monthly)
	},
		`SELECT currency, status, pause_behavior, monthly FROM billing_subscription WHERE state = ? ORDER BY id LIMIT ?`, string(state), maxCounted)
	for _, v := range all {
		f.ByState[state]++
		if v.status != "trialing" && (v.pause == "" || v.pause == pauseDraft) {
			f.Monthly[v.currency] += v.monthly
		}
	}
	return err
}

// nextWords is what the calendar does next.
func nextWords(d dunningRow) string {
	switch {
	case !d.paused.IsZero():
		return "paused by a dispute"
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

type eventsOutput struct {
	Data []eventOutput `json:"data"`
	Next string        `json:"next_cursor"`
}

type eventOutput struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Object   string    `json:"object"`
	Customer string    `json:"customer"`
	State    string    `json:"state"`
	Note     string    `json:"note,omitempty"`
	Source   string    `json:"source"`
	Version  string    `json:"api_version"`
	Created  time.Time `json:"created_at"`
	Received time.Time `json:"received_at"`
}

// eventPage are events of a state, "" for all, the newest first.
func (s *System) eventPage(r *http.Request, limit int) (rows []eventRow, next string, err error) {
	before, id, err := cursorOf(r)
	if err != nil {
		return nil, "", err
	}
	state := r.URL.Query().Get("state")
	var c web.Check
	if c.Fault(slices.Contains([]string{"", eventQueued, eventDone, eventParked}, state), "state", "unknown", "An event is queued, done or parked."); c.Err() != nil {
		return nil, "", c.Err()
	}
	rows, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]eventRow, error) {
		if state != "" {
			return store.All(tx, scanEvent, eventColumns+`WHERE state = ? AND (received_at, id) < (?, ?) ORDER BY received_at DESC, id DESC LIMIT ?`, state, before, id, limit+1)
		}
		return store.All(tx, scanEvent, eventColumns+`WHERE (received_at, id) < (?, ?) ORDER BY received_at DESC, id DESC LIMIT ?`, before, id, limit+1)
	})
	rows, next = cut(rows, limit, func(e eventRow) string { return cursorText(e.received.UnixMilli(), e.id) })
	return rows, next, err
}

func (s *System) eventsAPI(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	rows, next, err := s.eventPage(r, limit)
	if err != nil {
		return err
	}
	out := eventsOutput{Data: []eventOutput{}, Next: next}
	for _, e := range rows {
		out.Data = append(out.Data, eventOutput{ID: e.id, Type: e.typ, Object: e.object, Customer: e.customer, State: e.state, Note: e.note, Source: e.source, Version: e.version, Created: e.created, Received: e.received})
	}
	return web.JSON(w, http.StatusOK, out)
}

// Replay has an event looked at once more, whatever became of it.
func (s *System) Replay(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		e, err := eventByID(tx, id)
		if err != nil {
			return err
		}
		if err := tx.ExecOne(`UPDATE billing_event SET state = 'queued', note = '', fetch_no = 0, done_at = NULL WHERE id = ?`, id); err != nil {
			return err
		}
		if _, err := queue.Enqueue(tx, Look{Event: id}, queue.Key(lockOf(e, subjects[e.typ]), 1)); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actReplayed, Targets: []audit.Ref{{Type: "customer", ID: e.customer}}, Details: map[string]any{"event": id, "type": e.typ}})
	})
}

func (s *System) replayAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.Replay(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
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
