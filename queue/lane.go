package queue

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"seaworthy/store"
)

// lanes are the queues that could be claimed from now: they have messages that wait, room to
// run some, and nobody holds them back. next is when a rate limit lets through what waits.
func (q *Queue) lanes(tx *store.Tx) (ready []Setting, next time.Time, err error) {
	for after := ""; ; {
		name, err := nextQueue(tx, after)
		if errors.Is(err, store.ErrNotFound) {
			return ready, next, nil
		}
		if err != nil {
			return nil, next, err
		}
		after = name
		s, err := SettingOf(tx, name)
		if err != nil {
			return nil, next, err
		}
		allowed, at := s.allowed(tx.Now())
		if s.Paused || allowed > 0 && q.room(s) <= 0 {
			continue
		}
		waits, err := claimable(tx, name)
		switch {
		case err != nil:
			return nil, next, err
		case !waits:
		case allowed > 0:
			ready = append(ready, s)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
}

// leastServedFirst orders queues by how many of their jobs run, and then by how long ago the last
// was started. By name, those that begin the alphabet would have every worker that becomes
// free as soon as more work waits than there are workers, and the others none.
func (q *Queue) leastServedFirst(ready []Setting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.SortStableFunc(ready, func(a, b Setting) int {
		return cmp.Or(q.busy[a.Queue]-q.busy[b.Queue], q.last[a.Queue].Compare(q.last[b.Queue]))
	})
}

// room is how many more jobs of a queue may run at once.
func (q *Queue) room(s Setting) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return or(s.Concurrency, q.o.PerQueue) - q.busy[s.Queue]
}

// spend moves the theoretical arrival time on by n jobs.
func (s Setting) spend(tx *store.Tx, n int) error {
	if s.Rate == 0 || n == 0 {
		return nil
	}
	return tx.ExecOne(`UPDATE queue_setting SET tat = ? WHERE queue = ?`, max(s.tat, tx.Now().UnixMicro())+int64(n)*s.interval(), s.Queue)
}

// claimable spares a write transaction when all messages of a queue are in flight.
func claimable(tx *store.Tx, queue string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM goqite WHERE queue = ? AND timeout <= ? ORDER BY priority DESC, created LIMIT 1`,
		queue, goqiteTime(tx.Now())).Scan(&id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
