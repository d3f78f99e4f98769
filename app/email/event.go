package email

import (
	"encoding/json"
	"fmt"
	"time"

	"seaworthy/store"
)

// EventKind is what happened to a message, in one vocabulary for all providers
// (spec/email.md section 4).
type EventKind string

// The kinds of events, in the order of a message's life.
const (
	Queued       EventKind = "queued"
	Rendered     EventKind = "rendered"
	Attempted    EventKind = "attempted" // a provider was asked and did not accept; details say why
	Accepted     EventKind = "accepted"  // the provider took it
	Deferred     EventKind = "deferred"  // the recipient's server asked to come back later
	Delivered    EventKind = "delivered" // the recipient's server took it
	Bounced      EventKind = "bounced"
	Complained   EventKind = "complained" // the recipient called it spam
	Unsubscribed EventKind = "unsubscribed"
	Responded    EventKind = "autoresponded"
	Suppressed   EventKind = "suppressed" // not sent: the address is on the list
	Expired      EventKind = "expired"
	Cancelled    EventKind = "cancelled"
	Failed       EventKind = "failed"
	Unknown      EventKind = "unknown" // the provider may or may not have taken it
)

// Event is something that happened to a message.
type Event struct {
	ID         string // eve_
	Message    string // "" : parked until the message is known, or not of ours
	Kind       EventKind
	Provider   string // "" for what happened here
	ProviderID string // the provider's id of the message; "" for none
	Dedupe     string // the provider's own key of the event; "" for what happened here
	Recipient  string // normalised
	Details    map[string]any
	Raw        []byte // as the provider sent it
	At         time.Time
	Received   time.Time
}

// messagesTopic is notified of everything that happens to a message.
const messagesTopic = "email.message"

// addEvent stores an event once: fresh is false for one that was there already.
// At is now if it is zero.
func addEvent(tx *store.Tx, e Event) (id string, fresh bool, err error) {
	id = tx.NewID("eve")
	dedupe := id
	if e.Dedupe != "" {
		dedupe = e.Provider + ":" + e.Dedupe
	}
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	details, err := json.Marshal(e.Details)
	if err != nil {
		return "", false, fmt.Errorf("mail event %s: %w", e.Kind, err)
	}
	at := tx.Now()
	if !e.At.IsZero() {
		at = e.At
	}
	n, err := tx.Exec(`INSERT INTO email_event (id, message_id, kind, provider, provider_id, dedupe, recipient_norm, details, raw, at, received_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedupe) DO NOTHING`,
		id, orNull(e.Message), string(e.Kind), e.Provider, e.ProviderID, dedupe, e.Recipient, string(details), e.Raw, at.UnixMilli(), tx.Now().UnixMilli())
	if err != nil {
		return "", false, fmt.Errorf("mail event %s: %w", e.Kind, err)
	}
	tx.Notify(messagesTopic)
	return id, n == 1, nil
}

const eventColumns = `SELECT id, coalesce(message_id, ''), kind, provider, provider_id, recipient_norm, details, raw, at, received_at FROM email_event `

func scanEvent(r store.Scanner) (e Event, err error) {
	var details string
	var at, received int64
	if err := r.Scan(&e.ID, &e.Message, &e.Kind, &e.Provider, &e.ProviderID, &e.Recipient, &details, &e.Raw, &at, &received); err != nil {
		return e, err
	}
	e.At, e.Received = time.UnixMilli(at).UTC(), time.UnixMilli(received).UTC()
	return e, json.Unmarshal([]byte(details), &e.Details)
}

// eventsOf are the first events of a message, in the order in which they came.
func eventsOf(tx *store.Tx, message string, limit int) ([]Event, error) {
	return store.All(tx, scanEvent, eventColumns+`WHERE message_id = ? ORDER BY id LIMIT ?`, message, limit)
}
