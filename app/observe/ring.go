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
	low      lines // debug and info
	high     lines // warnings and errors
	bytes    int
	maxLines int
	maxBytes int
	wake     chan struct{} // has something when many wait
	dropped  *drops
	recent   [recentLines]Line // the last ones whatever became of them, for breadcrumbs
	at       int
	spare    []Line // memory of a queue that was emptied
}

// recentLines is how far back the lines of a request are looked for when it fails.
const recentLines = 512

// wakeAt is how many waiting lines wake the writer before its time.
const wakeAt = 500

func newRing(maxLines, maxBytes int, d *drops) *ring {
	return &ring{maxLines: maxLines, maxBytes: maxBytes, wake: make(chan struct{}, 1), dropped: d}
}

func (r *ring) add(l *Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent[r.at] = *l
	r.at = (r.at + 1) % recentLines
	size := l.size()
	for r.full(size) {
		if r.low.n == 0 || l.low() && r.low.n < r.maxLines/8 { // errors fill it
			r.dropped.count("log", "ring_full", 1)
			return
		}
		r.bytes -= r.low.pop()
		r.dropped.count("log", "ring_full", 1)
	}
	r.bytes += size
	if l.low() {
		r.low.push(l)
	} else {
		r.high.push(l)
	}
	if r.low.n+r.high.n >= wakeAt {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

func (r *ring) full(more int) bool {
	return r.low.n+r.high.n >= r.maxLines || r.bytes+more > r.maxBytes
}

// take empties the ring, in the order in which the lines came. Its memory is used again: whoever
// logs then finds room without asking for any.
func (r *ring) take() []Line {
	r.mu.Lock()
	low, high := r.low, r.high
	r.low, r.high, r.bytes = lines{buf: r.spare}, lines{}, 0
	r.spare = nil
	r.mu.Unlock()
	all := make([]Line, 0, low.n+high.n)
	for low.n > 0 && high.n > 0 {
		if low.first().Seq < high.first().Seq {
			all = append(all, *low.first())
			low.pop()
		} else {
			all = append(all, *high.first())
			high.pop()
		}
	}
	for _, rest := range []*lines{&low, &high} {
		for rest.n > 0 {
			all = append(all, *rest.first())
			rest.pop()
		}
	}
	if len(low.buf) <= mostSpare {
		r.mu.Lock()
		r.spare = low.buf
		r.mu.Unlock()
	}
	return all
}

// mostSpare is up to how many lines' memory is kept to be used again.
const mostSpare = 2048

// lines is a queue in a circle that grows by doubling.
type lines struct {
	buf     []Line
	head, n int
}

func (q *lines) push(l *Line) {
	if q.n == len(q.buf) {
		more := make([]Line, max(64, 2*len(q.buf)))
		k := copy(more, q.buf[q.head:])
		copy(more[k:], q.buf[:q.head])
		q.buf, q.head = more, 0
	}
	at := q.head + q.n
	if at >= len(q.buf) {
		at -= len(q.buf)
	}
	q.buf[at] = *l
	q.n++
}

func (q *lines) first() *Line { return &q.buf[q.head] }

// pop takes the first line off, and returns its size.
func (q *lines) pop() int {
	size := q.buf[q.head].size()
	q.buf[q.head] = Line{}
	if q.head++; q.head == len(q.buf) {
		q.head = 0
	}
	q.n--
	return size
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
