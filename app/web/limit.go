package web

import (
	"net/netip"
	"sync"
	"time"
)

// Limiter counts in memory by the generic cell rate algorithm: for each key it
// keeps one time, the moment from which the key has its full burst again. A
// restart forgets; what must survive one is counted in the database.
type Limiter struct {
	clock  func() time.Time
	off    bool
	shards [16]limitShard
}

type limitShard struct {
	mu    sync.Mutex
	full  map[string]time.Time
	swept time.Time
}

// maxKeys bounds a shard's memory. When it is reached, keys that have their
// whole burst are dropped, and if half are left all are: a flood of addresses
// must not take the process down, neither by memory nor by a sweep for each.
const maxKeys = 20_000

// NewLimiter makes a limiter; off makes one that allows everything.
func NewLimiter(clock func() time.Time, off bool) *Limiter {
	return &Limiter{clock: clock, off: off}
}

// Off reports whether everything is allowed.
func (l *Limiter) Off() bool { return l.off }

// Allow takes one from the key's allowance, or returns how long to wait.
func (l *Limiter) Allow(key string, limit Limit) (wait time.Duration, ok bool) {
	if l.off || limit.Burst == 0 {
		return 0, true
	}
	now := l.clock()
	s := &l.shards[hash(key)%uint32(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	full := s.full[key]
	if full.Before(now) {
		full = now
	}
	if over := full.Add(limit.Every).Sub(now) - time.Duration(limit.Burst)*limit.Every; over > 0 {
		return over, false
	}
	s.full[key] = full.Add(limit.Every)
	return 0, true
}

func (s *limitShard) sweep(now time.Time) {
	flooded := len(s.full) >= maxKeys
	if s.full != nil && !flooded && now.Sub(s.swept) < time.Minute {
		return
	}
	for key, full := range s.full {
		if full.Before(now) {
			delete(s.full, key)
		}
	}
	if s.full == nil || flooded && len(s.full) > maxKeys/2 {
		s.full = map[string]time.Time{}
	}
	s.swept = now
}

// hash is FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// AddrKey is what a limit by address counts: the address, or for IPv6 the /64
// that a provider gives one customer.
func AddrKey(a netip.Addr) string {
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
