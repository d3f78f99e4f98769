package sms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deliver is the job that sends one stored text.
type Deliver struct {
	Message string `json:"message"`
}

// Kind implements queue.Args.
func (Deliver) Kind() string { return "sms.deliver" }

// Defaults implements queue's defaults: texts have a queue of their own, and are
// soon too late to be of use.
func (Deliver) Defaults() []queue.Option {
	return []queue.Option{queue.On("sms"), queue.MaxAttempts(5), queue.Timeout(30 * time.Second)}
}

// deliver calls the provider with no transaction open; what came of it is stored
// together with the end of the job.
func (s *System) deliver(ctx context.Context, job queue.Job[Deliver]) error {
	m, err := store.Read(ctx, s.DB, func(tx *store.Tx) (messageRow, error) { return messageByID(tx, job.Args.Message) })
	if isGone(err) {
		return queue.Cancel(errors.New("the text was deleted"))
	}
	if err != nil {
		return err
	}
	if m.status != "queued" {
		return nil // an earlier attempt sent it and could not say so
	}
	if s.DB.Now().UnixMilli() > m.expires {
		return s.end(ctx, job, m, "expired", "it was too late to be of use")
	}
	to, err := s.Keys.Open("sms", m.id, m.recipient)
	if err != nil {
		return s.end(ctx, job, m, "failed", err.Error())
	}
	body, err := s.Keys.Open("sms", m.id, m.body)
	if err != nil {
		return s.end(ctx, job, m, "failed", err.Error())
	}
	if s.Provider == nil {
		return job.Complete(ctx, func(tx *store.Tx) error {
			if err := insertInbox(tx, m.id, Phone(to), string(body), s.Wake); err != nil {
				return err
			}
			return s.sent(tx, m, "inbox", "")
		})
	}
	receipt, err := s.Provider.Send(ctx, Outgoing{ID: m.id, To: Phone(to), Body: string(body)})
	var refused *RefusedError
	if errors.As(err, &refused) {
		return s.end(ctx, job, m, "failed", refused.Error())
	}
	if err != nil {
		if job.Attempt >= job.MaxAttempts {
			return s.end(ctx, job, m, "failed", err.Error())
		}
		return fmt.Errorf("send %s by %s: %w", m.id, s.Provider.Name(), err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return s.sent(tx, m, s.Provider.Name(), receipt) })
}

func (s *System) sent(tx *store.Tx, m messageRow, provider, receipt string) error {
	if err := markSent(tx, m.id, provider, receipt); err != nil {
		return err
	}
	if err := dropOld(tx); err != nil {
		return err
	}
	return s.Audit.Record(tx, m.event(actSent))
}

// end gives a text up for good.
func (s *System) end(ctx context.Context, job queue.Job[Deliver], m messageRow, status, reason string) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		if err := markEnded(tx, m.id, status, reason); err != nil {
			return err
		}
		e := m.event(actFailed)
		e.Details = map[string]any{"status": status}
		e.Personal = map[string]string{"reason": reason} // providers repeat the number in it
		return s.Audit.Record(tx, e)
	})
}

func (m messageRow) event(a audit.Action) audit.Event {
	e := audit.Event{Action: a, Targets: []audit.Ref{{Type: "text", ID: m.id}}}
	if m.user != "" {
		e.Targets = append(e.Targets, audit.User(m.user))
		e.Subject = audit.User(m.user)
	}
	return e
}
