package email

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/app/email/post"
	"seaworthy/queue"
	"seaworthy/store"
)

// Message is a mail to one person.
type Message struct {
	To       string                   // an address, or "Name <address>"
	Template string                   // "auth/verify"
	Vars     map[string]string        // a value for each variable of the template
	Lists    map[string][]compose.Row // rows for each list of the template; nil without one
	User     string                   // whom it is about, if a user; "" otherwise
	Org      string
	Category string // what it can be unsubscribed from; "" for what cannot

	via string // the one provider it may go by; "" for any
}

// Send stores a message and its delivery job in the caller's transaction. It
// fails at once, naming it, when a variable is missing or the template unknown.
func (s *System) Send(tx *store.Tx, m Message) (id string, err error) {
	t, err := s.sendable(tx.Context(), m.Template)
	if err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	given := m.all()
	if err := t.CheckVars(given); err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return "", fmt.Errorf("send: recipient: %w", err)
	}
	vars, err := json.Marshal(given)
	if err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	id = tx.NewID("msg")
	recipient := to.Address
	if to.Name != "" {
		recipient = to.String()
	}
	row := messageRow{id: id, stream: post.Transactional, class: t.Class, template: m.Template, recipient: recipient,
		norm: strings.ToLower(to.Address), user: m.User, org: m.Org, category: m.Category, via: m.via, vars: s.Keys.Seal("mail", id, vars)}
	if t.TTL > 0 {
		row.expires = tx.Now().Add(t.TTL).UnixMilli()
	}
	if err := s.enqueue(tx, row); err != nil {
		return "", fmt.Errorf("send: %w", err)
	}
	return id, nil
}

// enqueue stores a message that waits to be sent, its job and the first line of its
// timeline.
func (s *System) enqueue(tx *store.Tx, m messageRow) error {
	job, err := queue.Enqueue(tx, Deliver{Message: m.id}, m.options()...)
	if err != nil {
		return err
	}
	m.status, m.job = "queued", job.ID
	switch {
	case m.onUnknown != "":
	case m.class == "security": // twice is better than not at all: somebody waits for it to get in
		m.onUnknown = onUnknownRetry
	default:
		m.onUnknown = onUnknownHold
	}
	if err := insertMessage(tx, m); err != nil {
		return err
	}
	_, _, err = addEvent(tx, Event{Message: m.id, Kind: Queued, Recipient: m.norm})
	return err
}

// options say how its job is queued: streams do not stand in each other's way, and
// what somebody waits for to get in goes first.
func (m *messageRow) options() (all []queue.Option) {
	if m.stream == post.Broadcast {
		all = append(all, queue.On("mail-broadcast"))
	}
	if m.class == "security" {
		all = append(all, queue.Priority(5))
	}
	if m.sendAt > 0 {
		all = append(all, queue.At(time.UnixMilli(m.sendAt)))
	}
	if m.files { // each takes much memory while it is made
		all = append(all, queue.Key("email.files", 2))
	}
	return all
}
