package replica

import (
	"errors"
	"time"

	"github.com/benbjohnson/litestream"

	"seaworthy/store"
)

func (d *Driver) listen() <-chan struct{} { return d.db.Listen(store.Commits) }

// backoff is the pause after so many failures in a row.
func (d *Driver) backoff(fails int) time.Duration {
	return min(time.Second<<min(fails-1, 10), d.o.limits.retry)
}

// failed notes a failure; the log gets the first and then one a minute.
func (d *Driver) failed(what string, err error, fails int) {
	d.lastErr = err
	if now := time.Now(); fails == 1 || now.Sub(d.logged) > time.Minute {
		d.logged = now
		d.o.Log.Error("replication fails; writes go on and stay on this disk", "step", what, "err", err,
			"failures", fails, "replica", d.cfg.Replica.Location())
	}
}

func (d *Driver) beginOpen() {
	d.opening = true
	fresh := d.fresh
	d.start(func() {
		sess, err := guard(func() (*session, error) { return d.openSession(fresh) })
		// When the loop has ended meanwhile, nobody else knows the session.
		if !d.post(func() { d.opened(sess, err) }) && sess != nil {
			sess.close(false)
		}
	})
}

func (d *Driver) opened(sess *session, err error) {
	d.opening = false
	if err != nil {
		d.lost(err)
		d.openFails++
		d.openAt = time.Now().Add(d.backoff(d.openFails))
		d.failed("open", err, d.openFails)
		if damaged(err) {
			d.fresh = "the local state is damaged"
		}
	} else {
		d.sess, d.fresh, d.openFails = sess, "", 0
		if d.lease != nil && d.renewAt.IsZero() {
			d.renewAt = time.Now().Add(d.o.limits.lease.renew)
		}
		// What the replica has is asked anew.
		d.captured, d.uploaded = 0, 0
		d.captureFails, d.uploadFails = 0, 0
		d.captureGood = time.Now()
		d.captureAt, d.uploadAt, d.idleAt = time.Now(), time.Now(), time.Time{}
	}
	select {
	case <-d.first:
	default:
		close(d.first)
	}
}

func (d *Driver) beginCapture(now time.Time) {
	d.capturing = true
	d.captureAt, d.captureBegan = time.Time{}, now
	// What is committed from here on may miss this capture, and waits for the next.
	d.inCapture, d.pending = d.pending, time.Time{}
	d.seq++
	sess, seq, sent := d.sess, d.seq, d.uploaded
	empty := d.wal > d.full()
	hard := d.wal > 4*d.o.limits.checkpoint
	measure := now.Sub(d.measured) > 5*time.Second
	if measure {
		d.measured = now
	}
	d.start(func() {
		txid, err := sess.capture(sess.ctx)
		var emptied error
		if err == nil && empty {
			if emptied = sess.checkpoint(d, hard); emptied == nil {
				txid, err = sess.capture(sess.ctx)
			}
		}
		var size *local
		if measure {
			l := sess.measure(sent)
			size = &l
		}
		d.post(func() {
			if empty {
				d.walSampled = time.Now()
				d.wal = store.WALBytes(d.db.Path())
				d.walLeft = d.wal
			}
			d.captureDone(sess, seq, txid, err, emptied, size)
		})
	})
}

func (d *Driver) captureDone(sess *session, seq int64, txid uint64, err, emptied error, size *local) {
	d.capturing = false
	if d.sess != sess {
		return // it was dropped, and all it had not sent counts as pending again
	}
	began := d.inCapture
	d.inCapture = time.Time{}
	if size != nil {
		d.local = *size
	}
	if err != nil {
		if !began.IsZero() {
			d.pending = began
		}
		d.captureFails++
		d.captureAt = time.Now().Add(d.backoff(d.captureFails))
		d.failed("capture", err, d.captureFails)
		if damaged(err) {
			d.drop("the local state is damaged")
		}
		return
	}
	if emptied != nil {
		d.o.Log.Warn("the write-ahead log could not be emptied", "err", emptied, "wal_bytes", d.wal)
	}
	d.captured, d.captureFails, d.captureGood = txid, 0, time.Now()
	if !began.IsZero() {
		d.marks = append(d.marks, mark{txid, began})
	}
	for _, w := range d.waiters {
		if !w.known && w.need <= seq {
			w.known, w.target = true, txid
		}
	}
	d.release()
	if !d.pending.IsZero() {
		d.wantCapture(d.captureBegan.Add(d.cfg.Replica.SyncInterval))
	}
	for _, w := range d.waiters {
		if !w.known {
			d.wantCapture(time.Now())
		}
	}
	if txid > d.uploaded {
		d.wantUpload(time.Now())
	}
}

func (d *Driver) beginUpload() {
	d.uploading = true
	d.uploadAt = time.Time{}
	sess := d.sess
	d.start(func() {
		txid, err := sess.upload(sess.ctx)
		d.post(func() { d.uploadDone(sess, txid, err) })
	})
}

func (d *Driver) uploadDone(sess *session, txid uint64, err error) {
	d.uploading = false
	if d.sess != sess {
		return // its epoch is no longer ours to speak of
	}
	if err != nil {
		d.uploadFails++
		d.uploadAt = time.Now().Add(d.backoff(d.uploadFails))
		d.failed("upload", err, d.uploadFails)
		if damaged(err) {
			d.drop("the local state is damaged")
		}
		return
	}
	if d.uploadFails > 0 {
		d.o.Log.Info("replication works again", "after_failures", d.uploadFails)
	}
	d.uploadFails, d.lastErr, d.lastSync = 0, nil, d.o.Clock()
	d.uploaded = max(d.uploaded, txid)
	d.release()
	if d.captured > d.uploaded {
		d.wantUpload(time.Now())
	}
}

// damaged tells whether Litestream's local files are beyond repair: one it
// needs is missing or does not verify.
func damaged(err error) bool {
	var bad *litestream.LTXError
	return errors.As(err, &bad) && bad.IsAutoRecoverable()
}
