package queue

import (
	"time"

	"seaworthy/store"
)

// Ended is how many attempts ended in a minute, of all queues and kinds together.
type Ended struct {
	At                      time.Time // the minute's start
	Completed, Failed, Dead int64
}

// EndedSince are the attempts that ended since a time, the oldest minute first; minutes in which
// none did are left out, and so is the one that goes on.
func EndedSince(tx *store.Tx, since time.Time, limit int) ([]Ended, error) {
	return store.All(tx, func(r store.Scanner) (e Ended, err error) {
		var at int64
		err = r.Scan(&at, &e.Completed, &e.Failed, &e.Dead)
		e.At = time.UnixMilli(at).UTC()
		return e, err
	}, `SELECT minute, sum(completed), sum(failed), sum(dead) FROM queue_minute WHERE minute >= ? GROUP BY minute ORDER BY minute LIMIT ?`, since.UnixMilli(), limit)
}

// OldestIn is since when the first of the jobs that ended in a state is in it; zero when
// there is none.
func OldestIn(tx *store.Tx, state State) (time.Time, error) {
	var at int64
	err := tx.QueryRow(`SELECT coalesce(min(finished_at), 0) FROM queue_job WHERE state = ? AND finished_at IS NOT NULL`, string(state)).Scan(&at)
	return moment(at), err
}
