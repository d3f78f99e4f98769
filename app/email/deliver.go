package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/compose"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deliver is the job that sends one stored message.
type Deliver struct {
	Message string `json:"message"`
}

// Kind implements queue.Args.
func (Deliver) Kind() string { return "email.deliver" }

// Defaults implements queue's defaults: mail has a queue of its own, so that a
// slow mail server delays nothing else.
func (Deliver) Defaults() []queue.Option {
	return []queue.Option{queue.On("mail"), queue.MaxAttempts(12), queue.Timeout(time.Minute)}
}

// deliver renders and sends. The provider is called with no transaction open;
// what came of it is stored together with the end of the job.
func (s *System) deliver(ctx context.Context, job queue.Job[Deliver]) error {
	m, err := store.Read(ctx, s.DB, func(tx *store.Tx) (messageRow, error) { return queuedMessage(tx, job.Args.Message) })
	if isGone(err) {
		return queue.Cancel(errors.New("the message was deleted"))
	}
	if err != nil {
		return err
	}
	if m.status != "queued" {
		return nil // an earlier attempt sent it and could not say so
	}
	if m.expires > 0 && s.DB.Now().UnixMilli() > m.expires {
		return s.end(ctx, job, m, "expired", "it was too late to be of use")
	}
	out, err := s.prepare(ctx, m)
	if err != nil {
		return s.end(ctx, job, m, "failed", err.Error())
	}
	receipt, err := s.provider.Send(ctx, out)
	var refused *RefusedError
	if errors.As(err, &refused) {
		return s.end(ctx, job, m, "failed", refused.Error())
	}
	if err != nil {
		if job.Attempt >= job.MaxAttempts {
			return s.end(ctx, job, m, "failed", err.Error())
		}
		return fmt.Errorf("send %s by %s: %w", m.id, s.provider.Name(), err)
	}
	keep := s.inboxOf(out)
	return job.Complete(ctx, func(tx *store.Tx) error {
		if err := keep(tx); err != nil {
			return err
		}
		return s.sent(tx, m, out, receipt)
	})
}

func (s *System) sent(tx *store.Tx, m messageRow, out Outgoing, r Receipt) error {
	if err := markSent(tx, m.id, s.provider.Name(), r, out.Mail.Subject); err != nil {
		return err
	}
	return s.Audit.Record(tx, s.event(actSent, m))
}

// end gives a message up for good.
func (s *System) end(ctx context.Context, job queue.Job[Deliver], m messageRow, status, reason string) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		if err := markEnded(tx, m.id, status, reason); err != nil {
			return err
		}
		e := s.event(actFailed, m)
		e.Details["status"] = status
		e.Personal["reason"] = reason // mail servers repeat the address in it
		return s.Audit.Record(tx, e)
	})
}

func (s *System) event(a audit.Action, m messageRow) audit.Event {
	e := audit.Event{Action: a, Targets: []audit.Ref{{Type: "message", ID: m.id}}, Org: m.org,
		Details: map[string]any{"template": m.template}, Personal: map[string]string{"recipient": m.recipient}}
	if m.user != "" {
		e.Targets = append(e.Targets, audit.User(m.user))
		e.Subject = audit.User(m.user)
	}
	return e
}

// prepare renders a stored message.
func (s *System) prepare(ctx context.Context, m messageRow) (Outgoing, error) {
	text, err := s.Keys.Open("mail", m.id, m.vars)
	if err != nil {
		return Outgoing{}, err
	}
	var vars compose.Vars
	if err := json.Unmarshal(text, &vars); err != nil {
		return Outgoing{}, err
	}
	mail, err := s.render(ctx, m.template, vars)
	if err != nil {
		return Outgoing{}, err
	}
	return s.compile(m, mail)
}
