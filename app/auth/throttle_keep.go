package auth

import (
	"context"
	"time"

	"seaworthy/store"
)

// What the throttle counts lives in memory; what of it would matter after a restart is
// written in batches.

// flushThrottle writes what changed, in one transaction.
func (s *System) flushThrottle(ctx context.Context) error {
	rows := s.throttle.take()
	if len(rows) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			if err := keepThrottle(tx, r); err != nil {
				return err
			}
		}
		return deleteThrottle(tx, tx.Now().Add(-2*forget).UnixMilli())
	})
}

// take copies what changed since the last time and would matter after a restart.
func (t *throttle) take() (rows []throttleRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, all := range map[string]map[throttleKey]*failing{"account": t.accounts, "network": t.networks} {
		for k, f := range all {
			if f.dirty {
				f.dirty = false
				rows = append(rows, throttleRow{kind: kind, key: k[:], failures: f.failures, until: millis(f.until), updated: f.last.UnixMilli()})
			}
		}
	}
	return rows
}

// loadThrottle reads at start what the last process had written.
func (s *System) loadThrottle(ctx context.Context) error {
	rows, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]throttleRow, error) {
		return throttled(tx, tx.Now().Add(-forget).UnixMilli(), mostThrottled)
	})
	if err != nil {
		return err
	}
	t := s.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range rows {
		all := t.accounts
		if r.kind == "network" {
			all = t.networks
		}
		all[throttleKey(r.key)] = &failing{failures: r.failures, last: time.UnixMilli(r.updated).UTC(), until: timeOrZero(r.until)}
	}
	return nil
}
