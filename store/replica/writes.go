package replica

import (
	"context"
	"sync"
)

// writes knows the uploads under way, those included that nobody waits for any
// more. Two uploads of one object must not overlap: Litestream's file client
// gives both the same temporary name, and what is then renamed into place is a
// mixture.
type writes struct {
	mu  sync.Mutex
	now map[string]chan struct{}
}

// enter waits for an earlier upload of the object to end. leave must be called
// when this one really has.
func (w *writes) enter(ctx context.Context, object string) (leave func(), err error) {
	for {
		w.mu.Lock()
		earlier, busy := w.now[object]
		if !busy {
			break
		}
		w.mu.Unlock()
		select {
		case <-earlier:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer w.mu.Unlock()
	if w.now == nil {
		w.now = map[string]chan struct{}{}
	}
	ended := make(chan struct{})
	w.now[object] = ended
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.now, object)
		close(ended)
	}, nil
}
