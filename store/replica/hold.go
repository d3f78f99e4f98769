package replica

import (
	"context"
	"errors"
	"time"
)

// leasePatience is how long one exchange about the lease may take. A start waits for it.
const leasePatience = 5 * time.Second

// takeLease takes the lease before anything else. A replica that does not answer is no
// reason not to start; the first session takes the lease then.
func (d *Driver) takeLease(ctx context.Context) (err error) {
	d.lease, err = newLease(d.cfg, d.o.limits.lease, min(leasePatience, d.o.limits.silence), d.o.Clock)
	if err != nil || d.lease == nil {
		return err
	}
	err = d.lease.acquire(ctx)
	var held *HeldError
	switch {
	case errors.As(err, &held), ctx.Err() != nil:
		d.lease.bucket.Close()
		return err
	case errors.Is(err, errNoLease):
		d.lease.bucket.Close()
		d.o.Log.Warn("nothing keeps a second process from writing to this replica, whose provider has no conditional writes; "+
			"each would have its own epoch", "replica", d.cfg.Replica.Location())
		d.lease = nil
	case err != nil:
		d.o.Log.Warn("the lease of the replica is not to be had yet", "err", err)
	}
	return nil
}

// holdLease makes sure of the lease before a session begins.
func (d *Driver) holdLease(ctx context.Context) error {
	if d.lease == nil {
		return nil
	}
	return d.lease.hold(ctx)
}

// beginRenew shows that we are alive.
func (d *Driver) beginRenew(now time.Time) {
	d.renewing = true
	d.start(func() {
		err := d.lease.renew(d.ctx)
		d.post(func() {
			d.renewing = false
			d.renewAt = now.Add(d.o.limits.lease.renew)
			if err != nil {
				d.lost(err)
				// An outage says nothing about others: the service goes on, and asks more often.
				d.renewAt = time.Now().Add(d.o.limits.lease.renew / 5)
			}
		})
	})
}

// lost ends all writing when another process is known to have the lease.
func (d *Driver) lost(err error) {
	var held *HeldError
	if !errors.As(err, &held) || d.db.FailErr() != nil {
		return
	}
	d.o.Log.Error("another process has taken over the replica; this one writes nothing any more", "err", err)
	d.db.Fence(err)
}

// giveLease gives the lease up after a clean end. With commits left behind it is better
// found out slowly that nobody is there.
func (d *Driver) giveLease(ctx context.Context, err error) {
	if d.lease == nil {
		return
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, leasePatience)
		defer cancel()
		if err := d.lease.release(ctx); err != nil {
			d.o.Log.Warn("the lease of the replica could not be given up; the next process waits for half a minute", "err", err)
		}
	}
	d.lease.bucket.Close()
}

// keepLease lets go of the lease's connections alone.
func (d *Driver) keepLease(context.Context, error) {
	if d.lease != nil {
		d.lease.bucket.Close()
	}
}

// bootLease takes the lease before a database is restored: of a replica that another
// process still writes, a copy would be old before it is opened.
func bootLease(ctx context.Context, cfg Config, dbPath string, o BootOptions) error {
	times := o.lease
	if times == (leaseTimes{}) {
		times = defaultLease
	}
	r := openRoot(cfg.Replica, callTimeout)
	defer r.close()
	now, err := readCurrent(ctx, r)
	if err != nil || now.Epoch == "" {
		return nil // nothing to restore, or the restore itself says why not
	}
	l, err := newLease(cfg, times, leasePatience, time.Now)
	if err != nil || l == nil {
		return err
	}
	defer l.bucket.Close()
	o.Log.Info("waiting for the lease of the replica", "replica", cfg.Replica.Location())
	return l.hold(ctx)
}
