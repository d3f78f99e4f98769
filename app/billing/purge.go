package billing

import (
	"context"

	"seaworthy/store"
)

// How long what is over is kept.
const (
	keepPast    = 90 * oneDay
	purgeAtOnce = 500
)

// purge drops old events and what nobody came back to, in slices. Stripe sends no event
// again that is older than three days.
func (s *System) purge(ctx context.Context) error {
	return firstOf(
		s.inSlices(ctx, func(tx *store.Tx, before int64) (int64, error) {
			return tx.Exec(`DELETE FROM billing_event WHERE id IN (SELECT id FROM billing_event WHERE state = 'done' AND received_at < ? ORDER BY received_at, id LIMIT ?)`, before, purgeAtOnce)
		}),
		s.inSlices(ctx, func(tx *store.Tx, before int64) (int64, error) {
			return tx.Exec(`DELETE FROM billing_intent WHERE id IN (SELECT id FROM billing_intent WHERE state = 'expired' AND expires_at < ? ORDER BY expires_at, id LIMIT ?)`, before, purgeAtOnce)
		}))
}

// inSlices drops what is older than a time, in ms, until there is less of it than a slice.
func (s *System) inSlices(ctx context.Context, drop func(tx *store.Tx, before int64) (n int64, err error)) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int64, error) { return drop(tx, tx.Now().Add(-keepPast).UnixMilli()) })
		if err != nil || n < purgeAtOnce {
			return err
		}
	}
}
