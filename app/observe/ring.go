package observe

import (
	"log/slog"
	"sync"
)

// ring holds the lines that wait for the writer. It is bounded in lines and bytes, and
// whoever adds never waits: without room the oldest unimportant line goes, and where
// there is none the new one does.
type ring struct {
	mu       sync.Mutex
	low      []Line // debug and info
	high     []Line // warnings and errors
	bytes    int
	maxLines int
	maxBytes int
	wake     chan struct{} // has something when many wait
	dropped  *drops
	recent   [recentLines]Line // the last ones whatever became of them, for breadcrumbs
	at       int
}

// recentLines is how far back the lines of a request are looked for when it fails.
const recentLines = 512

// wakeAt is how many waiting lines wake the writer before its time.
const wakeAt = 500

func newRing(maxLines, maxBytes int, d *drops) *ring {
	return &ring{maxLines: maxLines, maxBytes: maxBytes, wake: make(chan struct{}, 1), dropped: d}
}

func (r *ring) add(l Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent[r.at] = l
	r.at = (r.at + 1) % recentLines
	for r.full(l.size()) {
		if len(r.low) == 0 || l.low() && len(r.low) < r.maxLines/8 { // errors fill it
			r.dropped.count("log", "ring_full", 1)
			return
		}
		r.bytes -= r.low[0].size()
		r.low[0] = Line{}
		r.low = r.low[1:]
		r.dropped.count("log", "ring_full", 1)
	}
	r.bytes += l.size()
	if l.low() {
		r.low = append(r.low, l)
	} else {
		r.high = append(r.high, l)
	}
	if len(r.low)+len(r.high) >= wakeAt {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

func (r *ring) full(more int) bool {
	return len(r.low)+len(r.high) >= r.maxLines || r.bytes+more > r.maxBytes
}

// take empties the ring, in the order in which the lines came.
func (r *ring) take() []Line {
	r.mu.Lock()
	low, high := r.low, r.high
	r.low, r.high, r.bytes = nil, nil, 0
	r.mu.Unlock()
	all := make([]Line, 0, len(low)+len(high))
	for len(low) > 0 && len(high) > 0 {
		if low[0].Seq < high[0].Seq {
			all, low = append(all, low[0]), low[1:]
		} else {
			all, high = append(all, high[0]), high[1:]
		}
	}
	return append(append(all, low...), high...)
}

// failure reports whether a line only says that the request failed, which an event says better.
func (l *Line) failure() bool {
	return l.Level == slog.LevelError && (l.Message == "panic" || l.Message == "request failed")
}

// ofRequest are the latest lines of a request, the oldest first, but for those of its failure.
func (r *ring) ofRequest(id string, most int) (found []Line) {
	if id == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range recentLines {
		if l := &r.recent[(r.at+i)%recentLines]; l.Request == id && !l.failure() {
			found = append(found, *l)
		}
	}
	return found[max(0, len(found)-most):]
}
