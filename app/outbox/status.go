package outbox

import (
	"slices"
	"sync"
	"time"
)

// State is how a file does.
type State string

const (
	Watching State = "watching" // rows are relayed as they come
	NoFile   State = "no file"  // it does not exist yet
	NoTable  State = "no table" // it has no seaworthy_outbox yet
	Locked   State = "locked"   // another process keeps us out of it
	Failed   State = "failed"   // Problem says why
)

// FileStatus is how one file does.
type FileStatus struct {
	Name, Path string
	State      State
	Problem    string        // what is wrong and what to do, "" if nothing is
	Since      time.Time     // of the state
	Polling    bool          // changes of the folder are not told to us: looked for every 5 ms
	Relayed    int64         // rows made jobs since the start
	LastRelay  time.Time     // zero before the first
	Backlog    int           // rows that wait, at most 10,000 counted
	Lag        time.Duration // since when rows wait
	Bad        int           // rows that cannot be jobs, at most 1,000 counted
	BadRows    []BadRow      // the newest of them that were found, at most 20
}

// BadRow is a row that cannot be a job. It stays in the app's table.
type BadRow struct {
	ID     string // as far as it can be read
	Reason string
	Found  time.Time
}

const keepBad = 20

// status is the FileStatus of a watch, shared with whoever asks.
type status struct {
	mu      sync.Mutex
	s       FileStatus
	waiting time.Time // since when rows wait; zero: none do
}

func (s *status) read(now time.Time) FileStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.s
	out.BadRows = slices.Clone(s.s.BadRows)
	if !s.waiting.IsZero() {
		out.Lag = max(0, now.Sub(s.waiting))
	}
	return out
}

// set enters a state and reports whether it, or what is wrong, is new.
func (s *status) set(now time.Time, state State, problem string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s.State == state && s.s.Problem == problem {
		return false
	}
	if s.s.State != state {
		s.s.Since = now
	}
	s.s.State, s.s.Problem = state, problem
	return true
}

func (s *status) polling(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Polling = yes
}

// waits notes that n rows were seen and are no jobs yet.
func (s *status) waits(now time.Time, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Backlog = n
	if n == 0 {
		s.waiting = time.Time{}
	} else if s.waiting.IsZero() {
		s.waiting = now
	}
}

func (s *status) relayed(now time.Time, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.Relayed += int64(n)
	s.s.Backlog = max(0, s.s.Backlog-n)
	s.s.LastRelay = now
}

func (s *status) bad(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.s.Bad = n; n == 0 {
		s.s.BadRows = nil
	}
}

func (s *status) found(b BadRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.BadRows = append(s.s.BadRows, b)
	if over := len(s.s.BadRows) - keepBad; over > 0 {
		s.s.BadRows = slices.Delete(s.s.BadRows, 0, over)
	}
}
