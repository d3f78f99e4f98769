package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// watch keeps the log and the local backlog within bounds whatever the replica
// does: the service must not fill its disk because of its backup.
func (d *Driver) watch(now time.Time) {
	l := d.o.limits
	if d.sess != nil && d.local.unsent > l.backlog && d.tooMuchUnsent() {
		d.local = local{}
		d.drop("too much has not been sent: a copy of the whole file is smaller")
		return
	}
	if d.wal <= l.watchdog {
		return
	}
	switch {
	case d.sess == nil:
		d.empty(now)
	case now.Sub(d.captureGood) > d.stuckAfter():
		// Litestream holds the log back but does not read it either.
		d.drop("")
	case d.wal > l.abort:
		d.sess.client.abort()
	}
}

// stuckAfter is when reading the log counts as stuck: not while a capture that
// may have to encode the whole file is still within its time.
func (d *Driver) stuckAfter() time.Duration {
	if d.capturing {
		return d.o.limits.stuck + captureLimit(d.db.Path())
	}
	return d.o.limits.stuck
}

// tooMuchUnsent is the rule of spec/storage.md section 1: the backlog is larger
// than the database or takes more than a fifth of the room there was.
func (d *Driver) tooMuchUnsent() bool {
	info, err := os.Stat(d.db.Path())
	if err != nil {
		return false
	}
	free, err := freeBytes(d.db.Path())
	if err != nil {
		return false
	}
	return d.local.unsent > info.Size() || d.local.unsent > (free+d.local.unsent)/5
}

// empty checkpoints with plain SQL, once a second at most. Litestream finds out
// and copies the whole file when it is back.
func (d *Driver) empty(now time.Time) {
	if d.emptying || now.Before(d.emptyAt) {
		return
	}
	d.emptying = true
	d.emptyAt = now.Add(time.Second)
	d.start(func() {
		ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
		defer cancel()
		err := d.db.Checkpoint(ctx)
		d.post(func() {
			d.emptying = false
			d.walSampled = time.Time{}
			if err != nil && !errors.Is(err, context.Canceled) {
				d.o.Log.Warn("the write-ahead log could not be emptied", "err", err, "wal_bytes", d.wal)
			}
		})
	})
}

// drop ends the session; another is opened after a pause. With a reason, the
// local state goes too and the next session begins a fresh epoch: a file that
// is still on its way to the old one can then do no harm.
func (d *Driver) drop(fresh string) {
	sess := d.sess
	d.sess = nil
	if fresh != "" {
		d.fresh = fresh
	}
	d.o.Log.Warn("replication starts over", "epoch", sess.epoch, "fresh_epoch", fresh != "", "because", first(fresh, "the write-ahead log was not read for too long"))
	d.pending, d.inCapture, d.marks = d.oldest(), time.Time{}, nil
	for _, w := range d.waiters {
		w.known, w.need = false, d.seq+1
	}
	d.ending = true
	d.openFails++
	d.openAt = time.Now().Add(d.backoff(d.openFails))
	d.start(func() {
		sess.close(false)
		var err error
		if fresh != "" {
			err = forget(d.db.Path())
		}
		d.post(func() {
			d.ending = false
			d.emptyAt = time.Time{}
			if err != nil {
				d.o.Log.Error("the local state of the replica could not be removed", "err", err,
					"folder", filepath.Join(metaDir(d.db.Path()), filepath.Base(sess.ldb.LTXDir())))
			}
		})
	})
}
