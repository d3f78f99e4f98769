package store

import (
	"slices"
	"sync"
)

// topics are named wake-ups that are sent only after a commit. They carry no
// data: a listener looks in the database for what there is to do, so a missed
// or doubled signal is harmless.
type topics struct {
	mu        sync.RWMutex
	listeners map[string][]chan struct{}
}

// Commits is the topic that every commit notifies.
const Commits = "store.commit"

// Listen returns a channel that receives after each commit in which a
// transaction called Tx.Notify with the same topic. Signals that come while one
// is pending are merged.
func (db *DB) Listen(topic string) <-chan struct{} {
	c := make(chan struct{}, 1)
	db.topics.mu.Lock()
	defer db.topics.mu.Unlock()
	if db.topics.listeners == nil {
		db.topics.listeners = map[string][]chan struct{}{}
	}
	db.topics.listeners[topic] = append(db.topics.listeners[topic], c)
	return c
}

// Unlisten ends what Listen began. The channel receives nothing after it.
func (db *DB) Unlisten(topic string, c <-chan struct{}) {
	db.topics.mu.Lock()
	defer db.topics.mu.Unlock()
	db.topics.listeners[topic] = slices.DeleteFunc(db.topics.listeners[topic], func(l chan struct{}) bool { return l == c })
}

func (t *topics) signal(topic string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, c := range t.listeners[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
