package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/benbjohnson/litestream"
)

// scrubTries is how often Scrub tries: a read that began before keeps the log's
// file as it is, and Litestream does not say so.
const scrubTries = 20

// Scrub empties the write-ahead log and truncates its file, so that rows which
// were erased from the database stand in neither. What the replica holds of them
// goes when its retention has passed.
func (d *Driver) Scrub(ctx context.Context) error {
	before := d.logStart()
	var err error
	for range scrubTries {
		err = d.truncate(ctx)
		if now := d.logStart(); err == nil && (now == nil || !bytes.Equal(before, now)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("scrub the log: %w", errors.Join(context.Cause(ctx), err))
		case <-d.stopped:
			return ErrClosed
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("scrub the log: %w", errors.Join(errors.New("a read keeps it"), err))
}

// logStart is the header of the log's file, which a truncated one lacks or has
// anew with other salts (https://www.sqlite.org/walformat.html section 2.1).
func (d *Driver) logStart() []byte {
	f, err := os.Open(d.db.Path() + "-wal")
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 32)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil
	}
	return head
}

// truncate has Litestream capture what is in the log and truncate it.
func (d *Driver) truncate(ctx context.Context) error {
	done := make(chan error, 1)
	begin := func() {
		sess := d.sess
		if sess == nil {
			done <- errors.New("replication has not begun")
			return
		}
		d.start(func() {
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
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
