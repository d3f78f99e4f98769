package observe

import (
	"sync"
	"time"
)

// quotas count what each project sent in this minute. A restart forgets, which gives a
// sender one more minute's worth.
type quotas struct {
	mu   sync.Mutex
	used map[int64]*used // by project
}

type used struct {
	minute        int64
	events, bytes int64
}

// take counts a request, or says how long its sender has to wait. Nothing of a request that
// is refused has been read.
func (q *quotas) take(p Project, now time.Time) (wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.of(p.ID, now)
	if u.events >= p.EventsMinute || u.bytes >= p.BytesMinute {
		return now.Truncate(time.Minute).Add(time.Minute).Sub(now), false
	}
	u.events++
	return 0, true
}

// spend counts the bytes that a request took.
func (q *quotas) spend(p Project, now time.Time, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.of(p.ID, now).bytes += bytes
}

func (q *quotas) of(project int64, now time.Time) *used {
	minute := now.Unix() / 60
	if q.used == nil {
		q.used = map[int64]*used{}
	}
	u := q.used[project]
	if u == nil || u.minute != minute {
		u = &used{minute: minute}
		q.used[project] = u
	}
	return u
}

// known remembers the ids of events that came, so that one that is sent again counts once.
type known struct {
	mu     sync.Mutex
	ids    map[string]bool
	before map[string]bool // the generation before
}

// maxKnown is how many ids a generation has.
const maxKnown = 16 << 10

// first reports whether an id was not seen lately.
func (k *known) first(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ids[id] || k.before[id] {
		return false
	}
	if k.ids == nil || len(k.ids) >= maxKnown {
		k.before, k.ids = k.ids, map[string]bool{}
	}
	k.ids[id] = true
	return true
}
