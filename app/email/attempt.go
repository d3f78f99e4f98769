package email

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/queue"
	"seaworthy/store"
)

// attempt calls one provider and does what its answer says. again: another provider
// may have the message at once; err is then how the job waits if none may, nil where
// this call used up no attempt.
func (s *System) attempt(ctx context.Context, job queue.Job[Deliver], m messageRow, out Outgoing, t turn) (again bool, err error) {
	began := time.Now()
	receipt, err := t.provider.Send(ctx, out.letter())
	took := time.Since(began)
	kept := context.WithoutCancel(ctx) // what was found out is stored, though the time is up
	if err == nil {
		keep := s.inboxOf(out, t.provider)
		return false, job.Complete(kept, func(tx *store.Tx) error {
			if err := keep(tx); err != nil {
				return err
			}
			if err := endAttempt(tx, t.attempt, classAccepted); err != nil {
				return err
			}
			if err := s.note(tx, t.provider.Name(), nil); err != nil {
				return err
			}
			return s.sent(tx, m, out, t.provider.Name(), receipt, took)
		})
	}
	failed := asError(err)
	if cause := context.Cause(ctx); errors.Is(cause, queue.ErrStopping) && failed.Class != post.Unknown {
		return false, errors.Join(cause, s.DB.Write(kept, func(tx *store.Tx) error { return endAttempt(tx, t.attempt, classStopped) }))
	}
	switch failed.Class {
	case post.Refused, post.Suppressed:
		return false, job.Complete(kept, func(tx *store.Tx) error { return s.refused(tx, m, t, failed, took) })
	case post.Unknown:
		if m.onUnknown != onUnknownFailover || !t.others {
			return false, job.Complete(kept, func(tx *store.Tx) error { return s.inDoubt(tx, m, t, failed, took) })
		}
	}
	return s.putOff(kept, job, m, t, failed, took)
}

// asError makes any error one of the vocabulary: what is not known is temporary.
func asError(err error) *post.Error {
	var failed *post.Error
	if errors.As(err, &failed) {
		return failed
	}
	return &post.Error{Class: post.Temporary, Reason: err.Error()}
}

// closeAttempt stores what came of a call that was not accepted.
func (s *System) closeAttempt(tx *store.Tx, m messageRow, t turn, e *post.Error, took time.Duration) error {
	if err := endAttempt(tx, t.attempt, string(e.Class)); err != nil {
		return err
	}
	kind := Attempted
	if e.Class == post.Unknown {
		kind = Unknown
	}
	_, _, err := addEvent(tx, Event{Message: m.id, Kind: kind, Provider: t.provider.Name(),
		Details: map[string]any{"class": string(e.Class), "status": e.Status, "reason": e.Reason, "duration_ms": took.Milliseconds()}})
	if err != nil {
		return err
	}
	return s.note(tx, t.provider.Name(), e)
}

// refused ends a message that will never be taken. A provider that sends nothing to
// the address any more knows something that holds for all mail.
func (s *System) refused(tx *store.Tx, m messageRow, t turn, e *post.Error, took time.Duration) error {
	if err := s.closeAttempt(tx, m, t, e, took); err != nil {
		return err
	}
	if e.Class == post.Refused {
		return s.ended(tx, m, Failed, e.Error())
	}
	if _, _, err := s.suppress(tx, Suppression{Address: m.norm, Scope: ScopeAll, Reason: "provider"}); err != nil {
		return err
	}
	return s.ended(tx, m, Suppressed, e.Error())
}

// putOff lets a message wait that was not taken this time. What the provider is to
// blame for costs no attempt.
func (s *System) putOff(ctx context.Context, job queue.Job[Deliver], m messageRow, t turn, e *post.Error, took time.Duration) (again bool, err error) {
	counts := e.Class == post.Temporary || e.Class == post.Unknown
	if counts && job.Attempt >= job.MaxAttempts {
		return false, job.Complete(ctx, func(tx *store.Tx) error {
			if err := s.closeAttempt(tx, m, t, e, took); err != nil {
				return err
			}
			return s.ended(tx, m, Failed, e.Error())
		})
	}
	wait, err := store.Write(ctx, s.DB, func(tx *store.Tx) (time.Duration, error) {
		if err := s.closeAttempt(tx, m, t, e, took); err != nil {
			return 0, err
		}
		h, err := healthOf(tx, t.provider.Name())
		if err != nil {
			return 0, err
		}
		_, _, wait := h.admit(tx.Now())
		return wait, clearSlot(tx, m.id)
	})
	if err != nil {
		return false, err
	}
	if counts {
		often := e.Class == post.Unknown || t.earlier+1 >= failoverAfter || wait > shortPause
		return often, queue.RetryAfter(retryWait(job.Attempt), e)
	}
	if e.Class == post.Limited && wait <= shortPause {
		return false, queue.Snooze(max(wait, time.Second)) // the order is kept, and soon
	}
	return true, nil
}

// retryWait is how long a message waits after an attempt: 2 s, 8 s, 32 s, … up to an
// hour, spread by a fifth.
func retryWait(attempt int) time.Duration {
	wait := min(2*time.Second<<min(2*(attempt-1), 20), time.Hour)
	return wait + rand.N(wait/5)
}
