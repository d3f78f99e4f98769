package jobs

import (
	"net/http"
	"sync"
	"time"

	"seaworthy/app/dial"
)

// clients keeps the connections of each endpoint apart, so that none uses up
// another's.
type clients struct {
	dialer dial.Dialer
	mu     sync.Mutex
	known  map[string]*http.Client // by endpoint id; at most maxEndpoints
}

// of is the client for an endpoint. It follows no redirect: what is signed is for one
// address. It asks for no compression, so that what is read is what was sent.
func (c *clients) of(e endpoint) *http.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[e.id]; known != nil {
		return known
	}
	t := c.dialer.Transport()
	t.MaxConnsPerHost, t.MaxIdleConnsPerHost, t.MaxIdleConns = 2*maxConcurrency, maxConcurrency, maxConcurrency
	t.DisableCompression, t.IdleConnTimeout = true, 30*time.Second
	made := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.known == nil {
		c.known = map[string]*http.Client{}
	}
	c.known[e.id] = made
	return made
}

// forget closes what is kept for an endpoint that was deleted.
func (c *clients) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[id]; known != nil {
		known.CloseIdleConnections()
		delete(c.known, id)
	}
}

// maxDeliveries bounds the deliveries at once, all endpoints together: endpoints that
// hang leave workers to each other and to our own jobs.
const maxDeliveries = 40

// gate counts the deliveries under way. The queue's limits bound most of them before;
// what has a key of its own in a queue of its own is bounded here alone.
type gate struct {
	mu    sync.Mutex
	by    map[string]int
	total int
}

func (g *gate) enter(id string, limit int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by[id] >= limit || g.total >= maxDeliveries {
		return false
	}
	if g.by == nil {
		g.by = map[string]int{}
	}
	g.by[id]++
	g.total++
	return true
}

func (g *gate) leave(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.by[id]--; g.by[id] == 0 {
		delete(g.by, id)
	}
}

// atGate is how long a job waits that found no room, the longer the oftener it has.
func atGate(snoozes int) time.Duration {
	return time.Duration(min((snoozes+1)*(snoozes+1), 300)) * time.Second
}
