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

// longestRest is how long a queue may have to rest before its whole burst may start at once;
// more would not fit into the arithmetic.
const longestRest = 200 * 365 * 24 * time.Hour

// SetRate lets at most n jobs of a queue start in per, burst of them at once after a
// rest. n = 0 takes the limit away. per counts in milliseconds. A higher rate than one each
// microsecond is refused, and so is a burst that takes longer than longestRest to be had again.
func SetRate(tx *store.Tx, queue string, n int, per time.Duration, burst int) error {
	per = per.Truncate(time.Millisecond)
	if n < 0 || n > 0 && (per <= 0 || per.Microseconds() < int64(n) || float64(burst)*float64(per)/float64(n) > float64(longestRest)) {
		return fmt.Errorf("queue: a rate of %d in %v, %d at once", n, per, burst)
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
