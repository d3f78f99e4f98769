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
	collect := func() (live, goal uint64) {
		runtime.GC()
		time.Sleep(20 * time.Millisecond) // the runtime calls the pacer by and by
		all := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}}
		metrics.Read(all)
		return all[0].Value.Uint64(), all[1].Value.Uint64()
	}
	var calmGoal uint64
	for range 3 {
		_, calmGoal = collect()
	}
	burst := make([]byte, 64*mb)
	for range 3 {
		live, goal := collect()
		if live < 64*mb || goal > live+live/4+8*mb { // and what stacks and globals are worth
			t.Errorf("in a burst %d MB are live and the heap may grow to %d MB", live/mb, goal/mb)
		}
	}
	runtime.KeepAlive(burst)
	burst = nil
	for range 3 {
		if _, goal := collect(); goal > calmGoal+4*mb {
			t.Errorf("after the burst the heap may grow to %d MB, before it to %d MB", goal/mb, calmGoal/mb)
		}
	}
}
