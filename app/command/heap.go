package command

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
)

// paceHeap keeps a burst of requests from doubling the memory of the process. The collector
// lets the heap grow by as much as was live at its last collection, and one in the middle of a
// burst counts all that is in flight. From now on the heap grows by what it is without bursts.
// Whoever sets GOGC decides himself. To be called once: it is the process's, and so not the
// app's, which may be part of somebody's own program.
func paceHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	(&pacer{percent: 100}).arm()
}

// calm is how many collections a heap has to stay large before that is no burst. Under load it
// is about a second.
const calm = 16

// smallest is the heap in bytes below which the collector does not collect.
const smallest = 4 << 20

// pacer sets how much the heap may grow, after every collection.
type pacer struct {
	mu      sync.Mutex
	live    [calm]uint64 // after the last collections, in bytes, in a ring
	seen    int
	percent int // as set
}

// arm has the pacer called after the next collection, which finds that nobody has the tick.
func (p *pacer) arm() {
	runtime.AddCleanup(new(tick), (*pacer).collected, p)
}

// tick has a pointer, because the runtime may put several objects without one in a place that
// is freed at once.
type tick struct{ _ *tick }

func (p *pacer) collected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if percent := p.next(sample[0].Value.Uint64()); percent != p.percent {
		p.percent = percent
		debug.SetGCPercent(percent) // stops the world for a moment, so only when it is another
	}
	p.arm()
}

// next is by how many percent the heap may grow after a collection that left live bytes: to
// twice its size, as the runtime has it, or in a burst by its size before. A quarter it may
// grow in any case, so that a heap which stays large is not collected all the time meanwhile.
func (p *pacer) next(live uint64) (percent int) {
	live = max(live, smallest)
	if p.seen == 0 {
		for i := range p.live {
			p.live[i] = live
		}
	}
	p.live[p.seen%calm] = live
	p.seen++
	steady := slices.Min(p.live[:])
	if live < steady+steady/2 {
		return 100
	}
	return max(25, int(100*steady/live))
}
