package observe

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Kind is the colour of the state and of how grave it is.
func (a AlertState) Kind() string {
	switch {
	case a.State == "resolved":
		return "quiet"
	case a.State == "acknowledged":
		return "info"
	case a.Critical:
		return "danger"
	}
	return "warn"
}

// Word is the state as pages say it.
func (a AlertState) Word() string {
	if a.State == "firing" && a.Critical {
		return "Critical"
	}
	return strings.ToUpper(a.State[:1]) + a.State[1:]
}

// gravestFirst has what is critical first, and what somebody looks after last.
func gravestFirst(all []AlertState) []AlertState {
	weight := func(a AlertState) int { return 2*bit(a.State != "firing") - bit(a.Critical) }
	slices.SortStableFunc(all, func(a, b AlertState) int { return weight(a) - weight(b) })
	return all
}

type alertsData struct {
	Open, Past   []AlertState
	More         bool // fire than are shown
	Silences     []silenceRow
	Manage       bool
	Done         string
	Older, Newer string
}

// silenceRow is a silence as people read it.
type silenceRow struct {
	Silence
	About, Who string
}

// alertDone is what happened before a page was shown again.
var alertDone = map[string]string{
	"acknowledged": "It is clear now that somebody looks after it.", "resolved": "The alert is over.", "silenced": "Nobody is told of this until the time is over. The page shows it all the same.",
	"ended": "Alerts are told of again.", "rule": "The rule is set.", "reset": "The rule is as it was at first.", "made": "The channel is there. Test it now.", "changed": "The channel is changed.",
	"deleted": "The channel is deleted.", "tested": "A message is on its way to the channel. What became of it is shown here in a moment.",
}

func (s *System) alertsPage(w http.ResponseWriter, r *http.Request) error {
	quiet(r)
	q := r.URL.Query()
	open, err := s.Alerts(r.Context(), false, "", 100)
	if err != nil {
		return err
	}
	past, err := s.Alerts(r.Context(), true, q.Get("cursor"), 50)
	if err != nil {
		return err
	}
	d := alertsData{Open: gravestFirst(open.Alerts), More: open.Next != "", Manage: web.IdentityOf(r.Context()).Can("alerts:manage"), Done: alertDone[q.Get("done")]}
	for _, a := range past.Alerts {
		if a.State == "resolved" {
			d.Past = append(d.Past, a)
		}
	}
	if d.Silences, err = s.silenceRows(r.Context()); err != nil {
		return err
	}
	if past.Next != "" {
		d.Older = alertsBase + "?cursor=" + past.Next
	}
	if q.Get("cursor") != "" {
		d.Newer = alertsBase
	}
	return s.Pages.Render(w, r, "observe/alerts", web.View{Title: "Alerts", Data: d})
}

func (s *System) silenceRows(ctx context.Context) (all []silenceRow, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		some, err := activeSilences(tx)
		for _, one := range some {
			row := silenceRow{Silence: one, About: "All alerts", Who: s.who(tx, one.By)}
			if rule, ok := ruleOf(one.Rule); ok {
				row.About = rule.Title
			}
			if one.Subject != "" {
				row.About += ": " + one.Subject
			}
			all = append(all, row)
		}
		return err
	})
	return all, err
}

// who is somebody as people know him: an address, else the id.
func (s *System) who(tx *store.Tx, user string) string {
	if user == "" {
		return "a program"
	}
	if email, err := s.People(tx, user); err == nil {
		return email
	}
	return user
}

type alertData struct {
	AlertState
	Rule     Rule
	Event    bool // it is about something that happened, and ends when a person says so
	Timeline []eventRow
	Silenced bool
	Manage   bool
	Done     string
}

type eventRow struct {
	AlertEvent
	Word, Who string
}

// eventWords are what happened to an alert, as people say it.
var eventWords = map[string]string{"fired": "Fired", "worse": "Became critical", "acknowledged": "Acknowledged", "resolved": "Over"}

func (s *System) alertPage(w http.ResponseWriter, r *http.Request) error {
	found, err := s.AlertDetail(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	d := alertData{AlertState: found.AlertState, Manage: web.IdentityOf(r.Context()).Can("alerts:manage"), Done: alertDone[r.URL.Query().Get("done")]}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		for _, e := range found.Events {
			row := eventRow{AlertEvent: e, Word: eventWords[e.Kind]}
			if e.Actor != "" {
				row.Who = s.who(tx, e.Actor)
			}
			d.Timeline = append(d.Timeline, row)
		}
		quiet, err := activeSilences(tx)
		d.Silenced = silenced(quiet, found.Alert)
		return err
	})
	if err != nil {
		return err
	}
	d.Rule, _ = ruleOf(found.Rule)
	d.Event = d.Rule.event
	return s.Pages.Render(w, r, "observe/alert", web.View{Title: found.Title, Data: d})
}

type alertInput struct {
	Act     string `json:"act"`
	Minutes int64  `json:"minutes"`
}

func (s *System) alertAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[alertInput](r)
	if err != nil {
		return err
	}
	id, done := r.PathValue("id"), in.Act
	switch in.Act {
	case "acknowledged":
		_, err = s.Acknowledge(r.Context(), id)
	case "resolved":
		_, err = s.ResolveAlert(r.Context(), id)
	case "silenced":
		var d AlertDetail
		if d, err = s.AlertDetail(r.Context(), id); err == nil {
			_, err = s.MakeSilence(r.Context(), SilenceChange{Rule: d.Rule, Subject: d.Subject, Minutes: in.Minutes})
		}
	default:
		err = web.Invalid(web.Field{Field: "act", Code: "unknown", Message: "This is no act on an alert."})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, alertsBase+"/"+id+"?done="+done)
}

func (s *System) silenceAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[SilenceChange](r)
	if err != nil {
		return err
	}
	if _, err := s.MakeSilence(r.Context(), in); err != nil {
		return err
	}
	return web.SeeOther(w, r, alertsBase+"?done=silenced")
}

func (s *System) endSilenceAct(w http.ResponseWriter, r *http.Request) error {
	if err := s.EndSilence(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, alertsBase+"?done=ended")
}

// Banner is what all who open the console must know: the newest critical alert that nobody looks after.
func (s *System) Banner() *web.Banner {
	for _, a := range s.Firing() {
		if a.Critical {
			return &web.Banner{Text: a.Title + ", since " + a.FiredAt.UTC().Format("15:04 UTC"), Path: alertsBase + "/" + a.ID, Link: "Look at the alert"}
		}
	}
	return nil
}

// Badge is how many alerts fire that nobody looks after, for the navigation.
func (s *System) Badge() int { return len(s.Firing()) }

// Lasted is for how long an alert lasted that is over, in words; "" while it lasts.
func (a AlertState) Lasted() string {
	if a.ResolvedAt.IsZero() {
		return ""
	}
	return lasted(a.Alert)
}

// Hours are what an alert can be held back for with one press.
func (d alertData) Hours() []silenceChoice {
	return []silenceChoice{{60, "1 hour"}, {8 * 60, "8 hours"}, {24 * 60, "a day"}, {7 * 24 * 60, "a week"}}
}

type silenceChoice struct {
	Minutes int64
	Label   string
}
