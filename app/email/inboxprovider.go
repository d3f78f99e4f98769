package email

import (
	"context"
	"errors"
	"time"

	"seaworthy/store"
)

// inboxProvider is the development inbox as a provider. What it accepts is stored by
// inboxOf together with the end of the job.
type inboxProvider struct{ s *System }

func (inboxProvider) Name() string { return "inbox" }

// Send implements Provider: it accepts everything, unless it was told to fail.
func (p inboxProvider) Send(ctx context.Context, o Outgoing) (Receipt, error) {
	f := p.s.faults.strike(fromSeaworthy)
	switch f.Kind {
	case faultTemporary:
		return Receipt{}, errors.New("451 4.3.0 The development inbox was told to refuse this for now")
	case faultPermanent:
		return Receipt{}, &RefusedError{Reason: "550 5.7.1 The development inbox was told to refuse this."}
	case faultTimeout: // the provider has it and nobody knows
		m := caught(o)
		if err := p.s.storeMail(ctx, m); err != nil {
			return Receipt{}, err
		}
		return Receipt{}, errors.New("the development inbox took the message and was told not to answer")
	case faultSlow:
		if err := pause(ctx, f.Delay()); err != nil {
			return Receipt{}, err
		}
	}
	return Receipt{MessageID: o.MessageID}, nil
}

// inboxOf stores an accepted message in the inbox, if that is where mail goes. What
// it needs is made now, so that nothing is left to do in the transaction.
func (s *System) inboxOf(o Outgoing) func(*store.Tx) error {
	if !s.inbox {
		return func(*store.Tx) error { return nil }
	}
	m, prune := caught(o), s.pruneNow(len(o.Raw))
	return func(tx *store.Tx) error { return keepMail(tx, m, prune) }
}

// storeMail puts a mail into the inbox in a transaction of its own.
func (s *System) storeMail(ctx context.Context, m inboxMail) error {
	prune := s.pruneNow(len(m.raw))
	return s.DB.Write(ctx, func(tx *store.Tx) error { return keepMail(tx, m, prune) })
}

func keepMail(tx *store.Tx, m inboxMail, prune bool) error {
	if _, err := insertInbox(tx, m); err != nil || !prune {
		return err
	}
	return pruneInbox(tx)
}

// pruneNow says whether it is time to look at how much the inbox holds: now and then,
// and with every large mail.
func (s *System) pruneNow(size int) bool {
	const every, large = 50, 1 << 20
	return s.caughtCount.Add(1)%every == 0 || size > large
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
