package replica

import (
	"time"

	"seaworthy/store"
)

// state is what the loop knows.
type state struct {
	sess  *session
	fresh string // why the next session must begin a fresh epoch, or ""

	opening, capturing, uploading, ending, emptying, renewing bool // a call of the kind is under way

	openAt, captureAt, uploadAt, emptyAt, renewAt time.Time // when the next is due; zero when not wanted
	openFails, captureFails, uploadFails          int
	captureBegan, captureGood                     time.Time

	pending   time.Time // the oldest commit that no capture covers; zero when none
	inCapture time.Time // ... that the capture under way covers
	marks     []mark    // ... that each capture since covered, until they are remote

	seq                int64  // number of the last capture begun
	captured, uploaded uint64 // last transaction in local LTX files, and at the replica
	waiters            []*waiter

	local      local
	measured   time.Time
	wal        int64 // bytes of the log in use
	walLeft    int64 // what the last attempt to empty it left
	walSampled time.Time
	idleAt     time.Time
	lastSync   time.Time
	lastErr    error
	logged     time.Time // when a failure was last logged
}

// mark says: once txid is at the replica, the commits since then are.
type mark struct {
	txid  uint64
	since time.Time
}

// run is the loop. Nothing in it blocks.
func (d *Driver) run() {
	defer close(d.stopped)
	commits := d.listen()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-commits:
			d.committed()
		case fn := <-d.events:
			fn()
		case <-timer.C:
		}
		now := time.Now()
		d.sample(now)
		d.schedule(now)
		d.watch(now)
		d.publish()
		timer.Reset(d.nextDue(time.Now()))
	}
}

// committed notes that there is something new.
func (d *Driver) committed() {
	if d.pending.IsZero() {
		d.pending = d.o.Clock()
	}
	d.wantCapture(d.captureBegan.Add(d.cfg.Replica.SyncInterval))
}

// wantCapture brings the next capture forward, but not out of a back-off.
func (d *Driver) wantCapture(at time.Time) {
	if d.captureFails == 0 && (d.captureAt.IsZero() || at.Before(d.captureAt)) {
		d.captureAt = at
	}
}

func (d *Driver) wantUpload(at time.Time) {
	if d.uploadFails == 0 && (d.uploadAt.IsZero() || at.Before(d.uploadAt)) {
		d.uploadAt = at
	}
}

// sample looks at the size of the log, at most every 20 ms, and at how far an
// upload under way has come.
func (d *Driver) sample(now time.Time) {
	if now.Sub(d.walSampled) >= 20*time.Millisecond {
		d.walSampled = now
		d.wal = store.WALBytes(d.db.Path())
	}
	if d.sess == nil {
		return
	}
	if d.wal > d.full() {
		d.wantCapture(now)
	}
	if now.After(d.idleAt) {
		d.idleAt = now.Add(d.o.limits.idle)
		d.wantCapture(now)
		d.wantUpload(now)
	}
	if pos := uint64(d.sess.ldb.Replica.Pos().TXID); d.uploading && pos > d.uploaded {
		d.uploaded = pos
		d.release()
	}
}

// full is the size at which the log is emptied. When that failed, because a
// long read needs it, the next attempt waits until as much has come again.
func (d *Driver) full() int64 {
	if d.wal < d.walLeft {
		d.walLeft = 0 // it has begun anew
	}
	return d.walLeft + d.o.limits.checkpoint
}

// schedule begins what is due.
func (d *Driver) schedule(now time.Time) {
	if !d.renewing && due(d.renewAt, now) {
		d.beginRenew(now)
	}
	if d.sess == nil {
		if !d.opening && !d.ending && !now.Before(d.openAt) {
			d.beginOpen()
		}
		return
	}
	if !d.capturing && due(d.captureAt, now) {
		d.beginCapture(now)
	}
	if !d.uploading && due(d.uploadAt, now) {
		d.beginUpload()
	}
}

func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// nextDue is how long the loop may sleep.
func (d *Driver) nextDue(now time.Time) time.Duration {
	next := now.Add(d.o.limits.idle)
	sooner := func(wanted bool, at time.Time) {
		if wanted && !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	sooner(!d.renewing, d.renewAt)
	if d.sess == nil {
		sooner(!d.opening && !d.ending, d.openAt)
		sooner(true, now.Add(time.Second)) // the watchdog
	} else {
		sooner(!d.capturing, d.captureAt)
		sooner(!d.uploading, d.uploadAt)
		sooner(d.uploading || d.captureFails > 0, now.Add(time.Second))
	}
	return max(time.Millisecond, next.Sub(now))
}

// release drops the marks that the replica has passed, and answers who waited.
func (d *Driver) release() {
	for len(d.marks) > 0 && d.marks[0].txid <= d.uploaded {
		d.marks = d.marks[1:]
	}
	left := d.waiters[:0]
	for _, w := range d.waiters {
		if w.known && w.target <= d.uploaded {
			w.done <- nil
			continue
		}
		left = append(left, w)
	}
	d.waiters = left
}

// oldest is the time of the oldest commit that is not known to be remote.
func (d *Driver) oldest() time.Time {
	times := []time.Time{d.inCapture, d.pending}
	if len(d.marks) > 0 {
		times = append(times, d.marks[0].since)
	}
	var oldest time.Time
	for _, t := range times {
		if !t.IsZero() && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
	}
	return oldest
}
