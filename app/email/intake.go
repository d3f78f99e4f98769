package email

import (
	"fmt"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/email/feedback"
	"seaworthy/store"
)

// taken is what became of a request's events.
type taken struct{ fresh, repeated int }

// take stores what a provider tells, once, with all that follows from it, in the
// caller's transaction.
func (s *System) take(tx *store.Tx, events []feedback.Event) (t taken, err error) {
	for _, e := range events {
		fresh, err := s.takeOne(tx, e)
		if err != nil {
			return t, fmt.Errorf("mail event %s of %s: %w", e.Kind, e.Provider, err)
		}
		if fresh {
			t.fresh++
		} else {
			t.repeated++
		}
	}
	return t, nil
}

// joined is the message that an event is of; zero for one that is not known (yet).
type joined struct{ id, norm, user, org, category string }

func (s *System) takeOne(tx *store.Tx, e feedback.Event) (fresh bool, err error) {
	m, err := join(tx, e)
	if err != nil {
		return false, err
	}
	kind := EventKind(e.Kind)
	id, fresh, err := addEvent(tx, Event{Message: m.id, Kind: kind, Provider: e.Provider, ProviderID: e.ProviderID, Dedupe: e.Dedupe,
		Recipient: e.Recipient, Details: e.Details, Raw: e.Raw, At: e.At})
	if err != nil || !fresh {
		return false, err
	}
	if m.id != "" {
		if _, err := advance(tx, m.id, kind); err != nil {
			return false, err
		}
	}
	return true, s.heed(tx, e, m, id)
}

// heed does what an event calls for: a dead mailbox gets no more mail, who
// complained only what his security needs, who unsubscribed nothing of the category.
func (s *System) heed(tx *store.Tx, e feedback.Event, m joined, event string) error {
	switch e.Kind {
	case feedback.Bounced:
		if err := s.report(tx, actBounced, e, m, ""); err != nil {
			return err
		}
	case feedback.Complained:
		if err := s.report(tx, actComplained, e, m, ""); err != nil {
			return err
		}
	}
	who := e.Recipient
	if who == "" {
		who = m.norm
	}
	if who == "" || e.Effect == feedback.None {
		return nil
	}
	if e.Effect == feedback.OptOut {
		category := m.category
		if category == "" {
			category = everyCategory // of which message is not known, so the larger wish counts
		}
		r := s.readerOf(who)
		r.message = m.id
		_, err := s.optOut(tx, r, category, said{source: "provider"})
		return err
	}
	p := Suppression{Address: who, Scope: ScopeAll, Reason: "bounce", Event: event}
	if e.Effect == feedback.Complaint {
		p.Scope, p.Reason = ScopeNonSecurity, "complaint"
	}
	id, held, err := s.suppress(tx, p)
	if err != nil || !held {
		return err
	}
	return s.report(tx, actSuppressed, e, m, id)
}

// report records what a provider told. The address is not in the audit log: the
// message and the suppression have it, until it is erased.
func (s *System) report(tx *store.Tx, action audit.Action, e feedback.Event, m joined, suppression string) error {
	out := audit.Event{Action: action, Actor: audit.Ref{Type: "provider", ID: e.Provider}, Org: m.org, Details: map[string]any{"kind": string(e.Kind)}}
	for _, name := range []string{"type", "subtype", "status"} {
		if v, ok := e.Details[name]; ok {
			out.Details[name] = v
		}
	}
	if suppression != "" {
		out.Targets = append(out.Targets, audit.Ref{Type: "suppression", ID: suppression})
	}
	if m.id != "" {
		out.Targets = append(out.Targets, audit.Ref{Type: "message", ID: m.id})
	} else if e.ProviderID != "" {
		out.Details["provider_id"] = e.ProviderID
	}
	if m.user != "" {
		out.Targets = append(out.Targets, audit.User(m.user))
	}
	return s.Audit.Record(tx, out)
}

// join finds the message of an event: by the id that we sent along, by the
// provider's id, by our id in the Message-ID.
func join(tx *store.Tx, e feedback.Event) (joined, error) {
	ids := []string{e.Ours}
	if local, _, ok := strings.Cut(strings.TrimPrefix(e.MessageID, "<"), "@"); ok {
		ids = append(ids, local)
	}
	if e.ProviderID != "" {
		m, err := scanJoined(tx.QueryRow(joinedColumns+`WHERE provider = ? AND provider_id = ?`, e.Provider, e.ProviderID))
		if !isGone(err) {
			return m, err
		}
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, "msg_") {
			continue
		}
		m, err := scanJoined(tx.QueryRow(joinedColumns+`WHERE id = ?`, id))
		if !isGone(err) {
			return m, err
		}
	}
	return joined{}, nil
}

const joinedColumns = `SELECT id, recipient_norm, coalesce(user_id, ''), coalesce(org_id, ''), category FROM email_message `

func scanJoined(r store.Scanner) (m joined, err error) {
	return m, r.Scan(&m.id, &m.norm, &m.user, &m.org, &m.category)
}
