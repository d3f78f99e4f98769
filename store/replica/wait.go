package replica

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrClosed answers a Wait that a Close overtook.
var ErrClosed = errors.New("replica: closed")

// waiter waits for a transaction to be remote.
type waiter struct {
	need   int64 // the first capture that covers the caller's commits
	known  bool  // target is set
	target uint64
	done   chan error // room for one
}

// Wait returns when everything committed before the call is at the replica. It
// is the durable acknowledgement of spec/storage.md section 1 point 8: costly,
// for what must survive the loss of the machine.
func (d *Driver) Wait(ctx context.Context) error {
	w := &waiter{done: make(chan error, 1)}
	join := func() {
		w.need = d.seq + 1
		d.waiters = append(d.waiters, w)
		d.wantCapture(time.Now())
	}
	select {
	case d.events <- join:
	case <-d.stopped:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("wait for the replica: %w", context.Cause(ctx))
	}
	select {
	case err := <-w.done:
		if err != nil {
			return fmt.Errorf("wait for the replica: %w", err)
		}
		return nil
	case <-ctx.Done():
		d.leave(w)
		return fmt.Errorf("wait for the replica: %w", context.Cause(ctx))
	}
}

// leave takes back a Wait, so that callers with deadlines do not pile up while
// the replica is away.
func (d *Driver) leave(w *waiter) {
	d.post(func() {
		for i, other := range d.waiters {
			if other == w {
				d.waiters = append(d.waiters[:i], d.waiters[i+1:]...)
				return
			}
		}
	})
}
