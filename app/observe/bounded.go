package observe

import "sync"

// bounded holds what waits for the writer of the files. What is beyond its bound is counted
// as dropped.
type bounded[T any] struct {
	mu      sync.Mutex
	waiting []T
}

func (b *bounded[T]) add(one T, most int, d *drops, class string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= most {
		d.count(class, "ring_full", 1)
		return
	}
	b.waiting = append(b.waiting, one)
}

func (b *bounded[T]) some() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 0
}

func (b *bounded[T]) take() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.waiting
	b.waiting = nil
	return taken
}
