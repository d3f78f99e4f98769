package email

import (
	"context"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/queue"
	"seaworthy/store"
)

// settle is the job that looks whether word has come of a message in doubt.
type settle struct {
	Message string `json:"message"`
}

// Kind implements queue.Args.
func (settle) Kind() string { return "email.settle" }

// Defaults implements queue's defaults.
func (settle) Defaults() []queue.Option { return []queue.Option{queue.On("mail")} }

// inDoubt leaves a message be of which nobody knows whether it was taken: a webhook
// may tell. Another provider does not get it, or the recipient may have it twice.
func (s *System) inDoubt(tx *store.Tx, m messageRow, t turn, e *post.Error, took time.Duration) error {
	if err := s.closeAttempt(tx, m, t, e, took); err != nil {
		return err
	}
	if err := markUnknown(tx, m.id, t.provider.Name(), e.Reason); err != nil {
		return err
	}
	if _, err := queue.Enqueue(tx, settle{m.id}, queue.In(s.UnknownWait)); err != nil {
		return err
	}
	return s.Audit.Record(tx, s.event(actUnknown, m))
}

// settle sends a message in doubt once more, if it may be, when no word has come.
func (s *System) settle(ctx context.Context, job queue.Job[settle]) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		m, err := queuedMessage(tx, job.Args.Message)
		if err != nil || m.status != "unknown" {
			return ignoreGone(err)
		}
		past, err := attemptsOf(tx, m.id)
		if err != nil {
			return err
		}
		doubts := 0
		for _, a := range past {
			if a.class == string(post.Unknown) {
				doubts++
			}
		}
		late := m.expires > 0 && tx.Now().UnixMilli() > m.expires
		if m.onUnknown != onUnknownRetry || doubts > 1 || late {
			_, _, err := addEvent(tx, Event{Message: m.id, Kind: Unknown, Details: map[string]any{"held": true, "reason": "no word came; it is sent again only by hand"}})
			return err
		}
		return s.again(tx, m, "no word came; it is sent once more and may arrive twice")
	})
}

// again queues a message anew, to be sent at once.
func (s *System) again(tx *store.Tx, m messageRow, why string) error {
	m.sendAt = 0
	job, err := queue.Enqueue(tx, Deliver{Message: m.id}, m.options()...)
	if err != nil {
		return err
	}
	if err := requeue(tx, m.id, job.ID); err != nil {
		return err
	}
	_, _, err = addEvent(tx, Event{Message: m.id, Kind: Queued, Details: map[string]any{"reason": why}})
	return err
}

// unknownWait is how long word is waited for unless the configuration says otherwise.
const unknownWait = 15 * time.Minute
