package web

import (
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// fakeClock stands until it is moved.
type fakeClock struct{ now time.Time }

func newClock() *fakeClock                   { return &fakeClock{time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)} }
func (c *fakeClock) Now() time.Time          { return c.now }
func (c *fakeClock) Advance(d time.Duration) { c.now = c.now.Add(d) }

func allow(t *testing.T, l *Limiter, key string, limit Limit, want time.Duration) {
	t.Helper()
	if wait, ok := l.Allow(key, limit); ok != (want == 0) || wait != want {
		t.Errorf("%s: %v, wait %v; want to wait %v", key, ok, wait, want)
	}
}

func TestLimiterBurstAndRefill(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLimiter(clock.Now, false)
	limit := Limit{Every: 10 * time.Second, Burst: 3}
	for range 3 {
		allow(t, l, "a", limit, 0)
	}
	allow(t, l, "a", limit, 10*time.Second)
	allow(t, l, "a", limit, 10*time.Second) // what is refused does not count
	clock.Advance(9999 * time.Millisecond)
	allow(t, l, "a", limit, time.Millisecond)
	clock.Advance(time.Millisecond)
	allow(t, l, "a", limit, 0)
	allow(t, l, "a", limit, 10*time.Second)
	clock.Advance(20 * time.Second)
	allow(t, l, "a", limit, 0)
	allow(t, l, "a", limit, 0)
	allow(t, l, "a", limit, 10*time.Second)
	clock.Advance(time.Hour) // fills to the burst and no further
	for range 3 {
		allow(t, l, "a", limit, 0)
	}
	allow(t, l, "a", limit, 10*time.Second)
	clock.Advance(-time.Minute) // a clock that is set back opens nothing
	allow(t, l, "a", limit, 70*time.Second)
}

func TestLimiterKeysAreIndependent(t *testing.T) {
	t.Parallel()
	l := NewLimiter(newClock().Now, false)
	once := Limit{Every: time.Minute, Burst: 1}
	for i := range 1000 {
		allow(t, l, strconv.Itoa(i), once, 0)
	}
	for i := range 1000 {
		allow(t, l, strconv.Itoa(i), once, time.Minute)
	}
}

func TestLimiterOff(t *testing.T) {
	t.Parallel()
	off, on := NewLimiter(newClock().Now, true), NewLimiter(newClock().Now, false)
	for range 100 {
		allow(t, off, "a", Limit{Every: time.Hour, Burst: 1}, 0)
		allow(t, on, "a", Limit{}, 0) // a route without a limit
	}
}

func TestLimiterForgets(t *testing.T) {
	t.Parallel()
	clock := newClock()
	l := NewLimiter(clock.Now, false)
	once := Limit{Every: time.Minute, Burst: 1}
	allow(t, l, "kept", Limit{Every: time.Hour, Burst: 1}, 0)
	for i := range 50_000 {
		l.Allow(strconv.Itoa(i), once)
	}
	if n := keys(l); n != 50_001 {
		t.Errorf("%d keys, want 50001", n)
	}
	clock.Advance(2 * time.Minute)
	for i := range 1000 { // touches every shard
		l.Allow("new "+strconv.Itoa(i), once)
	}
	if n := keys(l); n != 1001 {
		t.Errorf("%d keys after the sweep, want 1001", n)
	}
	allow(t, l, "kept", Limit{Every: time.Hour, Burst: 1}, 58*time.Minute)
}

// TestLimiterIsBounded: a flood within one sweep's time may not fill the memory.
func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := NewLimiter(newClock().Now, false)
	most := 0
	for i := range 16*maxKeys + 100_000 {
		l.Allow(strconv.Itoa(i), Limit{Every: time.Hour, Burst: 1})
		if i%10_000 == 0 {
			most = max(most, keys(l))
		}
	}
	if most = max(most, keys(l)); most > 16*maxKeys || most < maxKeys {
		t.Errorf("%d keys at most, the bound is %d", most, 16*maxKeys)
	}
	for i := range l.shards {
		if n := len(l.shards[i].full); n > maxKeys || n == 0 {
			t.Errorf("shard %d has %d keys", i, n)
		}
	}
}

// TestLimiterSweepsSeldomInAFlood: a sweep that frees little would be followed by another at
// the next key, each over the whole shard and under its lock.
func TestLimiterSweepsSeldomInAFlood(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	s := &limitShard{full: map[string]time.Time{}, swept: now}
	for i := range maxKeys {
		at := now.Add(time.Hour)
		if i%100 == 0 {
			at = now.Add(-time.Hour)
		}
		s.full[strconv.Itoa(i)] = at
	}
	s.sweep(now)
	if n := len(s.full); n > maxKeys/2 {
		t.Errorf("%d keys are left: the next %d keys cause another sweep", n, maxKeys-n)
	}
}

func keys(l *Limiter) (n int) {
	for i := range l.shards {
		n += len(l.shards[i].full)
	}
	return n
}

func TestAddrKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ addr, want string }{
		{"203.0.113.7", "203.0.113.7"},
		{"::ffff:203.0.113.7", "203.0.113.7"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:db8:1:2::", "2001:db8:1:2::/64"},
		{"2001:db8:1:3::1", "2001:db8:1:3::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"::1", "::/64"},
	} {
		if got := AddrKey(netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("%s: %s, want %s", c.addr, got, c.want)
		}
	}
}

func TestPerMinute(t *testing.T) {
	t.Parallel()
	if l := PerMinute(30); l.Every != 2*time.Second || l.Burst != 30 || l.By != ByAddress {
		t.Errorf("%+v", l)
	}
}
