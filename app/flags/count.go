package flags

import "sync"

// counts are evaluations since they were last drained, by flag and variant.
type counts struct {
	mu  sync.Mutex
	all map[counted]int64
}

type counted struct {
	key, variant string
	bulk         bool // handed out with all flags
}

func (c *counts) add(one counted) { c.addAll([]counted{one}) }

// addAll counts all that one request was answered, under one lock.
func (c *counts) addAll(some []counted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[counted]int64{}
	}
	for _, one := range some {
		c.all[one]++
	}
}

// drain takes the counts.
func (c *counts) drain() (all []Count) {
	c.mu.Lock()
	taken := c.all
	c.all = nil
	c.mu.Unlock()
	for k, n := range taken {
		all = append(all, Count{Key: k.key, Variant: k.variant, N: n, Bulk: k.bulk})
	}
	return all
}
