package billing

import (
	"context"
	"time"

	"seaworthy/store"
)

// SetHookRead bounds how long the body of an event may take.
func SetHookRead(s *System, d time.Duration) { s.hookRead = d }

// SyncNow fetches a customer in the caller's goroutine, beside the queue and its lock.
func SyncNow(s *System, ctx context.Context, customer string) error {
	snap, err := s.fetch(ctx, customer, extra{})
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, _, err := s.apply(tx, customer, &snap)
		return err
	})
}

// LinkNow binds a customer to an org, if he is not.
func LinkNow(s *System, ctx context.Context, customer, org string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := customerByID(tx, customer); !isNotFound(err) {
			return err
		}
		return s.link(tx, customer, org)
	})
}
