package replica

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/superfly/ltx"
)

// session is Litestream open on one epoch.
type session struct {
	epoch   string
	ldb     *litestream.DB
	monitor *litestream.Store // compactions, snapshots, retention
	client  *bounded
	ended   func() // tells the driver that nothing of the session runs any more

	ctx    context.Context // of its calls; ends before the driver's when it is dropped
	stop   context.CancelFunc
	using  sync.RWMutex // held while a call of ours is inside of Litestream
	closed bool
}

// use runs a call into Litestream unless the session is closed. Litestream
// itself would open again what was closed, and two of it on one folder destroy
// each other's files.
func use[T any](s *session, fn func() (T, error)) (T, error) {
	s.using.RLock()
	defer s.using.RUnlock()
	if s.closed {
		var zero T
		return zero, ErrClosed
	}
	return guard(fn)
}

// busyTimeout is how long Litestream's connection waits for a lock. It does so
// only while the writer pauses, or for its two tables, which prepare made.
const busyTimeout = 250 * time.Millisecond

// openSession claims the epoch, opens Litestream on it and does the first sync.
func (d *Driver) openSession(fresh string) (*session, error) {
	// Without the lease the epoch of whoever has it would lose its place to ours.
	if err := d.holdLease(d.ctx); err != nil {
		return nil, err
	}
	epoch, err := d.claim(d.ctx, fresh)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	// Litestream's monitors make calls of their own: they count as one until
	// the session is closed.
	d.work.Add(1)
	s := &session{epoch: epoch, ldb: litestream.NewDB(d.db.Path()), ended: d.work.Done}
	s.ctx, s.stop = context.WithCancel(d.ctx)
	s.client = newBounded(d.o.limits.silence, func() litestream.ReplicaClient {
		c := newClient(d.cfg.Replica, epoch)
		if f, ok := c.(*file.ReplicaClient); ok {
			f.Replica = s.ldb.Replica // gives its files the database's permissions
		}
		if d.o.wrap != nil {
			c = d.o.wrap(c)
		}
		return c
	})
	s.client.calls, s.client.writes, s.client.epoch = &d.work, &d.writes, epoch
	s.ldb.MonitorInterval = 0
	s.ldb.CheckpointInterval = 0
	s.ldb.MinCheckpointPageN = math.MaxInt32
	s.ldb.TruncatePageN = math.MaxInt32
	s.ldb.BusyTimeout = busyTimeout
	s.ldb.Replica = litestream.NewReplicaWithClient(s.ldb, s.client)
	s.ldb.Replica.MonitorEnabled = false
	s.ldb.SetLogger(quiet(d.o.Log))
	if err := s.ldb.Open(); err != nil {
		s.close(false)
		return nil, fmt.Errorf("open litestream: %w", err)
	}
	if _, err := s.capture(s.ctx); err != nil {
		s.close(false)
		return nil, err
	}
	// The monitors start only now: before the first sync they could do nothing.
	if err := s.openMonitor(d); err != nil {
		s.close(false)
		return nil, err
	}
	return s, nil
}

func (s *session) openMonitor(d *Driver) error {
	levels := litestream.CompactionLevels{{Level: 0}}
	for i, interval := range d.cfg.Levels {
		levels = append(levels, &litestream.CompactionLevel{Level: i + 1, Interval: interval})
	}
	m := litestream.NewStore([]*litestream.DB{s.ldb}, levels)
	m.Logger = quiet(d.o.Log)
	s.ldb.SetLogger(m.Logger)
	m.SnapshotInterval, m.SnapshotRetention = d.cfg.SnapshotInterval, d.cfg.SnapshotRetention
	m.SetL0Retention(d.cfg.L0Retention)
	m.L0RetentionCheckInterval = d.cfg.L0RetentionCheckInterval
	m.SetShutdownSyncTimeout(0) // one attempt: the driver does its own
	if d.cfg.HeartbeatURL != "" {
		m.Heartbeat = litestream.NewHeartbeatClient(d.cfg.HeartbeatURL, d.cfg.HeartbeatInterval)
	}
	if err := m.Open(d.ctx); err != nil {
		return fmt.Errorf("start litestream's compactions: %w", err)
	}
	s.monitor = m
	return nil
}

// prepare creates Litestream's two tables through our writer. Litestream would
// do it itself, but its own connection can starve behind a busy writer.
func (d *Driver) prepare() error {
	ctx, cancel := context.WithTimeout(d.ctx, callTimeout)
	defer cancel()
	return d.ensureTables(ctx)
}

// captureLimit is how long a capture may take. One that encodes the whole file
// gets on with 250 MB in a second, or with much less.
func captureLimit(dbPath string) time.Duration {
	limit := callTimeout
	if info, err := os.Stat(dbPath); err == nil {
		limit += time.Duration(info.Size()/(5<<20)) * time.Second
	}
	return limit
}

// capture copies what is new in the write-ahead log to local LTX files and
// returns the last transaction they hold. Only the first one, which asks for
// the replica's position, needs the network.
func (s *session) capture(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, captureLimit(s.ldb.Path()))
	defer cancel()
	return use(s, func() (uint64, error) {
		if err := s.ldb.Sync(ctx); err != nil {
			return 0, fmt.Errorf("read the write-ahead log: %w", err)
		}
		pos, err := s.ldb.Pos()
		if err != nil {
			return 0, fmt.Errorf("read the local position: %w", err)
		}
		return uint64(pos.TXID), nil
	})
}

// upload sends the local LTX files that the replica lacks and returns the last
// transaction it then has. It ends when nothing moves any more (see bounded).
func (s *session) upload(ctx context.Context) (uint64, error) {
	return use(s, func() (uint64, error) {
		if err := s.ldb.Replica.Sync(ctx); err != nil {
			return 0, fmt.Errorf("send to the replica: %w", err)
		}
		return uint64(s.ldb.Replica.Pos().TXID), nil
	})
}

// checkpoint empties the log through Litestream while the writer pauses. Both
// waits are short: a pause holds up every write.
//
// A passive checkpoint copies the log, but cannot make it start over while any
// read that began before is still under way, and under many reads one always
// is. hard waits for those reads, busyTimeout at most; later ones do not
// matter, they no longer use the log.
func (s *session) checkpoint(d *Driver, hard bool) error {
	mode := litestream.CheckpointModePassive
	if hard {
		mode = litestream.CheckpointModeRestart
	}
	return s.checkpointAs(d, mode)
}

// checkpointAs is checkpoint in one of SQLite's modes.
func (s *session) checkpointAs(d *Driver, mode string) error {
	ctx, cancel := context.WithTimeout(s.ctx, 2*time.Second)
	defer cancel()
	return d.db.Pause(ctx, "litestream checkpoint", func() error {
		_, err := await(ctx, &d.work, "checkpoint", nil, func(ctx context.Context) (struct{}, error) {
			return use(s, func() (struct{}, error) { return struct{}{}, s.ldb.Checkpoint(ctx, mode) })
		})
		return err
	})
}

// close waits for the calls under way and stops Litestream, calmly with a last
// look at the log.
func (s *session) close(calm bool) {
	defer s.ended()
	s.stop()
	s.using.Lock()
	defer s.using.Unlock()
	s.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if !calm {
		cancel()
	}
	guard(func() (struct{}, error) {
		if s.monitor != nil {
			return struct{}{}, s.monitor.Close(ctx)
		}
		s.ldb.ShutdownSyncTimeout = 0
		return struct{}{}, s.ldb.Close(ctx)
	})
}

// local is what lies in Litestream's folder.
type local struct {
	bytes  int64 // all LTX files
	unsent int64 // those the replica lacks, but for the largest
}

// measure adds up the local LTX files. The largest of the unsent ones does not
// count as backlog: it is the copy of the whole file that an epoch begins with,
// and starting afresh would only make another.
func (s *session) measure(sent uint64) local {
	var l local
	var largest int64
	for level := 0; level <= litestream.SnapshotLevel; level++ {
		entries, err := os.ReadDir(s.ldb.LTXLevelDir(level))
		if err != nil {
			continue
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				continue
			}
			l.bytes += info.Size()
			if _, high, err := ltx.ParseFilename(e.Name()); err == nil && level == 0 && uint64(high) > sent {
				l.unsent += info.Size()
				largest = max(largest, info.Size())
			}
		}
	}
	l.unsent -= largest
	return l
}
