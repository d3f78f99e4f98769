package replica

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/benbjohnson/litestream"

	"seaworthy/store"
)

// Options say how to drive a replica. The zero value is right for production.
type Options struct {
	Log        *slog.Logger     // discarded if nil
	Clock      func() time.Time // ages in Status; time.Now if nil
	Rand       io.Reader        // the ids of epochs; crypto/rand if nil
	FirstSync  time.Duration    // how long Start waits for the first sync; 10 s if 0
	StaleAfter time.Duration    // the lag at which Status says Stale; 60 s if 0
	Resumed    bool             // another of us wrote to it until a moment ago: that nothing was synced yet says nothing

	limits limits                                                  // tests make them small
	wrap   func(litestream.ReplicaClient) litestream.ReplicaClient // tests put faults in between
}

// limits are the sizes and times at which the driver acts.
type limits struct {
	checkpoint int64         // empty the log at this size, in bytes
	watchdog   int64         // ... without Litestream when it cannot
	abort      int64         // give up a snapshot that keeps the log from being emptied
	backlog    int64         // never start afresh below this much unsent
	stuck      time.Duration // reading the log has failed for so long: reopen
	idle       time.Duration // look for other processes' commits
	retry      time.Duration // longest pause between attempts
	silence    time.Duration // how long a call to the replica may stay silent
	lease      leaseTimes
}

var defaultLimits = limits{
	checkpoint: 4 << 20, watchdog: 64 << 20, abort: 1 << 30, backlog: 64 << 20,
	stuck: 30 * time.Second, idle: 10 * time.Second, retry: 10 * time.Second, silence: callTimeout, lease: defaultLease,
}

// Driver keeps the replica up to date until Close. One goroutine decides; the
// calls into Litestream run beside it, one of each kind at a time, so that a
// call that hangs stops neither the decisions nor a shutdown.
type Driver struct {
	db  *store.DB
	cfg Config
	o   Options

	ctx     context.Context // of every call
	cancel  context.CancelFunc
	events  chan func()   // run by the loop
	quit    chan struct{} // closed by Close
	stopped chan struct{} // closed when the loop has ended
	first   chan struct{} // closed when the first attempt is over
	work    sync.WaitGroup
	view    atomic.Pointer[view]
	writes  writes
	lease   *lease // nil where there is none

	closing sync.Once
	closed  error

	state // the loop's alone; Close's once the loop has ended
}

// Start begins to replicate an open, migrated database. It returns when the
// first sync is done, so before traffic; but when the replica cannot be reached
// it returns after FirstSync all the same, keeps trying, and Status tells. A
// *HeldError says that another process writes to the replica.
func Start(ctx context.Context, db *store.DB, cfg Config, o Options) (*Driver, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.FirstSync == 0 {
		o.FirstSync = 10 * time.Second
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = time.Minute
	}
	if o.limits == (limits{}) {
		o.limits = defaultLimits
	}
	d := &Driver{
		db: db, cfg: cfg, o: o, events: make(chan func()),
		quit: make(chan struct{}), stopped: make(chan struct{}), first: make(chan struct{}),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if err := d.takeLease(ctx); err != nil {
		d.cancel()
		return nil, err
	}
	// Whether the commits before this start are at the replica is not known yet.
	d.pending = o.Clock()
	d.publish()
	db.ManageCheckpoints(true)
	db.KeepWAL(true)
	go d.run()

	wait := time.NewTimer(o.FirstSync)
	defer wait.Stop()
	select {
	case <-d.first:
	case <-wait.C:
		o.Log.Warn("the replica has not answered yet; starting without it", "replica", cfg.Replica.Location())
	case <-ctx.Done():
		stop, cancel := context.WithCancel(context.Background())
		cancel()
		d.Close(stop)
		return nil, fmt.Errorf("start replication: %w", context.Cause(ctx))
	}
	return d, nil
}

// Close sends what is not yet at the replica, for ShutdownSyncTimeout at most
// and never beyond ctx, and stops. Call it before the database is closed. The
// error says that commits stayed behind; they are on the local disk and go out
// after the next start.
func (d *Driver) Close(ctx context.Context) error {
	d.closing.Do(func() { d.closed = d.close(ctx, d.giveLease) })
	return d.closed
}

// Leave is Close before another process goes on with the same database at once. The lease
// stays: it belongs to the folder, and given up somebody else could take it in between.
func (d *Driver) Leave(ctx context.Context) error {
	d.closing.Do(func() { d.closed = d.close(ctx, d.keepLease) })
	return d.closed
}

func (d *Driver) close(ctx context.Context, endLease func(context.Context, error)) error {
	close(d.quit)
	<-d.stopped
	err := d.finalSync(ctx)
	d.cancel()
	sess := d.sess
	d.start(func() {
		if sess != nil {
			sess.close(err == nil)
		}
	})
	if hung := d.waitForCalls(ctx); hung != nil && err == nil {
		err = hung
	}
	endLease(ctx, err)
	d.db.ManageCheckpoints(false)
	for _, w := range d.waiters {
		w.done <- err
	}
	d.waiters, d.sess = nil, nil
	if err != nil {
		d.lastErr = err
	} else {
		d.marks, d.pending, d.inCapture = nil, time.Time{}, time.Time{}
	}
	d.publish()
	return err
}

// finalSync tries until everything is at the replica or the time is over.
func (d *Driver) finalSync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.ShutdownSyncTimeout)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		// The rest of the time is for ending what hangs.
		var early context.CancelFunc
		ctx, early = context.WithTimeout(ctx, time.Until(deadline)*4/5)
		defer early()
	}
	if d.sess == nil {
		if d.lastErr != nil {
			return fmt.Errorf("last sync: the replica was not to be had: %w", d.lastErr)
		}
		return fmt.Errorf("last sync: replication had not begun yet")
	}
	var err error
	for {
		var txid uint64
		if txid, err = d.sess.capture(ctx); err == nil {
			if _, err = d.sess.upload(ctx); err == nil {
				d.lastSync = d.o.Clock()
				d.captured, d.uploaded = txid, txid
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("last sync: commits stayed behind: %w", err)
		case <-time.After(min(500*time.Millisecond, d.o.limits.retry)):
		}
	}
}

// waitForCalls waits for every call of ours to end, which they do a moment
// after their context, unless the operating system itself hangs.
func (d *Driver) waitForCalls(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		d.work.Wait()
		close(done)
	}()
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
	case <-ctx.Done():
		select {
		case <-done:
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
	return fmt.Errorf("stop replication: a call to the replica does not end")
}

// start runs fn beside the loop.
func (d *Driver) start(fn func()) {
	d.work.Add(1)
	go func() {
		defer d.work.Done()
		fn()
	}()
}

// post hands the outcome of a call to the loop; false when that has ended.
func (d *Driver) post(fn func()) bool {
	select {
	case d.events <- fn:
		return true
	case <-d.stopped:
		return false
	}
}
