package store

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// counters are what the writer has done and is doing, readable at any time.
type counters struct {
	writes, groups, failures, foreign atomic.Int64
	pauseNS                           atomic.Int64
	locking                           atomic.Int64 // since when the write lock is waited for, unix ns
	holder                            atomic.Pointer[request]
	holdStart                         atomic.Int64
	migrating                         atomic.Bool // nobody is served yet: a closure may take as long as it needs
	pausing                           atomic.Pointer[string]
	lastCommit                        atomic.Int64
	lastFailure                       atomic.Pointer[error]
}

// Stats is a reading of the writer.
type Stats struct {
	Writes      int64         // closures committed
	Groups      int64         // commits (fsyncs)
	Failures    int64         // groups or closures that failed for want of disk or lock
	Foreign     int64         // times another process was seen writing
	Waiting     int           // closures waiting now
	Holder      string        // the function that holds the write lock now, or ""
	HeldFor     time.Duration // for how long
	LockWait    time.Duration // how long the writer has waited for another process's lock
	Paused      time.Duration // total time spent in Pause
	LastCommit  time.Time     // zero before the first
	LastFailure error         // nil once a later commit succeeded
	WALBytes    int64         // of the write-ahead log in use
}

// Commits is how many commits this process has made; see Tx.Sees.
func (db *DB) Commits() int64 { return db.stats.groups.Load() }

// Stats reads the counters.
func (db *DB) Stats() Stats {
	s := &db.stats
	out := Stats{
		Writes: s.writes.Load(), Groups: s.groups.Load(), Failures: s.failures.Load(), Foreign: s.foreign.Load(),
		Waiting: len(db.writer.queue), Paused: time.Duration(s.pauseNS.Load()), WALBytes: WALBytes(db.path),
	}
	if ns := s.lastCommit.Load(); ns != 0 {
		out.LastCommit = time.Unix(0, ns)
	}
	if ns := s.locking.Load(); ns != 0 {
		// A BEGIN that nobody holds up takes microseconds, and is no wait.
		if wait := time.Since(time.Unix(0, ns)); wait > 5*time.Millisecond {
			out.LockWait = wait
		}
	}
	if p := s.pausing.Load(); p != nil {
		out.Holder = *p
	} else if r := s.holder.Load(); r != nil {
		out.Holder = closureName(r.name)
		out.HeldFor = time.Since(time.Unix(0, s.holdStart.Load()))
	}
	if f := s.lastFailure.Load(); f != nil {
		out.LastFailure = *f
	}
	return out
}

func (s *counters) hold(r *request, at time.Time) {
	s.holdStart.Store(at.UnixNano())
	s.holder.Store(r)
}

func (s *counters) release(log *slog.Logger, r *request, held time.Duration) {
	s.holder.Store(nil)
	if held > slowHold && !s.migrating.Load() {
		log.Warn("a closure held the write lock too long",
			"holder", closureName(r.name), "held_ms", held.Milliseconds())
	}
}

func (s *counters) committed(n int) {
	s.writes.Add(int64(n))
	s.groups.Add(1)
	s.lastCommit.Store(time.Now().UnixNano())
	if n > 0 && s.lastFailure.Load() != nil { // an empty group has proved nothing
		s.lastFailure.Store(nil)
	}
}

func (s *counters) failure(err error) {
	s.failures.Add(1)
	s.lastFailure.Store(&err)
}
