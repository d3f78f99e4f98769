package jobs

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

// An endpoint most of whose deliveries fail within the window is left alone for a
// while, longer each time (spec/jobs.md section 6): its jobs wait without using up
// attempts, and one of them tries whether it works again.
const (
	window      = 5 * time.Minute
	minTries    = 10
	maxFailures = 70 // percent
	firstRest   = 30 * time.Second
	longestRest = 10 * time.Minute
)

// breaker counts in memory; that an endpoint is left alone stands in its row.
type breaker struct {
	mu sync.Mutex
	by map[string]*tries
}

type tries struct {
	since         time.Time
	total, failed int
	probing       bool
}

func (b *breaker) of(id string) *tries {
	if b.by == nil {
		b.by = map[string]*tries{}
	}
	if b.by[id] == nil {
		b.by[id] = &tries{}
	}
	return b.by[id]
}

// ask is how long a job has to wait, 0 for not at all. probe: it is the one that
// tries whether the endpoint works again; probed must be called after it.
func (b *breaker) ask(e endpoint, now time.Time) (wait time.Duration, probe bool) {
	if e.openUntil == nil {
		return 0, false
	}
	if left := time.UnixMilli(*e.openUntil).Sub(now); left > 0 {
		return left + rand.N(left/4+time.Second), false // not all of them at once
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.of(e.id); !t.probing {
		t.probing = true
		return 0, true
	}
	return 5*time.Second + rand.N(5*time.Second), false
}

func (b *breaker) probed(id string, probe bool) {
	if !probe {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(id).probing = false
}

// count notes how a delivery went, and reports whether most have failed.
func (b *breaker) count(id string, ok bool, now time.Time) (tripped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.of(id)
	if now.Sub(t.since) > window {
		t.since, t.total, t.failed = now, 0, 0
	}
	t.total++
	if !ok {
		t.failed++
	}
	if tripped = !ok && t.total >= minTries && t.failed*100 >= t.total*maxFailures; tripped {
		t.since, t.total, t.failed = now, 0, 0
	}
	return tripped
}

// forget drops what was counted of an endpoint that was deleted.
func (b *breaker) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.by, id)
}

// rest is how long an endpoint is left alone that has failed trips times in a row.
func rest(trips int) time.Duration {
	return min(firstRest<<min(trips-1, 10), longestRest)
}

// tell notes how a delivery went that began while the endpoint was as e says.
func (s *System) tell(ctx context.Context, e endpoint, ok bool) {
	tripped := s.breaker.count(e.id, ok, s.DB.Now())
	var err error
	switch {
	case e.openUntil != nil && ok:
		err = s.recovered(ctx, e)
	case e.openUntil != nil || tripped:
		err = s.trip(ctx, e)
	}
	if err != nil {
		s.Log.Error("the health of a job endpoint could not be stored", "endpoint", e.name, "err", err)
	}
}

// trip leaves an endpoint alone; what others found out meanwhile counts more.
func (s *System) trip(ctx context.Context, e endpoint) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		until := tx.Now().Add(rest(e.trips + 1)).UnixMilli()
		mine, err := setHealth(tx, e.id, e.trips, &until, e.trips+1)
		if err != nil || !mine || e.trips > 0 {
			return err
		}
		tx.AfterCommit(func() {
			s.Log.Warn("most deliveries to a job endpoint fail; it is left alone for a while", "endpoint", e.name)
		})
		return s.record(tx, actFailing, e, nil, nil)
	})
}

func (s *System) recovered(ctx context.Context, e endpoint) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := findEndpoint(tx, e.id)
		if err != nil || now.trips != e.trips {
			return err
		}
		return s.reopen(tx, now, actRecovered)
	})
}

// resume wakes the jobs that waited for an endpoint.
type resume struct {
	Endpoint string `json:"endpoint"`
}

// Kind implements queue.Args.
func (resume) Kind() string { return "jobs.resume" }

// resumeSlice bounds one transaction of resume, in jobs.
const resumeSlice = 200

// resume makes due what waits because its endpoint did not take it. Jobs that wait
// for a time of their own have not been put off yet, and go on waiting.
func (s *System) resume(ctx context.Context, job queue.Job[resume]) error {
	f := queue.Filter{Endpoint: job.Args.Endpoint, State: queue.Scheduled, Limit: resumeSlice}
	for {
		all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]queue.Record, error) { return queue.List(tx, f) })
		if err != nil || len(all) == 0 {
			return err
		}
		f.Before = all[len(all)-1].ID
		if err := s.DB.Write(ctx, func(tx *store.Tx) error { return wake(tx, all) }); err != nil {
			return err
		}
	}
}

func wake(tx *store.Tx, all []queue.Record) error {
	for _, j := range all {
		if j.Snoozes == 0 {
			continue
		}
		now, err := queue.ByID(tx, j.ID)
		if err != nil || now.State != queue.Scheduled {
			continue // it ran, or was cancelled, meanwhile
		}
		if err := queue.Hasten(tx, j.ID); err != nil {
			return err
		}
	}
	return nil
}
