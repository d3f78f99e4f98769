package auth

import (
	"context"
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
	return s.SweepSessions(ctx)
}

// Sweep drops every one-time token that ended long ago: however many a busy site
// makes, none gathers.
func (s *System) Sweep(ctx context.Context) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) {
			return deleteOneTime(tx, tx.Now().Add(-tokenStay).UnixMilli(), sweepBatch)
		})
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

// SweepSessions drops the sessions that ended long ago.
func (s *System) SweepSessions(ctx context.Context) error {
	before := s.DB.Now().Add(-sessionStay).UnixMilli()
	for from := int64(0); ; {
		all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]endedSession, error) { return endedSessions(tx, from, before, sweepBatch) })
		if err != nil {
			return err
		}
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return deleteSessions(tx, all) }); err != nil {
			return err
		}
		if len(all) < sweepBatch {
			return nil
		}
		from = max(from+1, all[len(all)-1].end)
	}
}
