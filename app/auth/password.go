package auth

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/auth/argon"
	"seaworthy/app/web"
)

// Hasher computes password hashes, a bounded number at once: each takes 19 MiB,
// so a flood of sign-ins must queue and not take the memory.
type Hasher struct {
	slots chan struct{}
	queue chan struct{}
	done  atomic.Int64
	cost  argon.Params

	inside    atomic.Int64        // requests that were admitted and are not answered yet
	processes chan *argon.Process // that hash; nil: this one does
	alone     atomic.Bool         // they failed, and this one does from now on
	failed    func(error)         // told when that happens

	crowded    atomic.Bool // many waited, and those who did are not all served
	collecting sync.Mutex
}

// NewHasher allows parallel hashes at once, and thirty-two more to wait for each.
// If parallel is 0, it is one less than there are cores: whatever a flood of
// sign-ins does, a core is left for those who are signed in.
func NewHasher(parallel int) *Hasher {
	if parallel <= 0 {
		parallel = max(1, runtime.GOMAXPROCS(0)-1)
	}
	return &Hasher{slots: make(chan struct{}, parallel), queue: make(chan struct{}, 33*parallel), cost: argon.Current}
}

// NewCheapHasher is for tests: the same path at a thousandth of the cost.
func NewCheapHasher() *Hasher {
	h := NewHasher(4)
	h.cost = argon.Params{Memory: 8, Passes: 1, Threads: 1}
	return h
}

// Computed is how many hashes were computed so far.
func (h *Hasher) Computed() int64 { return h.done.Load() }

// errHasherBusy is the 503 when too many wait.
var errHasherBusy = &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: 2 * time.Second,
	Public: "Many people are signing in at once. Try again in a moment."}

func (h *Hasher) acquire(ctx context.Context) (release func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, errHasherBusy
	}
	select {
	case h.slots <- struct{}{}:
		h.done.Add(1)
		return h.release, nil
	case <-ctx.Done():
		<-h.queue
		return nil, context.Cause(ctx)
	}
}

// Enter admits a request that will need a hash (web.Route.Enter): as many as can
// stand in line, and more only while nothing is computed. So a burst is turned away
// at the door, and people who send their form slowly keep nobody out.
func (h *Hasher) Enter() (leave func(), err error) {
	if h.inside.Add(1) > int64(cap(h.queue)) && len(h.slots) == cap(h.slots) {
		h.inside.Add(-1)
		return nil, errHasherBusy
	}
	return func() { h.inside.Add(-1) }, nil
}

// release ends a turn, and frees the 19 MiB that it took: the collector would let
// several of them gather, because to it a heap may always double. While few wait,
// the next hash begins meanwhile, on the core that is left; in a flood memory comes first.
func (h *Hasher) release() {
	switch waiting := len(h.queue); { // this one among them
	case waiting > 4*cap(h.slots):
		h.crowded.Store(true)
	case waiting <= 1:
		h.crowded.Store(false)
	}
	flood := h.crowded.Load()
	if flood {
		h.collect()
	}
	<-h.slots
	if !flood {
		h.collect()
	}
	<-h.queue
}

func (h *Hasher) collect() {
	if !h.outside() && h.cost.Memory >= argon.Current.Memory && h.collecting.TryLock() {
		runtime.GC()
		h.collecting.Unlock()
	}
}

// Hash returns the password's hash in PHC string format.
func (h *Hasher) Hash(ctx context.Context, password string) (phc string, err error) {
	err = h.turn(ctx, func(p *argon.Process) (err error) {
		if p == nil {
			phc = argon.Hash(h.cost, []byte(password))
			return nil
		}
		phc, err = p.Hash(h.cost, []byte(password))
		return err
	})
	return phc, err
}

// Verify reports whether the password matches a stored hash. An empty hash costs
// the same and never matches, so that absence cannot be timed.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (match bool, err error) {
	err = h.turn(ctx, func(p *argon.Process) (err error) {
		if p == nil {
			match, err = argon.Verify(h.cost, phc, []byte(password))
			return err
		}
		match, err = p.Verify(h.cost, phc, []byte(password))
		return err
	})
	return match, err
}

// turn waits for a turn and has f compute, in a process of its own or, when there
// is none or one has failed, with nil in this one.
func (h *Hasher) turn(ctx context.Context, f func(*argon.Process) error) error {
	release, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if !h.outside() {
		return f(nil)
	}
	p := <-h.processes
	defer func() { h.processes <- p }()
	if err = f(p); err == nil || errors.Is(err, argon.ErrBadHash) {
		return err
	}
	if h.alone.CompareAndSwap(false, true) {
		h.failed(err)
	}
	return f(nil)
}

// outside reports whether hashes are computed in other processes.
func (h *Hasher) outside() bool { return h.processes != nil && !h.alone.Load() }

// UseProcesses has hashes computed in processes of their own, by a command that
// calls argon.Serve. When that fails they are computed here from then on, and failed
// hears why. Call it before anything else.
func (h *Hasher) UseProcesses(command []string, failed func(error)) {
	h.failed = failed
	h.processes = make(chan *argon.Process, cap(h.slots))
	for range cap(h.slots) {
		h.processes <- &argon.Process{Command: command}
	}
}

// Close ends the processes once they are idle.
func (h *Hasher) Close() {
	for range cap(h.processes) {
		p := <-h.processes
		p.Close()
		defer func() { h.processes <- p }()
	}
}

// Outdated reports whether a hash was made at another cost than today's.
func (h *Hasher) Outdated(phc string) bool {
	p, _, _, err := argon.Parse(phc)
	return err == nil && p != h.cost
}
