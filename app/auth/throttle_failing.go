package auth

import "time"

// failing is an account or a network whose sign-ins failed lately.
type failing struct {
	failures int
	last     time.Time
	until    time.Time
	targets  map[throttleKey]time.Time // of a network: accounts that failed, and when
	dirty    bool
}

// over reports whether what failed lies too far back to count.
func (f *failing) over(now time.Time) bool { return now.Sub(f.last) > forget && now.After(f.until) }

// shut lets nobody try until a time.
func (f *failing) shut(until time.Time) { f.until, f.dirty = until, true }

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
	if f.over(now) {
		*f = failing{}
	}
	f.last, f.dirty = now, true
	return f
}

// thin drops what does not count any more, and if that is not enough whatever
// locks nobody: a flood of addresses must not take the memory.
func thin(all map[throttleKey]*failing, now time.Time) {
	for k, f := range all {
		if f.over(now) {
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
