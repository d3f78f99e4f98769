package billing

import (
	"maps"
	"sync"
)

// Count names a figure: of what, and which.
type Count struct{ Of, Which string }

// counts are figures since the start.
type counts struct {
	mu sync.Mutex
	n  map[Count]int64
}

// maxCounts bounds how many figures are kept: labels are ours or those of the
// configuration, so it is never reached.
const maxCounts = 500

func (c *counts) add(of, which string) { c.addN(of, which, 1) }

func (c *counts) addN(of, which string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[Count]int64{}
	}
	if k := (Count{of, which}); len(c.n) < maxCounts {
		c.n[k] += n
	}
}

func (c *counts) all() map[Count]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}

// Counts are figures since the start: events taken and refused, by outcome and by
// secret, fetches, and what the reconciler mended.
func (s *System) Counts() map[Count]int64 { return s.counts.all() }
