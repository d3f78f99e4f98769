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
	tags   map[tag]time.Time // when each was last seen
}

// tag is something that occurrences of an issue have in common, which lists can be narrowed to.
type tag struct{ name, value string }

// maxTags bounds how many a group tells apart between two flushes.
const maxTags = 20

// note remembers the tags of an event.
func (g *group) note(e *Event) {
	environment := ""
	if e.App != nil {
		environment = e.App.Environment
	}
	for _, t := range [...]tag{{"release", e.Release}, {"environment", environment}} {
		if _, known := g.tags[t]; t.value == "" || !known && len(g.tags) >= maxTags {
			continue
		}
		if g.tags == nil {
			g.tags = map[tag]time.Time{}
		}
		g.tags[t] = e.At
	}
}

// body is an event that may be kept whole.
type body struct {
	Event
	at   int64 // which one of the group it is, from 1
	seq  int64
	size int // about what it takes in memory
}

const (
	// maxGroups bounds how many issues are told apart between two flushes.
	maxGroups = 4096
	// firstBodies of an issue are kept whole, then one for each doubling of its count.
	firstBodies = 20
	// overflow is the issue of what was too much to be told apart.
	overflow = "overflow"
	// maxBodies bounds the bodies that wait for the writer together, in bytes of memory.
	maxBodies = 16 << 20
)

// pending counts errors between flushes. Counts are exact and cost nothing but a
// hash; bodies are sampled.
type pending struct {
	mu     sync.Mutex
	groups map[string]*group
	bytes  int              // about what the bodies of groups take
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
	g.note(&e)
	nth := p.seen[hash]
	if nth > firstBodies && nth&(nth-1) != 0 {
		return
	}
	if p.bytes >= maxBodies { // the count stands, and what the list shows of it
		p.drops.count("error_body", "ring_full", 1)
		return
	}
	fill(&e)
	g.Event = e
	one := body{Event: e, at: g.n, seq: seq(), size: e.size()}
	g.bodies, p.bytes = append(g.bodies, one), p.bytes+one.size
}

// size is about what an event takes in memory. What SDKs send is most of it: contexts and source.
func (e *Event) size() int {
	n := 1<<10 + len(e.Message) + 200*len(e.Frames)
	for i := range e.Crumbs {
		n += e.Crumbs[i].size()
	}
	if e.App == nil {
		return n
	}
	n += len(e.App.Contexts) + len(e.App.Extra) + len(e.App.URL)
	for _, pairs := range []map[string]string{e.App.Headers, e.App.Tags} {
		for k, v := range pairs {
			n += len(k) + len(v)
		}
	}
	for i := range e.App.Chain {
		n += len(e.App.Chain[i].Value)
		for _, f := range e.App.Chain[i].Frames {
			n += 200 + len(f.Function) + len(f.Package) + len(f.File)
			for _, l := range f.Source {
				n += 40 + len(l.Text)
			}
		}
	}
	return n
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
	p.groups, p.bytes = map[string]*group{}, 0
	return taken
}

// back returns what could not be written: the counts whole, of the bodies the first.
func (p *pending) back(taken map[string]*group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for hash, old := range taken {
		g := p.groups[hash]
		if g == nil && len(p.groups) >= maxGroups {
			p.drops.count("error", "too_many_waiting", old.n)
			continue
		}
		for _, b := range old.bodies {
			p.bytes += b.size
		}
		if g == nil {
			p.groups[hash] = old
			continue
		}
		for i := range g.bodies {
			g.bodies[i].at += old.n
		}
		g.n, g.first = g.n+old.n, old.first
		for t, at := range old.tags {
			if _, known := g.tags[t]; !known && len(g.tags) > 0 && len(g.tags) < 2*maxTags {
				g.tags[t] = at
			}
		}
		g.bodies = append(old.bodies, g.bodies...)
		if beyond := g.bodies[min(len(g.bodies), 2*firstBodies):]; len(beyond) > 0 {
			p.drops.count("error_body", "waited_too_long", int64(len(beyond)))
			for _, b := range beyond {
				p.bytes -= b.size
			}
			clear(beyond) // the memory behind the slice holds on to them
			g.bodies = g.bodies[:2*firstBodies]
		}
	}
}
