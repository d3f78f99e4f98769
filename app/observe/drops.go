package observe

import (
	"maps"
	"sync"
)

// Drop is something that was not kept: its class ("log", "error") and why.
type Drop struct{ Class, Reason string }

// drops counts what was not kept. Nothing is lost without being counted.
type drops struct {
	mu    sync.Mutex
	total map[Drop]int64 // since the start
	fresh map[Drop]int64 // since they were last written
}

func newDrops() *drops { return &drops{total: map[Drop]int64{}, fresh: map[Drop]int64{}} }

func (d *drops) count(class, reason string, n int64) {
	if n == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total[Drop{class, reason}] += n
	d.fresh[Drop{class, reason}] += n
}

// take hands out what was not written yet; back returns it.
func (d *drops) take() map[Drop]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := d.fresh
	d.fresh = map[Drop]int64{}
	return fresh
}

func (d *drops) back(taken map[Drop]int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, n := range taken {
		d.fresh[k] += n
	}
}

// Dropped is what was not kept since the start, by class and reason.
func (s *System) Dropped() map[Drop]int64 {
	s.drops.mu.Lock()
	defer s.drops.mu.Unlock()
	return maps.Clone(s.drops.total)
}

func (d *drops) some() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.fresh) > 0
}
