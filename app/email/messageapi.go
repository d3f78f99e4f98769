package email

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/store"
)

// messageJSON is a message as the API tells of it; never what it says.
type messageJSON struct {
	ID         string            `json:"id"`
	To         string            `json:"to"`
	Status     string            `json:"status"` // as its events have it; scheduled while its time is to come
	Template   string            `json:"template,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Stream     string            `json:"stream"`
	Class      string            `json:"class"`
	Category   string            `json:"category,omitempty"`
	Tags       []string          `json:"tags"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	User       string            `json:"user,omitempty"`
	Org        string            `json:"org,omitempty"`
	Provider   string            `json:"provider,omitempty"`
	ProviderID string            `json:"provider_id,omitempty"`
	MessageID  string            `json:"message_id,omitempty"` // RFC 5322
	Error      string            `json:"error,omitempty"`
	Request    string            `json:"request,omitempty"`
	Created    time.Time         `json:"created_at"`
	SendAt     *time.Time        `json:"send_at,omitempty"`
	Expires    *time.Time        `json:"expires_at,omitempty"`
	Sent       *time.Time        `json:"sent_at,omitempty"`
	Events     []eventJSON       `json:"events,omitempty"` // not in lists; in the order in which they came
}

// eventJSON is one thing that happened to a message.
type eventJSON struct {
	ID       string         `json:"id"`
	Kind     EventKind      `json:"kind"`
	Provider string         `json:"provider,omitempty"`
	Details  jsontext.Value `json:"details,omitempty"`
	At       time.Time      `json:"at"`
}

type messageListJSON struct {
	Messages []messageJSON `json:"messages"`
	Next     string        `json:"next_cursor,omitempty"`
}

// json is the message at a time.
func (m stored) json(now time.Time) messageJSON {
	when := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	out := messageJSON{ID: m.ID, To: m.Recipient, Status: m.Status, Template: m.Template, Subject: m.Subject, Stream: m.Stream, Class: m.Class, Category: m.Category,
		Tags: m.Tags, Metadata: m.Metadata, User: m.User, Org: m.Org, Provider: m.Provider, ProviderID: m.ProviderID, MessageID: m.MessageID, Error: m.Error, Request: m.Request,
		Created: m.Created, SendAt: when(m.SendAt), Expires: when(m.Expires), Sent: when(m.Sent)}
	if m.Scheduled(now) {
		out.Status = "scheduled"
	}
	return out
}

// Scheduled says whether its time is still to come.
func (m stored) Scheduled(now time.Time) bool { return m.Status == "queued" && m.SendAt.After(now) }

func (s *System) messagesAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	cursor, limit, err := pageOf(q, 200)
	if err != nil {
		return err
	}
	f := Sought{Status: q.Get("status"), Template: q.Get("template"), Stream: q.Get("stream"), Recipient: strings.ToLower(q.Get("recipient")), User: q.Get("user"), Tag: q.Get("tag"),
		Before: cursor, Limit: limit + 1}
	var c web.Check
	c.Fault(f.Status == "" || slices.Contains(statuses, f.Status), "status", "choice", "One of "+strings.Join(statuses, ", ")+".")
	c.Fault(f.Stream == "" || slices.Contains(streams, f.Stream), "stream", "choice", "transactional or broadcast.")
	if err := c.Err(); err != nil {
		return err
	}
	rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]stored, error) { return listMessages(tx, f) })
	if err != nil {
		return err
	}
	out := messageListJSON{Messages: []messageJSON{}}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = rows[limit-1].ID
	}
	for _, m := range rows {
		out.Messages = append(out.Messages, m.json(s.DB.Now()))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) messageAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellMessage(w, r, r.PathValue("id"))
}

func (s *System) tellMessage(w http.ResponseWriter, r *http.Request, id string) error {
	var events []Event
	m, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (m stored, err error) {
		if m, err = findMessage(tx, id); err != nil {
			return m, err
		}
		events, err = eventsOf(tx, id, maxEvents)
		return m, err
	})
	if err != nil {
		return err
	}
	out := m.json(s.DB.Now())
	for _, e := range events {
		one := eventJSON{ID: e.ID, Kind: e.Kind, Provider: e.Provider, At: e.At}
		if len(e.Details) > 0 {
			raw, err := json.Marshal(e.Details)
			if err != nil {
				return err
			}
			if one.Details = jsontext.Value(redact.JSON(raw)); !one.Details.IsValid() {
				one.Details = nil
			}
		}
		out.Events = append(out.Events, one)
	}
	return web.JSON(w, http.StatusOK, out)
}
