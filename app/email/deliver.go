package email

import (
	"context"
	"errors"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/post"
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
	if m.status != "queued" || m.job != "" && m.job != job.ID {
		return nil // an earlier attempt sent it and could not say so, it was cancelled, or another job has it
	}
	if m.expires > 0 && s.DB.Now().UnixMilli() > m.expires {
		return s.end(ctx, job, m, Expired, "it was too late to be of use")
	}
	out, err := s.prepare(ctx, m)
	switch {
	case err != nil && (ctx.Err() != nil || store.Retryable(err)):
		return err // the message is as good as it was; what it says could not be read just now
	case err != nil:
		return s.end(ctx, job, m, Failed, err.Error())
	}
	var later error // a used up attempt, with when the next one is; nil while there is none
	for tried := (map[string]bool{}); ; {
		t, err := store.Write(ctx, s.DB, func(tx *store.Tx) (turn, error) { return s.nextTurn(tx, m, out, tried) })
		switch {
		case err != nil:
			return err
		case t.gone:
			return nil
		case t.ends != "":
			return s.end(ctx, job, m, t.ends, t.reason)
		case t.wait > 0 && later != nil:
			return later
		case t.wait > 0:
			return queue.Snooze(t.wait)
		}
		tried[t.provider.Name()] = true
		again, err := s.attempt(ctx, job, m, out, t)
		if !again {
			return err
		}
		if err != nil {
			later = err
		}
	}
}

// sent notes that a provider accepted a message.
func (s *System) sent(tx *store.Tx, m messageRow, out Outgoing, provider string, r post.Receipt, took time.Duration) error {
	if r.MessageID == "" {
		r.MessageID = out.MessageID
	}
	if err := markSent(tx, m.id, provider, r, out.Mail.Subject); err != nil {
		return err
	}
	if _, _, err := addEvent(tx, Event{Message: m.id, Kind: Accepted, Provider: provider, ProviderID: r.ProviderID,
		Details: map[string]any{"duration_ms": took.Milliseconds()}}); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, s.event(actSent, m)); err != nil {
		return err
	}
	return s.adopt(tx, m.id, provider, r.ProviderID)
}

// end gives a message up for good, with the end of its job.
func (s *System) end(ctx context.Context, job queue.Job[Deliver], m messageRow, kind EventKind, reason string) error {
	return job.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.ended(tx, m, kind, reason) })
}

// ended gives a message up. What the app handed in can be sent again for some days; our
// own mails, which may hold a secret link, are wiped.
func (s *System) ended(tx *store.Tx, m messageRow, kind EventKind, reason string) error {
	if err := markEnded(tx, m.id, string(kind), reason); err != nil {
		return err
	}
	if _, _, err := addEvent(tx, Event{Message: m.id, Kind: kind, Details: map[string]any{"reason": reason}}); err != nil {
		return err
	}
	e := s.event(actFailed, m)
	e.Details["status"] = string(kind)
	e.Personal["reason"] = reason // mail servers repeat the address in it
	return s.Audit.Record(tx, e)
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

// errWiped says that what was in a message is not kept any more.
var errWiped = errors.New("what was in the message has been deleted")

// prepare renders a stored message.
func (s *System) prepare(ctx context.Context, m messageRow) (Outgoing, error) {
	made, a, err := s.opened(ctx, m)
	if err != nil {
		return Outgoing{}, err
	}
	return s.compile(m, made, a)
}
