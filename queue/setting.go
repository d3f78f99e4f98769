package queue

import (
	"errors"
	"fmt"
	"time"

	"seaworthy/store"
)

// Setting is how people run a queue. A queue nobody changed has the zero value.
type Setting struct {
	Queue       string
	Concurrency int // jobs running at once; 0: Options.PerQueue
	Paused      bool
	PausedAt    time.Time
	PausedBy    string // type:id
	Rate        int    // jobs that may start in Per; 0: as fast as they can
	Per         time.Duration
	Burst       int // of them at once after a rest
	tat         int64
}

// interval is the time between two starts, in microseconds.
func (s Setting) interval() int64 { return s.Per.Microseconds() / int64(s.Rate) }

// allowed is how many jobs may start now by the rate limit (GCRA), and if none,
// when the next one may.
func (s Setting) allowed(now time.Time) (n int, next time.Time) {
	if s.Rate == 0 {
		return 1 << 30, time.Time{}
	}
	at := now.UnixMicro()
	tat := max(s.tat, at)
	step := s.interval()
	if n = int((at + int64(s.Burst)*step - tat) / step); n > 0 {
		return n, time.Time{}
	}
	return 0, time.UnixMicro(tat - int64(s.Burst-1)*step)
}

// SetConcurrency bounds how many jobs of a queue run at once; 0 is the default.
func SetConcurrency(tx *store.Tx, queue string, n int) error {
	return change(tx, queue, func(s *Setting) { s.Concurrency = n })
}

// SetRate lets at most n jobs of a queue start in per, burst of them at once after a
// rest. n = 0 takes the limit away. A higher rate than one each microsecond is refused.
func SetRate(tx *store.Tx, queue string, n int, per time.Duration, burst int) error {
	if n < 0 || n > 0 && (per <= 0 || per.Microseconds() < int64(n)) {
		return fmt.Errorf("queue: a rate of %d in %v", n, per)
	}
	return change(tx, queue, func(s *Setting) { s.Rate, s.Per, s.Burst, s.tat = n, per, max(1, burst), 0 })
}

// Pause keeps the jobs of a queue from starting; those that run go on. by is
// who did it (type:id).
func Pause(tx *store.Tx, queue, by string) error {
	return change(tx, queue, func(s *Setting) {
		if !s.Paused {
			s.Paused, s.PausedAt, s.PausedBy = true, tx.Now(), by
		}
	})
}

// Resume ends a pause.
func Resume(tx *store.Tx, queue string) error {
	return change(tx, queue, func(s *Setting) { s.Paused, s.PausedAt, s.PausedBy = false, time.Time{}, "" })
}

func change(tx *store.Tx, queue string, f func(*Setting)) error {
	s, err := SettingOf(tx, queue)
	if err != nil {
		return fmt.Errorf("change queue %s: %w", queue, err)
	}
	f(&s)
	tx.Notify(Ready)
	if err := putSetting(tx, s); err != nil {
		return fmt.Errorf("change queue %s: %w", queue, err)
	}
	return nil
}

// SettingOf is the setting of a queue, known or not.
func SettingOf(tx *store.Tx, queue string) (Setting, error) {
	s, err := scanSetting(tx.QueryRow(settingColumns+`WHERE queue = ?`, queue))
	if errors.Is(err, store.ErrNotFound) {
		return Setting{Queue: queue}, nil
	}
	return s, err
}

// settings are those of all queues that somebody changed.
func settings(tx *store.Tx, limit int) ([]Setting, error) {
	return store.All(tx, scanSetting, settingColumns+`ORDER BY queue LIMIT ?`, limit)
}

const settingColumns = `SELECT queue, paused, coalesce(concurrency, 0), coalesce(rate, 0), per_ms, coalesce(burst, 1), coalesce(tat, 0), coalesce(paused_at, 0), coalesce(paused_by, '') FROM queue_setting `

func scanSetting(r store.Scanner) (s Setting, err error) {
	var rate float64
	var per, paused int64
	err = r.Scan(&s.Queue, &s.Paused, &s.Concurrency, &rate, &per, &s.Burst, &s.tat, &paused, &s.PausedBy)
	s.Rate, s.Per = int(rate), time.Duration(per)*time.Millisecond
	if s.Paused {
		s.PausedAt = time.UnixMilli(paused).UTC()
	}
	return s, err
}

func putSetting(tx *store.Tx, s Setting) error {
	var pausedAt *int64
	if s.Paused {
		at := s.PausedAt.UnixMilli()
		pausedAt = &at
	}
	_, err := tx.Exec(`INSERT INTO queue_setting (queue, paused, concurrency, rate, per_ms, burst, tat, paused_at, paused_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (queue) DO UPDATE SET paused = excluded.paused, concurrency = excluded.concurrency, rate = excluded.rate, per_ms = excluded.per_ms,
			burst = excluded.burst, tat = excluded.tat, paused_at = excluded.paused_at, paused_by = excluded.paused_by`,
		s.Queue, one(s.Paused), s.Concurrency, float64(s.Rate), s.Per.Milliseconds(), s.Burst, s.tat, pausedAt, orNull(s.PausedBy))
	return err
}

// lane is a queue with messages and room to run some.
type lane struct {
	Setting
	room int
}

// lanes are the queues that could be claimed from now. next is when a rate limit
// lets through what waits.
func (q *Queue) lanes(tx *store.Tx) (ready []lane, next time.Time, err error) {
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
		n, at := s.allowed(tx.Now())
		room := min(n, q.room(s))
		if s.Paused || room <= 0 && n > 0 || !claimable(tx, name) {
			continue
		}
		if n == 0 {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		ready = append(ready, lane{s, room})
	}
}

func (q *Queue) room(s Setting) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return or(s.Concurrency, q.o.PerQueue) - q.busy[s.Queue]
}

// spend moves the theoretical arrival time on by n jobs.
func (l lane) spend(tx *store.Tx, n int) error {
	if l.Rate == 0 || n == 0 {
		return nil
	}
	return tx.ExecOne(`UPDATE queue_setting SET tat = ? WHERE queue = ?`, max(l.tat, tx.Now().UnixMicro())+int64(n)*l.interval(), l.Queue)
}

// claimable spares a write transaction when all messages of a queue are in flight.
func claimable(tx *store.Tx, queue string) bool {
	var id string
	err := tx.QueryRow(`SELECT id FROM goqite WHERE queue = ? AND timeout <= ? ORDER BY priority DESC, created LIMIT 1`,
		queue, goqiteTime(tx.Now())).Scan(&id)
	return err == nil
}
