package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// throttle slows down who guesses passwords. It knows an account by the address
// that is typed and not by its row, so that it treats those that are not there
// alike; a device on which the account was used before is never kept out by what
// others do (OWASP, Blocking Brute Force Attacks, device cookies).
type throttle struct {
	off    bool
	secret []byte // of the keys, so that the table holds no addresses

	mu       sync.Mutex
	accounts map[throttleKey]*failing
	networks map[throttleKey]*failing
	minute   time.Time // in which surge counts
	surge    int       // refusals since
	alarmed  time.Time // last word of a surge
}

type throttleKey [16]byte

// failing is an account or a network whose sign-ins failed lately.
type failing struct {
	failures int
	last     time.Time
	until    time.Time
	targets  map[throttleKey]time.Time // of a network: accounts that failed, and when
	dirty    bool
}

// An account is locked for a minute after freeFailures, for twice as long after
// each further one, up to longestLock; failures older than forget do not count. A
// network that fails at more than manyAccounts within forget is slowed to a try in
// slowTry. More than surgeRefusals in surgeTime are worth a word to the operators.
const (
	freeFailures  = 10
	firstLock     = time.Minute
	longestLock   = time.Hour
	forget        = time.Hour
	manyAccounts  = 20
	slowTry       = time.Minute
	surgeRefusals = 600
	surgeTime     = 10 * time.Minute
	mostThrottled = 20_000 // entries of each kind; beyond it the oldest go
)

func newThrottle(master interface{ Derive(string) []byte }, off bool) *throttle {
	return &throttle{off: off, secret: master.Derive("auth throttle"), accounts: map[throttleKey]*failing{}, networks: map[throttleKey]*failing{}}
}

func (t *throttle) key(kind, name string) (k throttleKey) {
	mac := hmac.New(sha256.New, t.secret)
	mac.Write([]byte(kind + " " + name))
	copy(k[:], mac.Sum(nil))
	return k
}

// networkOf is what counts as one guesser: a /24, or a /64 for IPv6.
func networkOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 64
	}
	if p, err := a.Prefix(bits); err == nil {
		return p.String()
	}
	return a.String()
}

// wait is how long nobody may try an account from a network; known devices are
// not asked about.
func (t *throttle) wait(now time.Time, account string, from netip.Addr) time.Duration {
	if t.off {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var until time.Time
	if f := t.accounts[t.key("account", account)]; f != nil {
		until = f.until
	}
	if f := t.networks[t.key("network", networkOf(from))]; f != nil && f.until.After(until) {
		until = f.until
	}
	return until.Sub(now)
}

// verdict is what a failure led to.
type verdict struct {
	spraying bool // its network is slowed down from now on
	surge    bool // there are far more refusals than usual
	accounts int  // that failed from the network
}

// failed counts a refused sign-in.
func (t *throttle) failed(now time.Time, account string, from netip.Addr) (v verdict) {
	if t.off {
		return v
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	who := t.key("account", account)
	a := entryOf(t.accounts, who, now)
	a.failures++
	if over := a.failures - freeFailures; over >= 0 {
		a.until = now.Add(min(firstLock<<min(over, 10), longestLock))
	}
	n := entryOf(t.networks, t.key("network", networkOf(from)), now)
	v.spraying = n.sprayed(now, who)
	v.accounts = n.failures
	v.surge = t.surges(now)
	return v
}

// sprayed counts one more account that failed, and reports the moment at which
// they are too many.
func (f *failing) sprayed(now time.Time, account throttleKey) (begun bool) {
	if f.targets == nil {
		f.targets = map[throttleKey]time.Time{}
	}
	for k, at := range f.targets {
		if now.Sub(at) > forget {
			delete(f.targets, k)
		}
	}
	if len(f.targets) <= manyAccounts { // more are not told apart
		f.targets[account] = now
	}
	before := f.failures
	f.failures = len(f.targets)
	if f.failures > manyAccounts {
		f.until = now.Add(slowTry)
		return before <= manyAccounts
	}
	return false
}

// surges counts refusals in the whole installation; it is true once a surgeTime.
func (t *throttle) surges(now time.Time) bool {
	if now.Sub(t.minute) > surgeTime {
		t.minute, t.surge = now, 0
	}
	t.surge++
	if t.surge <= surgeRefusals || now.Sub(t.alarmed) <= surgeTime {
		return false
	}
	t.alarmed = now
	return true
}

// succeeded forgives an account its failures.
func (t *throttle) succeeded(now time.Time, account string, from netip.Addr) {
	if t.off {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	who := t.key("account", account)
	if f := t.accounts[who]; f != nil {
		f.failures, f.until, f.last, f.dirty = 0, time.Time{}, now, true
	}
	if f := t.networks[t.key("network", networkOf(from))]; f != nil {
		delete(f.targets, who)
	}
}

// entryOf finds or makes an entry, and keeps their number bounded.
func entryOf(all map[throttleKey]*failing, k throttleKey, now time.Time) *failing {
	f := all[k]
	if f == nil {
		if len(all) >= mostThrottled {
			thin(all, now)
		}
		f = &failing{}
		all[k] = f
	}
	if now.Sub(f.last) > forget && now.After(f.until) {
		*f = failing{}
	}
	f.last, f.dirty = now, true
	return f
}

// thin drops what does not count any more, and if that is not enough whatever
// locks nobody: a flood of addresses must not take the memory.
func thin(all map[throttleKey]*failing, now time.Time) {
	for k, f := range all {
		if now.Sub(f.last) > forget && now.After(f.until) {
			delete(all, k)
		}
	}
	if len(all) < mostThrottled {
		return
	}
	for k, f := range all {
		if !f.until.After(now) {
			delete(all, k)
		}
	}
	if len(all) >= mostThrottled {
		clear(all)
	}
}

// flushThrottle writes what changed, in one transaction.
func (s *System) flushThrottle(ctx context.Context) error {
	rows := s.throttle.take()
	if len(rows) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			if err := keepThrottle(tx, r); err != nil {
				return err
			}
		}
		return deleteThrottle(tx, tx.Now().Add(-2*forget).UnixMilli())
	})
}

// take copies what changed since the last time and would matter after a restart.
func (t *throttle) take() (rows []throttleRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, all := range map[string]map[throttleKey]*failing{"account": t.accounts, "network": t.networks} {
		for k, f := range all {
			if f.dirty {
				f.dirty = false
				rows = append(rows, throttleRow{kind: kind, key: k[:], failures: f.failures, until: millis(f.until), updated: f.last.UnixMilli()})
			}
		}
	}
	return rows
}

// loadThrottle reads at start what the last process had written.
func (s *System) loadThrottle(ctx context.Context) error {
	rows, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]throttleRow, error) {
		return throttled(tx, tx.Now().Add(-forget).UnixMilli(), mostThrottled)
	})
	if err != nil {
		return err
	}
	t := s.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range rows {
		all := t.accounts
		if r.kind == "network" {
			all = t.networks
		}
		all[throttleKey(r.key)] = &failing{failures: r.failures, last: time.UnixMilli(r.updated).UTC(), until: timeOrZero(r.until)}
	}
	return nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// perPair bounds guesses at one account from one address, perDevice those on a
// device where it was used before.
var (
	perPair   = web.Limit{Every: 2 * time.Minute, Burst: 20}
	perDevice = web.Limit{Every: time.Minute, Burst: 10}
)

// mayGuess is the 429 for whoever has to wait before the next password for an
// account. A known device has an allowance of its own, and nobody else's failures
// touch it.
func (s *System) mayGuess(ctx context.Context, account address, device token, known bool) error {
	from := web.OriginOf(ctx).Addr
	if known {
		if wait, ok := s.Limiter.Allow("sign-in device "+string(device), perDevice); !ok {
			return web.TooMany(wait)
		}
		return nil
	}
	if wait := s.throttle.wait(s.DB.Now(), account.norm, from); wait > 0 {
		return web.TooMany(wait)
	}
	if wait, ok := s.Limiter.Allow("sign-in "+account.norm+" "+web.AddrKey(from), perPair); !ok {
		return web.TooMany(wait)
	}
	if wait, ok := s.Limiter.Allow("sign-in "+account.norm, perAccount); !ok {
		return web.TooMany(wait)
	}
	return nil
}
