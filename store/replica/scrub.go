package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/benbjohnson/litestream"
)

// Scrub empties the write-ahead log and truncates its file, so that rows which
// were erased from the database stand in neither. What the replica holds of them
// goes when its retention has passed.
func (d *Driver) Scrub(ctx context.Context) error {
	done := make(chan error, 1)
	begin := func() {
		sess := d.sess
		if sess == nil {
			done <- errors.New("replication has not begun")
			return
		}
		d.start(func() {
			// What is in the log must be captured before it goes.
			_, err := sess.capture(sess.ctx)
			if err == nil {
				err = sess.checkpointAs(d, litestream.CheckpointModeTruncate)
			}
			done <- err
		})
	}
	select {
	case d.events <- begin:
	case <-d.stopped:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("scrub the log: %w", context.Cause(ctx))
	}
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("scrub the log: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("scrub the log: %w", context.Cause(ctx))
	}
}
