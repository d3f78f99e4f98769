package email

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/store"
)

// maxEvents bounds a timeline.
const maxEvents = 200

// moment is one thing that happened to a message, as its timeline shows it.
type moment struct {
	At         time.Time
	Kind, Word string // of the pill
	Text       string
	Why        string // one line; "" for none
	Details    string // JSON, redacted; "" for none
	Raw        string // as the provider sent it, redacted; "" for what happened here
}

type messageData struct {
	stored
	Life     []moment // the newest first
	More     bool     // events that are not shown
	InInbox  string   // id of the mail in the development inbox; "" for none
	May      mayOpen
	Events   []audit.Row
	AuditURL string
	Done     string // what an act did
	Fault    string // why it did nothing
	Later    bool   // its time is to come

	Cancel, Resend, Copy bool // what may be done to it; Copy: the message left, so that another is sent
}

// mayOpen is which other pages whoever looks may open.
type mayOpen struct{ Users, Orgs, Jobs, Audit bool }

func (s *System) messagePage(w http.ResponseWriter, r *http.Request) error {
	return s.showMessage(w, r, r.PathValue("id"), http.StatusOK, "")
}

// messageDone is what an act leaves behind.
var messageDone = map[string]string{"cancelled": "The message is taken back. It will not be sent.", "resent": "The message is on its way again.", "test": "The test mail is on its way. What becomes of it appears below."}

func (s *System) showMessage(w http.ResponseWriter, r *http.Request, id string, status int, fault string) error {
	me := web.IdentityOf(r.Context())
	d := messageData{Fault: fault, Done: messageDone[r.URL.Query().Get("done")], May: mayOpen{Users: me.Can("users:read"), Orgs: me.Can("orgs:read"), Jobs: me.Can("jobs:read"), Audit: me.Can("audit:read")}}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.stored, err = findMessage(tx, id); err != nil {
			return err
		}
		events, err := eventsOf(tx, d.ID, maxEvents+1)
		if err != nil {
			return err
		}
		d.More = len(events) > maxEvents
		d.Life = d.life(events[:min(len(events), maxEvents)])
		if d.InInbox, err = caughtOf(tx, d.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !d.May.Audit {
			return nil
		}
		ref := audit.Ref{Type: "message", ID: d.ID}.String()
		d.AuditURL = "/-/admin/audit?target=" + url.QueryEscape(ref)
		recorded, err := audit.List(tx, audit.Filter{Target: ref, Limit: 10})
		d.Events = s.Audit.Rows(recorded, "/-/admin/audit")
		return err
	})
	if err != nil {
		return err
	}
	if !s.inbox {
		d.InInbox = ""
	}
	title := d.Subject
	if title == "" {
		title = d.Template
	}
	if me.Can(permSend) {
		d.Cancel = d.Status == "queued"
		d.Resend = d.Kept && d.Status != "queued" && (d.Expires.IsZero() || d.Expires.After(s.DB.Now()))
		d.Copy = d.Resend && !neverLeft(d.Status)
	}
	d.Later = d.Scheduled(s.DB.Now())
	return s.Pages.Render(w, r, "email/message", web.View{Title: title, Status: status, Data: d})
}

// life tells what happened to a message, the newest first. Of one from before events
// were kept, the message itself says the little that is known.
func (m stored) life(events []Event) []moment {
	all := []moment{}
	if len(events) == 0 || events[0].Kind != Queued {
		all = append(all, moment{At: m.Created, Kind: "quiet", Word: string(Queued), Text: "Queued"})
	}
	if len(events) == 0 && !m.Sent.IsZero() {
		all = append(all, moment{At: m.Sent, Kind: "ok", Word: "sent", Text: "Accepted by " + m.Provider})
	}
	for _, e := range events {
		all = append(all, newMoment(e))
	}
	slices.Reverse(all)
	return all
}

// told is how each kind of event reads.
var told = map[EventKind]struct{ kind, text string }{
	Queued: {"quiet", "Queued"}, Rendered: {"quiet", "Rendered"}, Attempted: {"warn", "Tried"}, Accepted: {"ok", "Accepted"},
	Deferred: {"warn", "The recipient's server asks to come back later"}, Delivered: {"ok", "Delivered to the recipient's server"},
	Bounced: {"danger", "Bounced"}, Complained: {"danger", "The recipient called it spam"}, Unsubscribed: {"quiet", "The recipient unsubscribed"},
	Responded: {"quiet", "An automatic answer came back"}, Suppressed: {"warn", "Not sent: the address is suppressed"},
	Expired: {"warn", "Not sent: it was too late to be of use"}, Cancelled: {"quiet", "Cancelled"}, Failed: {"danger", "Given up"},
	Unknown: {"warn", "No answer came: it may or may not be on its way"},
}

func newMoment(e Event) moment {
	t, ok := told[e.Kind]
	if !ok {
		t.kind, t.text = "quiet", string(e.Kind)
	}
	m := moment{At: e.At, Kind: t.kind, Word: string(e.Kind), Text: t.text}
	if e.Kind == Attempted && e.Details["attempt"] != nil {
		m.Text = fmt.Sprintf("Attempt %v", e.Details["attempt"])
	}
	if e.Provider != "" && (e.Kind == Attempted || e.Kind == Accepted) {
		m.Text += " by " + e.Provider
	}
	if kind, _ := e.Details["type"].(string); kind != "" {
		m.Text += " (" + web.CleanText(kind, 40) + ")"
	}
	if e.Details["simulated"] == true {
		m.Text += ", simulated"
	}
	for _, name := range []string{"reason", "error", "description"} {
		if why, _ := e.Details[name].(string); why != "" && m.Why == "" {
			m.Why = web.CleanText(why, 500)
		}
	}
	if len(e.Details) > 0 {
		text, err := json.Marshal(e.Details)
		if err == nil {
			m.Details = redact.JSON(text)
		}
	}
	m.Raw = redact.JSON(e.Raw)
	return m
}
