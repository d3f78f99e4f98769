package observe

import (
	"sync"
	"time"
)

// group is what one issue got since the last flush: the exact count, and some bodies.
type group struct {
	Event  // of the last one that was looked at whole
	n      int64
	first  time.Time
	last   time.Time
	bodies []body
}

// body is an event that may be kept whole.
type body struct {
	Event
	at  int64 // which one of the group it is, from 1
	seq int64
}

const (
	// maxGroups bounds how many issues are told apart between two flushes.
	maxGroups = 4096
	// firstBodies of an issue are kept whole, then one for each doubling of its count.
	firstBodies = 20
	// overflow is the issue of what was too much to be told apart.
	overflow = "overflow"
)

// pending counts errors between flushes. Counts are exact and cost nothing but a
// hash; bodies are sampled.
type pending struct {
	mu     sync.Mutex
	groups map[string]*group
	seen   map[string]int64 // in this process, to know which bodies are worth their while
	drops  *drops
}

func (p *pending) init(d *drops) {
	p.groups, p.seen, p.drops = map[string]*group{}, map[string]int64{}, d
}

// add counts an event, and has it filled in and kept if it is one of those.
func (p *pending) add(e Event, fill func(*Event), seq func() int64) {
	hash := hashOf(&e)
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[hash]
	if g == nil && len(p.groups) >= maxGroups {
		hash, e = overflow, overflowEvent(e)
		g = p.groups[hash]
	}
	if g == nil {
		g = &group{first: e.At, Event: e}
		p.groups[hash] = g
	}
	if len(p.seen) >= 4*maxGroups && p.seen[hash] == 0 {
		clear(p.seen)
	}
	p.seen[hash]++
	g.n++
	g.last = e.At
	nth := p.seen[hash]
	if nth > firstBodies && nth&(nth-1) != 0 {
		return
	}
	fill(&e)
	g.Event = e
	g.bodies = append(g.bodies, body{Event: e, at: g.n, seq: seq()})
}

// overflowEvent stands for an event that was not told apart.
func overflowEvent(e Event) Event {
	return Event{At: e.At, Kind: KindError, Release: e.Release, Culprit: "many places",
		Message: "Too many different errors to tell apart. The last one: " + clip(e.Message, 500)}
}

// take hands out what was counted since the last time.
func (p *pending) take() map[string]*group {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.groups) == 0 {
		return nil
	}
	taken := p.groups
	p.groups = map[string]*group{}
	return taken
}

// back returns what could not be written: the counts whole, of the bodies the first.
func (p *pending) back(taken map[string]*group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for hash, old := range taken {
		g := p.groups[hash]
		if g == nil {
			if len(p.groups) >= maxGroups {
				p.drops.count("error", "too_many_waiting", old.n)
				continue
			}
			p.groups[hash] = old
			continue
		}
		for i := range g.bodies {
			g.bodies[i].at += old.n
		}
		g.n, g.first = g.n+old.n, old.first
		g.bodies = append(old.bodies, g.bodies...)
		if len(g.bodies) > 2*firstBodies {
			p.drops.count("error_body", "waited_too_long", int64(len(g.bodies)-2*firstBodies))
			g.bodies = g.bodies[:2*firstBodies]
		}
	}
}
