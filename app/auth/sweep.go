package auth

import (
	"context"
	"time"

	"seaworthy/store"
)

// One-time tokens stay for a day after they end, so that a replay is still known
// as one; then they go, a bounded number at once.
const (
	tokenStay  = 24 * time.Hour
	sweepBatch = 1000
	sweepEvery = 10 * time.Minute
)

// housekeep sweeps every sweepEvery; Run alone calls it.
func (s *System) housekeep(ctx context.Context) error {
	now := s.DB.Now()
	if now.Sub(s.swept) < sweepEvery {
		return nil
	}
	s.swept = now
	return s.Sweep(ctx)
}

// Sweep drops one-time tokens that ended long ago.
func (s *System) Sweep(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return deleteOneTime(tx, tx.Now().Add(-tokenStay).UnixMilli(), sweepBatch) })
}
