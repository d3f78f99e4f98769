package observe

import (
	"sync"
	"sync/atomic"
	"time"
)

// Class says what a series counts.
type Class string

// The classes: requests to our own routes, requests to the app behind, jobs by kind, calls to other
// services by host.
const (
	Ours  Class = "ours"
	App   Class = "app"
	Jobs  Class = "job"
	Calls Class = "call"
)

// Series names what is counted together: a route, a folded path with its method, a kind of job.
type Series struct {
	Class Class
	Name  string
}

// mostSeries bounds those of a class; what comes later counts as otherName.
const (
	mostSeries = 500
	otherName  = "other"
)

// counter counts one series. Whoever counts takes no lock.
type counter struct {
	errors, total, most atomic.Int64 // times in microseconds
	counts              [buckets]atomic.Uint32
	p99                 atomic.Int64 // of the last drain with enough to say so, us; 0 before
	idle                int          // drains in a row that found nothing
	drained             Totals
}

func (c *counter) add(us int64, failed bool) {
	us = max(us, 0)
	c.counts[bucketOf(us)].Add(1)
	c.total.Add(us)
	if failed {
		c.errors.Add(1)
	}
	for most := c.most.Load(); us > most && !c.most.CompareAndSwap(most, us); most = c.most.Load() {
	}
}

// read tells what was counted, and with drain begins again from nothing.
func (c *counter) read(drain bool) *Figures {
	take, take32 := (*atomic.Int64).Load, (*atomic.Uint32).Load
	if drain {
		take = func(n *atomic.Int64) int64 { return n.Swap(0) }
		take32 = func(n *atomic.Uint32) uint32 { return n.Swap(0) }
	}
	f := &Figures{Errors: take(&c.errors), Total: time.Duration(take(&c.total)) * time.Microsecond, Most: time.Duration(take(&c.most)) * time.Microsecond}
	for i := range c.counts {
		f.counts[i] = take32(&c.counts[i])
		f.Count += int64(f.counts[i])
	}
	return f
}

// counters are those of all series.
type counters struct {
	known  sync.Map // Series to *counter
	making sync.Mutex
	number map[Class]int // of known; guarded by making
	left   []departed    // forgotten, and drained once more for who still held them
}

type departed struct {
	series  Series
	counter *counter
}

// forgetAfter is how many drains without anything a series is kept: an hour.
const forgetAfter = 360

func (c *counters) of(s Series) *counter {
	if found, ok := c.known.Load(s); ok {
		return found.(*counter)
	}
	c.making.Lock()
	defer c.making.Unlock()
	if found, ok := c.known.Load(s); ok {
		return found.(*counter)
	}
	if c.number[s.Class] >= mostSeries {
		s.Name = otherName
		if found, ok := c.known.Load(s); ok {
			return found.(*counter)
		}
	} else {
		c.number[s.Class]++
	}
	made := &counter{}
	c.known.Store(s, made)
	return made
}

// read tells what was counted since the last drain, of series that have anything.
func (c *counters) read(drain bool) map[Series]*Figures {
	c.making.Lock()
	defer c.making.Unlock()
	all := map[Series]*Figures{}
	take := func(s Series, from *counter) {
		f := from.read(drain)
		switch {
		case f.Count == 0 && f.Errors == 0 && f.Total == 0:
		case all[s] == nil:
			all[s] = f
		default:
			all[s].Add(f)
		}
	}
	for _, d := range c.left {
		take(d.series, d.counter)
	}
	if drain {
		c.left = nil
	}
	c.known.Range(func(k, v any) bool {
		s, from := k.(Series), v.(*counter)
		take(s, from)
		if !drain {
			return true
		}
		if f := all[s]; f != nil {
			from.drained.add(f)
		}
		if f := all[s]; f != nil && f.Count >= enoughForP99 {
			from.p99.Store(f.Quantile(.99).Microseconds())
		}
		if from.idle++; all[s] != nil {
			from.idle = 0
		}
		if from.idle > forgetAfter && s.Name != otherName {
			c.known.Delete(s)
			c.number[s.Class]--
			c.left = append(c.left, departed{s, from})
		}
		return true
	})
	return all
}

// enoughForP99 is how many it takes to say what one in a hundred is, and leastSlow below what
// nothing is slow.
const (
	enoughForP99 = 100
	leastSlow    = 10 * time.Millisecond
)

// slow reports whether something took longer than 99 of 100 of its kind did lately.
func (c *counters) slow(series Series, took time.Duration) bool {
	if took < leastSlow {
		return false
	}
	found, ok := c.known.Load(series)
	if !ok {
		return false
	}
	p99 := found.(*counter).p99.Load()
	return p99 > 0 && took.Microseconds() > p99
}

// Count counts something that happened, how long it took, and whether it failed. It never waits
// for the files.
func (s *System) Count(series Series, took time.Duration, failed bool) {
	s.red.counters.of(series).add(took.Microseconds(), failed)
}

// Request counts a request of the app behind by its method and folded path.
func (s *System) Request(method, path string, took time.Duration, failed bool) {
	s.Count(Series{App, foldMethod(method) + " " + FoldPath(path)}, took, failed)
}
