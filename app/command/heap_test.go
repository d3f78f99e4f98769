package command

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

const mb = 1 << 20

// TestHeapGrowsInABurstByWhatItWasBefore follows the pacer from a calm heap through a burst
// into one that stays large.
func TestHeapGrowsInABurstByWhatItWasBefore(t *testing.T) {
	p := &pacer{}
	after := func(live uint64, want int) {
		t.Helper()
		if got := p.next(live); got != want {
			t.Errorf("collection %d, %d MB live: %d %%, want %d", p.seen, live/mb, got, want)
		}
	}
	after(1*mb, 100) // less than the collector's own least
	for range calm {
		after(5*mb, 100)
	}
	for range calm {
		after(6*mb, 100)
	}
	after(8*mb, 100) // breathes
	after(12*mb, 50)
	after(16*mb, 37)
	after(60*mb, 25) // and never less
	for range calm {
		after(7*mb, 100)
	}
	for range calm - 1 {
		after(14*mb, 50)
	}
	after(14*mb, 100) // that is no burst
	after(300*mb, 25)
	after(5*mb, 100)
}

// TestPacedHeap has the real collector meet a burst: the heap may then grow by no more than
// before, and once the burst is over as it could.
func TestPacedHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Cleanup(func() { debug.SetGCPercent(100) })
	for range 2 {
		runtime.GC()
	}
	paceHeap()
	// within waits until the heap may grow to no more than a bound: the runtime calls the pacer by and by.
	within := func(when string, bound func(live uint64) uint64) (goal uint64) {
		t.Helper()
		runtime.GC()
		var live uint64
		for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
			all := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}}
			metrics.Read(all)
			if live, goal = all[0].Value.Uint64(), all[1].Value.Uint64(); goal <= bound(live) {
				return goal
			}
		}
		t.Errorf("%s %d MB are live and the heap may grow to %d MB", when, live/mb, goal/mb)
		return goal
	}
	twice := func(live uint64) uint64 { return 2*live + 8*mb } // and what stacks and globals are worth
	var calmGoal uint64
	for range 3 {
		calmGoal = within("in the calm", twice)
	}
	burst := make([]byte, 64*mb)
	for range 3 {
		within("in a burst", func(live uint64) uint64 { return live + live/4 + 8*mb })
	}
	runtime.KeepAlive(burst)
	burst = nil
	for range 3 {
		within("after the burst", func(uint64) uint64 { return calmGoal + 4*mb })
	}
}
