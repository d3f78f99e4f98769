package flags

import (
	"sync"
	"sync/atomic"
)

// counts are evaluations since they were last drained, by flag and variant.
type counts struct{ now atomic.Pointer[sync.Map] }

type counted struct{ key, variant string }

func (c *counts) add(key, variant string) {
	m := c.now.Load()
	if m == nil {
		c.now.CompareAndSwap(nil, new(sync.Map))
		m = c.now.Load()
	}
	k := counted{key, variant}
	n, ok := m.Load(k)
	if !ok {
		n, _ = m.LoadOrStore(k, new(atomic.Int64))
	}
	n.(*atomic.Int64).Add(1)
}

// drain takes the counts. One that is added at the same moment may be lost: counts
// are no promise.
func (c *counts) drain() (all []Count) {
	m := c.now.Swap(nil)
	if m == nil {
		return nil
	}
	m.Range(func(k, n any) bool {
		all = append(all, Count{Key: k.(counted).key, Variant: k.(counted).variant, N: n.(*atomic.Int64).Load()})
		return true
	})
	return all
}
