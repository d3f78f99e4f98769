package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
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

// An account is locked for a minute after freeFailures, for twice as long after
// each further one, up to longestLock; when it has not failed for as long as forget,
// it begins anew. A network that fails at more than manyAccounts within forget is
// slowed to a try in slowTry. More than surgeRefusals in surgeTime are worth a word
// to the operators.
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

// admit lets one try at an account from a network pass, or says how long it has to
// wait; known devices are not asked about. What has failed too often shuts behind
// whoever passes, because his failure is known only when his hash is: of many who come
// at once when a lock ends, one is answered.
func (t *throttle) admit(now time.Time, account string, from netip.Addr) (wait time.Duration) {
	if t.off {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a, n := t.accounts[t.key("account", account)], t.networks[t.key("network", networkOf(from))]
	for _, f := range []*failing{a, n} {
		if f != nil {
			wait = max(wait, f.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	if a != nil && a.failures >= freeFailures && !a.over(now) {
		a.shut(now.Add(firstLock))
	}
	if n != nil && n.failures > manyAccounts && !n.over(now) {
		n.shut(now.Add(slowTry))
	}
	return 0
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
