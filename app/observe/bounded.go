package observe

import "sync"

// bounded holds what waits for the writer of the files. What is beyond its bound is counted
// as dropped.
type bounded[T any] struct {
	class string // of what is dropped
	most  int
	drops *drops

	mu      sync.Mutex
	waiting []T
}

func (b *bounded[T]) init(class string, most int, d *drops) {
	b.class, b.most, b.drops = class, most, d
}

func (b *bounded[T]) add(some ...T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fits := min(len(some), b.most-len(b.waiting))
	b.waiting = append(b.waiting, some[:fits]...)
	b.drops.count(b.class, "ring_full", int64(len(some)-fits))
}

// back puts what could not be written before what came meanwhile.
func (b *bounded[T]) back(taken []T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(taken, b.waiting...)
	if beyond := len(b.waiting) - b.most; beyond > 0 {
		b.waiting = b.waiting[:b.most]
		b.drops.count(b.class, "ring_full", int64(beyond))
	}
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
