package email

import (
	"math/rand/v2"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// The states of a provider. They are rows, so that a restart goes on where it was.
const (
	stateWorking = "working"
	statePaused  = "paused"  // it asked us to wait
	stateOpen    = "open"    // it failed several times in a row
	stateQuota   = "quota"   // its allowance is used up
	stateStopped = "stopped" // our key is refused: a person has to mend it
)

// Bounds of what failures lead to.
const (
	tripAfter   = 5 // failures in a row
	firstRest   = 30 * time.Second
	longestRest = 10 * time.Minute
	probeTime   = 2 * time.Minute  // for which the one that tries keeps others back
	stoppedLook = 5 * time.Minute  // how often a message looks whether a stopped provider is back
	shortPause  = 30 * time.Second // a pause that is waited for instead of failing over
	mostSlow    = 4                // a rate is halved at most so often
)

// health is how a provider does.
type health struct {
	name, state             string
	until, probeUntil       int64
	failures, trips, slow   int
	slowUntil               int64
	lastError               string
	lastErrorAt, lastChange int64
}

// admit says whether a message may go to the provider now, or how long to wait.
// probe: it is the one that tries whether the provider is back.
func (h *health) admit(now time.Time) (ok, probe bool, wait time.Duration) {
	left := time.UnixMilli(h.until).Sub(now)
	switch {
	case h.state == stateWorking, h.state == statePaused && left <= 0:
		return true, false, 0
	case h.state == stateStopped:
		return false, false, stoppedLook
	case left > 0:
		return false, false, left
	}
	if busy := time.UnixMilli(h.probeUntil).Sub(now); busy > 0 {
		return false, false, min(busy, 5*time.Second)
	}
	return true, true, 0
}

// set changes the state.
func (h *health) set(state string, until time.Time, now time.Time) {
	h.state, h.until, h.probeUntil, h.lastChange = state, until.UnixMilli(), 0, now.UnixMilli()
}

// accepted notes that the provider took a message; back: it had not been working.
func (h *health) accepted(now time.Time) (back bool) {
	back = h.state != stateWorking && h.state != statePaused
	if back || h.state == statePaused && h.until <= now.UnixMilli() {
		h.set(stateWorking, now, now)
	}
	h.failures, h.trips = 0, 0
	if h.slow > 0 && h.slowUntil <= now.UnixMilli() {
		h.slow--
		h.slowUntil = now.Add(time.Minute).UnixMilli()
	}
	return back
}

// failed notes that a call was not accepted, and returns what has to be told to people:
// the action, or "" for nothing.
func (h *health) failed(e *post.Error, now time.Time) audit.Action {
	h.lastError, h.lastErrorAt = e.Error(), now.UnixMilli()
	was := h.state
	switch e.Class {
	case post.Refused, post.Suppressed:
		// Whoever refuses a message by an answer works. One that we did not let out
		// ourselves says nothing, and leaves it to the next one to find out.
		h.probeUntil = 0
		if e.Status == 0 {
			return ""
		}
		h.failures = 0
		if was == stateOpen {
			h.accepted(now)
			return actRecovered
		}
	case post.Limited:
		wait := e.RetryAfter
		if wait <= 0 { // it does not say: slower from now on, and longer each time
			h.slow, h.slowUntil = min(h.slow+1, mostSlow), now.Add(time.Minute).UnixMilli()
			wait = time.Second << min(h.trips, 6)
			wait += rand.N(wait / 2)
			h.trips++
		}
		if until := now.Add(wait); was == stateWorking || was == statePaused && until.UnixMilli() > h.until || was == stateOpen {
			h.set(statePaused, until, now)
		}
	case post.Quota:
		until := endOfDay(now)
		if e.RetryAfter > 0 {
			until = now.Add(e.RetryAfter)
		}
		h.set(stateQuota, until, now)
		if was != stateQuota {
			return actQuota
		}
	case post.Unauthorised:
		h.set(stateStopped, now, now)
		if was != stateStopped {
			return actStopped
		}
	case post.Temporary, post.Unknown:
		h.failures++
		if h.failures < tripAfter && was != stateOpen {
			return ""
		}
		rest := min(firstRest<<min(h.trips, 10), longestRest)
		h.trips++
		h.set(stateOpen, now.Add(rest+rand.N(rest/10)), now)
		if was != stateOpen {
			return actFailing
		}
	}
	return ""
}

// endOfDay is when a day's allowance begins anew, in UTC.
func endOfDay(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// note stores how a call went, and tells people what they have to know.
func (s *System) note(tx *store.Tx, provider string, failed *post.Error) error {
	h, err := healthOf(tx, provider)
	if err != nil {
		return err
	}
	before := h
	var told audit.Action
	if failed != nil {
		told = h.failed(failed, tx.Now())
	} else if h.accepted(tx.Now()) {
		told = actRecovered
	}
	if h != before {
		if err := putHealth(tx, h); err != nil {
			return err
		}
	}
	if err := countCall(tx, provider, failed); err != nil || told == "" {
		return err
	}
	details := map[string]any{}
	if failed != nil && told != actRecovered {
		details["class"], details["status"] = string(failed.Class), failed.Status
		tx.AfterCommit(func() {
			s.Log.Error("a mail provider needs a look", "provider", provider, "state", h.state, "err", failed.Error())
		})
	}
	return s.Audit.Record(tx, audit.Event{Action: told, Targets: []audit.Ref{{Type: "mail_provider", ID: provider}}, Details: details})
}
