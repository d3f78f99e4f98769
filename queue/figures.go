package queue

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"seaworthy/store"
)

// Buckets are the upper bounds of the durations that are counted, in seconds;
// what is beyond the last is counted in one more.
var Buckets = [...]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

// Histogram counts durations by Buckets.
type Histogram struct {
	Counts [len(Buckets) + 1]int64
	Sum    float64 // seconds; not kept in the table
}

func (h *Histogram) add(d time.Duration) {
	seconds := max(0, d.Seconds())
	i := 0
	for i < len(Buckets) && seconds > Buckets[i] {
		i++
	}
	h.Counts[i]++
	h.Sum += seconds
}

// Total is how many were counted.
func (h *Histogram) Total() (n int64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile is the upper bound of the bucket in which the q-th part of the durations
// ends, in seconds; 0 when there are none.
func (h *Histogram) Quantile(q float64) float64 {
	left := int64(q*float64(h.Total()) + 0.999999)
	for i, c := range h.Counts {
		if left -= c; left <= 0 && h.Total() > 0 {
			return Buckets[min(i, len(Buckets)-1)]
		}
	}
	return 0
}

func (h *Histogram) merge(o Histogram) {
	for i := range h.Counts {
		h.Counts[i] += o.Counts[i]
	}
	h.Sum += o.Sum
}

func (h *Histogram) text() string {
	words := make([]string, len(h.Counts))
	for i, c := range h.Counts {
		words[i] = strconv.FormatInt(c, 10)
	}
	return strings.Join(words, " ")
}

// parseHistogram reads what text wrote; what cannot be read counts as nothing.
func parseHistogram(text string) (h Histogram) {
	for i, word := range strings.Fields(text) {
		if i < len(h.Counts) {
			h.Counts[i], _ = strconv.ParseInt(word, 10, 64)
		}
	}
	return h
}

// Series names what figures are kept for.
type Series struct{ Queue, Kind string }

// Figures are the attempts that ended.
type Figures struct {
	Completed, Failed, Dead int64
	Wait, Run               Histogram
}

// Add adds the figures of another series or time.
func (f *Figures) Add(o Figures) {
	f.Completed, f.Failed, f.Dead = f.Completed+o.Completed, f.Failed+o.Failed, f.Dead+o.Dead
	f.Wait.merge(o.Wait)
	f.Run.merge(o.Run)
}

// maxSeries bounds the memory and the metrics: kinds come from outside too.
const maxSeries = 500

// keepMinutes is for how long the figures of a minute are kept.
const keepMinutes = 30 * 24 * time.Hour

// figures are kept in memory, since the start for metrics and by the minute for
// the table.
type figures struct {
	mu     sync.Mutex
	total  map[Series]*Figures
	minute map[Series]*Figures
	since  time.Time // the minute's start; zero when nothing ended yet
}

func newFigures() *figures {
	return &figures{total: map[Series]*Figures{}, minute: map[Series]*Figures{}}
}

func (f *figures) ended(r *running, res result, now time.Time) {
	one := Figures{}
	switch {
	case res.state == Completed:
		one.Completed = 1
	case res.state == Dead:
		one.Dead = 1
	case res.state == Retryable:
		one.Failed = 1
	}
	one.Wait.add(time.Duration(r.started-r.runAt) * time.Millisecond)
	one.Run.add(now.Sub(time.UnixMilli(r.started)))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since.IsZero() {
		f.since = now.Truncate(time.Minute)
	}
	for _, m := range []map[Series]*Figures{f.total, f.minute} {
		place(m, Series{r.info.Queue, r.info.Kind}).Add(one)
	}
}

// Figures are the attempts that ended since the start.
func (q *Queue) Figures() map[Series]Figures {
	q.figures.mu.Lock()
	defer q.figures.mu.Unlock()
	all := make(map[Series]Figures, len(q.figures.total))
	for s, f := range q.figures.total {
		all[s] = *f
	}
	return all
}

// writeFigures moves a minute that has passed, or any when the process stops,
// into the table. What cannot be written is tried again with the next.
func (q *Queue) writeFigures(all bool) {
	f := q.figures
	now := q.db.Now().Truncate(time.Minute)
	f.mu.Lock()
	if f.since.IsZero() || !all && !now.After(f.since) {
		f.mu.Unlock()
		return
	}
	minute, since := f.minute, f.since
	f.minute, f.since = map[Series]*Figures{}, time.Time{}
	f.mu.Unlock()
	err := q.db.Write(context.Background(), func(tx *store.Tx) error {
		for s, one := range minute {
			if err := addMinute(tx, since, s, *one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		q.log.Error("the figures of a minute cannot be stored", "minute", since, "err", err)
		f.putBack(minute, since)
	}
}

// putBack keeps what could not be written for the next time, as if all since then had ended in
// its minute.
func (f *figures) putBack(minute map[Series]*Figures, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = since
	for s, one := range minute {
		place(f.minute, s).Add(*one)
	}
}

// place is where a series is counted, or, where there are too many, all others together.
func place(m map[Series]*Figures, s Series) *Figures {
	if m[s] == nil && len(m) >= maxSeries {
		s = Series{"other", "other"}
	}
	if m[s] == nil {
		m[s] = &Figures{}
	}
	return m[s]
}

// addMinute adds to what an earlier run of the process left for the same minute.
func addMinute(tx *store.Tx, minute time.Time, s Series, f Figures) error {
	old, err := scanFigures(tx.QueryRow(`SELECT completed, failed, dead, wait, run FROM queue_minute WHERE minute = ? AND queue = ? AND kind = ?`,
		minute.UnixMilli(), s.Queue, s.Kind))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	f.Add(old)
	_, err = tx.Exec(`INSERT INTO queue_minute (minute, queue, kind, completed, failed, dead, wait, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (minute, queue, kind) DO UPDATE SET completed = excluded.completed, failed = excluded.failed, dead = excluded.dead, wait = excluded.wait, run = excluded.run`,
		minute.UnixMilli(), s.Queue, s.Kind, f.Completed, f.Failed, f.Dead, f.Wait.text(), f.Run.text())
	return err
}

func scanFigures(r store.Scanner) (f Figures, err error) {
	var wait, run string
	err = r.Scan(&f.Completed, &f.Failed, &f.Dead, &wait, &run)
	f.Wait, f.Run = parseHistogram(wait), parseHistogram(run)
	return f, err
}

// Minute is what ended in one minute, by queue and kind.
type Minute struct {
	At time.Time
	Series
	Figures
}

// Minutes are the figures since a time, oldest first. The minute that goes on is
// not among them.
func Minutes(tx *store.Tx, since time.Time, limit int) ([]Minute, error) {
	return store.All(tx, func(r store.Scanner) (m Minute, err error) {
		var at int64
		var wait, run string
		err = r.Scan(&at, &m.Queue, &m.Kind, &m.Completed, &m.Failed, &m.Dead, &wait, &run)
		m.At, m.Wait, m.Run = time.UnixMilli(at).UTC(), parseHistogram(wait), parseHistogram(run)
		return m, err
	}, `SELECT minute, queue, kind, completed, failed, dead, wait, run FROM queue_minute WHERE minute >= ? ORDER BY minute, queue, kind LIMIT ?`, since.UnixMilli(), limit)
}
