package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"seaworthy/store"
)

// One-time tokens stay for a day after they end, so that a replay is still known
// as one; then they go, a bounded number in one transaction.
const (
	tokenStay  = 24 * time.Hour
	sweepBatch = 1000
	sweepEvery = 10 * time.Minute
)

// Sessions stay for ninety days after they could have lived: it is where people and
// operators look who was in an account. Then an address and a browser are of no more
// use to anybody, but for the session used last: it says when its user was here.
const (
	sessionStay  = 90 * 24 * time.Hour
	sessionEvery = 24 * time.Hour // those that stay are walked over each time
)

// invitationStay is how long an invitation stays after its end: until then a link that is
// followed once more says what became of it. Most hold the address of a stranger.
const invitationStay = 90 * 24 * time.Hour

// housekeep sweeps when it is time; Run alone calls it.
func (s *System) housekeep(ctx context.Context) error {
	now := s.DB.Now()
	if now.Sub(s.swept) < sweepEvery {
		return nil
	}
	s.swept = now
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	if now.Sub(s.sweptSessions) < sessionEvery {
		return nil
	}
	s.sweptSessions = now
	return errors.Join(s.SweepSessions(ctx), s.SweepDevices(ctx), s.SweepInvitations(ctx))
}

// Sweep drops every one-time token that ended long ago: however many a busy site
// makes, none gathers.
func (s *System) Sweep(ctx context.Context) error {
	return s.sweepAll(ctx, tokenStay, deleteOneTime)
}

// SweepInvitations drops the invitations that were accepted or withdrawn long ago.
func (s *System) SweepInvitations(ctx context.Context) error {
	return s.sweepAll(ctx, invitationStay, deleteInvitations)
}

// sweepAll drops what ended before a stay, a bounded number in one transaction.
func (s *System) sweepAll(ctx context.Context, stay time.Duration, some func(tx *store.Tx, before int64, most int) (int64, error)) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) { return some(tx, tx.Now().Add(-stay).UnixMilli(), sweepBatch) })
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

// SweepSessions drops the sessions that ended long ago.
func (s *System) SweepSessions(ctx context.Context) error {
	return s.walk(ctx, s.DB.Now().Add(-sessionStay), endedSessions, deleteSession)
}

// SweepDevices drops the devices that no browser has the cookie of any more. The last one of
// a user stays: somebody who comes back after years is told of a new device, as he should be.
func (s *System) SweepDevices(ctx context.Context) error {
	return s.walk(ctx, s.DB.Now().Add(-deviceLife), unknownDevices, deleteDevice)
}

// walk goes over the rows that ended before a time, the earliest first, and drops those that
// go; the others it meets again the next time.
func (s *System) walk(ctx context.Context, before time.Time, rows func(tx *store.Tx, from, before int64, limit int) ([]endedRow, error), drop func(*store.Tx, string) error) error {
	for from := int64(0); ; {
		all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]endedRow, error) { return rows(tx, from, before.UnixMilli(), sweepBatch) })
		if err != nil {
			return err
		}
		if err := s.drop(ctx, all, drop); err != nil {
			return err
		}
		if len(all) < sweepBatch {
			return nil
		}
		from = max(from+1, all[len(all)-1].end)
	}
}

func (s *System) drop(ctx context.Context, all []endedRow, drop func(*store.Tx, string) error) error {
	all = slices.DeleteFunc(all, func(e endedRow) bool { return !e.goes })
	if len(all) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, e := range all {
			if err := drop(tx, e.id); err != nil {
				return err
			}
		}
		return nil
	})
}
