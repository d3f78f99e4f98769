package email

import (
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// What a provider can be made to report of a mail in the inbox.
const (
	feedDelivered  = "delivered"
	feedHard       = "bounced_hard" // the mailbox is dead
	feedSoft       = "bounced_soft" // it is full, or the server is away
	feedComplained = "complained"
)

type feedbackInput struct {
	Event string `json:"event"`
}

type feedbackMade struct {
	Event      string `json:"event_id"`
	Message    string `json:"message_id"`
	Suppressed bool   `json:"suppressed"` // the address gets no more mail, or only what its security needs
}

var errForeign = &web.Error{Status: http.StatusConflict, Code: "not_sent_here",
	Public: "Another program sent this mail, so no provider of Seaworthy's has anything to report of it."}

// inboxFeedback makes a provider's report up, so that a developer sees what the app
// does then.
func (s *System) inboxFeedback(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[feedbackInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	kind := map[string]EventKind{feedDelivered: Delivered, feedHard: Bounced, feedSoft: Bounced, feedComplained: Complained}[in.Event]
	c.Fault(kind != "", "event", "unknown", "One of delivered, bounced_hard, bounced_soft, complained.")
	if err := c.Err(); err != nil {
		return err
	}
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	if m.Message == "" {
		return errForeign
	}
	made, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (feedbackMade, error) { return s.simulate(tx, m.Message, in.Event, kind) })
	if err != nil {
		return err
	}
	if web.WantsJSON(r) {
		return web.JSON(w, http.StatusOK, made)
	}
	return web.SeeOther(w, r, inboxBase+"/"+m.ID+"?done="+in.Event)
}

// inboxDone is what happened before a page was shown again.
var inboxDone = map[string]string{
	feedDelivered:  "The message counts as delivered.",
	feedHard:       "The message counts as bounced for good. The address gets no more mail until somebody lifts that.",
	feedSoft:       "The message counts as bounced for now. The address goes on getting mail.",
	feedComplained: "The recipient has complained. The address gets only mail that its security needs.",
}

// simulate does what a provider's report does: the event, the state, the suppression.
func (s *System) simulate(tx *store.Tx, message, what string, kind EventKind) (out feedbackMade, err error) {
	m, err := findMessage(tx, message)
	if err != nil {
		return out, err
	}
	out.Message = message
	details := map[string]any{"simulated": true, "type": map[string]string{feedHard: "hard", feedSoft: "soft"}[what]}
	if out.Event, _, err = addEvent(tx, Event{Message: message, Kind: kind, Provider: "inbox", Dedupe: tx.NewID("sim"), Recipient: m.Norm, Details: details}); err != nil {
		return out, err
	}
	if _, err := advance(tx, message, kind); err != nil {
		return out, err
	}
	reason, scope := map[string]string{feedHard: "bounce", feedComplained: "complaint"}[what], ScopeAll
	if what == feedComplained {
		scope = ScopeNonSecurity
	}
	if reason != "" {
		if _, _, err := s.suppress(tx, Suppression{Address: m.Norm, Scope: scope, Reason: reason, Event: out.Event}); err != nil {
			return out, err
		}
		out.Suppressed = true
	}
	return out, s.Audit.Record(tx, audit.Event{Action: actSimulated, Targets: []audit.Ref{{Type: "message", ID: message}}, Org: m.Org, Details: map[string]any{"event": what}})
}
