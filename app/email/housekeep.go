package email

import (
	"context"
	"time"

	"seaworthy/store"
)

// How long things are kept.
const (
	keepParked = 7 * 24 * time.Hour // what a provider says of a message that is not ours, or was erased
	houseEvery = 10 * time.Minute
	houseSlice = 200 // rows in a transaction
)

// tendHouse deletes what is not to be kept, every houseEvery until ctx ends.
func (s *System) tendHouse(ctx context.Context) {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		if err := s.Housekeep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("old mail could not be deleted", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Housekeep deletes what is not to be kept any more: the words and files of mail that
// was handed in, events that belong to no message, and messages with all that happened
// to them. It works in slices, so that others write in between.
func (s *System) Housekeep(ctx context.Context) error {
	steps := []func(*store.Tx) (int, error){wipeSome, dropParked}
	if s.Keep > 0 {
		steps = append(steps, func(tx *store.Tx) (int, error) { return dropMessages(tx, tx.Now().Add(-s.Keep)) })
	}
	for _, step := range steps {
		for {
			n, err := store.Write(ctx, s.DB, step)
			if err != nil {
				return err
			}
			if n < houseSlice {
				break
			}
		}
	}
	return nil
}
