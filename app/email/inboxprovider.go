package email

import (
	"context"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// inboxName is the development inbox as a provider.
const inboxName = "inbox"

// inboxProvider is the development inbox as a provider. What it accepts is stored by
// inboxOf together with the end of the job.
type inboxProvider struct{ s *System }

// Name implements post.Provider.
func (inboxProvider) Name() string { return inboxName }

// Limit implements post.Provider.
func (inboxProvider) Limit() int64 { return 25_000_000 }

// UTF8 says that it takes addresses with letters beyond ASCII before the @.
func (inboxProvider) UTF8() bool { return true }

// Send implements post.Provider: it accepts everything, unless it was told to fail.
func (p inboxProvider) Send(ctx context.Context, m post.Message) (post.Receipt, error) {
	f := p.s.faults.strike(fromSeaworthy)
	switch f.Kind {
	case faultTemporary:
		return post.Receipt{}, &post.Error{Class: post.Temporary, Status: 451, Reason: "451 4.3.0 The development inbox was told to refuse this for now"}
	case faultPermanent:
		return post.Receipt{}, &post.Error{Class: post.Refused, Status: 550, Reason: "550 5.7.1 The development inbox was told to refuse this."}
	case faultTimeout: // the provider has it and nobody knows
		if err := p.s.storeMail(ctx, caught(m)); err != nil {
			return post.Receipt{}, err
		}
		return post.Receipt{}, &post.Error{Class: post.Unknown, Reason: "the development inbox took the message and was told not to answer"}
	case faultSlow:
		if err := pause(ctx, f.Delay()); err != nil {
			return post.Receipt{}, err
		}
	}
	return post.Receipt{MessageID: m.MessageID}, nil
}

// inboxOf stores an accepted message in the inbox, if that took it. What it needs is
// made now, so that nothing is left to do in the transaction.
func (s *System) inboxOf(o Outgoing, by post.Provider) func(*store.Tx) error {
	if by.Name() != inboxName {
		return func(*store.Tx) error { return nil }
	}
	m, prune := caught(o.letter()), s.pruneNow(len(o.Raw))
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
