package observe

import "sync"

// news wakes those who watch for what was written.
type news struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

// listen returns a channel that has something once more was written; stop ends it.
func (n *news) listen() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[chan struct{}]bool{}
	}
	n.listeners[c] = true
	return c, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, c)
	}
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
