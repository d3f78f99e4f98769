package jobs

import (
	"errors"
	"time"

	"seaworthy/store"
)

// oldestReady is when the job that has been ready for longest could have started;
// zero when none is.
func oldestReady(tx *store.Tx, name string) (time.Time, error) {
	var at int64
	err := tx.QueryRow(`SELECT run_at FROM queue_job WHERE state = 'available' AND queue = ? ORDER BY id LIMIT 1`, name).Scan(&at)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	return time.UnixMilli(at), err
}

// runningIn counts the jobs that run by queue, up to a limit.
func runningIn(tx *store.Tx, limit int) (map[string]int, error) {
	names, err := store.All(tx, func(r store.Scanner) (name string, err error) { return name, r.Scan(&name) },
		`SELECT queue FROM queue_job WHERE state = 'running' LIMIT ?`, limit)
	all := map[string]int{}
	for _, name := range names {
		all[name]++
	}
	return all, err
}
