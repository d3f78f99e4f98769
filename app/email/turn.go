package email

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// failoverAfter is how often a message is tried at one provider before the next.
const failoverAfter = 2

// What becomes of a message of which nobody knows whether it was taken.
const (
	onUnknownHold     = "hold"     // a person decides
	onUnknownRetry    = "retry"    // it is sent once more if no word comes
	onUnknownFailover = "failover" // the next provider gets it at once
)

// turn is what a delivery may do now. One of provider, gone, ends and wait is set.
type turn struct {
	provider post.Provider
	attempt  string // email_attempt.id, written before the call
	earlier  int    // temporary failures of the message there

	gone   bool      // nothing is left to do
	ends   EventKind // the message ends like this
	reason string
	wait   time.Duration
}

// nextTurn decides, in one transaction, whether a message goes out now and by whom, and
// marks the attempt, so that a process that dies in the call leaves a trace.
func (s *System) nextTurn(tx *store.Tx, m messageRow, out Outgoing, tried map[string]bool) (turn, error) {
	now, err := queuedMessage(tx, m.id)
	if err != nil || now.status != "queued" {
		return turn{gone: true}, ignoreGone(err)
	}
	m = now
	p, err := s.suppressed(tx, m.norm, m.class, m.category)
	if err == nil {
		return turn{ends: Suppressed, reason: "the address is suppressed: " + p.Reason}, nil
	}
	if !isGone(err) {
		return turn{}, err
	}
	past, err := attemptsOf(tx, m.id)
	if err != nil {
		return turn{}, err
	}
	if held, err := s.findLost(tx, m, past); held || err != nil {
		return turn{gone: true}, err
	}
	t, err := s.pick(tx, m, out, past, tried)
	if err != nil || t.provider == nil {
		return t, err
	}
	if len(past) == 0 {
		if _, _, err := addEvent(tx, Event{Message: m.id, Kind: Rendered, Details: map[string]any{"bytes": len(out.Raw)}}); err != nil {
			return t, err
		}
	}
	t.attempt = tx.NewID("mat")
	return t, insertAttempt(tx, t.attempt, m.id, t.provider.Name())
}

func ignoreGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

// findLost closes an attempt of a process that died in it. The message may have been
// taken: it is sent again once, which its timeline says, and then held.
func (s *System) findLost(tx *store.Tx, m messageRow, past []attempt) (held bool, err error) {
	before := slices.ContainsFunc(past, func(a attempt) bool { return a.class == classLost })
	for _, a := range past {
		if a.ended != 0 {
			continue
		}
		if err := endAttempt(tx, a.id, classLost); err != nil {
			return false, err
		}
		if _, _, err := addEvent(tx, Event{Message: m.id, Kind: Unknown, Provider: a.provider, Details: map[string]any{
			"lost": true, "reason": "the server stopped during the attempt: the message may have been taken, and may arrive twice"}}); err != nil {
			return false, err
		}
		if before {
			return true, markUnknown(tx, m.id, a.provider, "the server stopped during two attempts")
		}
	}
	return false, nil
}

// pick finds the first provider that may have the message now.
func (s *System) pick(tx *store.Tx, m messageRow, out Outgoing, past []attempt, tried map[string]bool) (turn, error) {
	all, reason := s.able(m, out)
	if len(all) == 0 {
		return turn{ends: Failed, reason: reason}, nil
	}
	failures := map[string]int{}
	for _, a := range past {
		if a.class == string(post.Temporary) {
			failures[a.provider]++
		}
	}
	// Whoever failed it often comes after those who did not.
	slices.SortStableFunc(all, func(a, b post.Provider) int {
		return cmp.Compare(failures[a.Name()]/failoverAfter, failures[b.Name()]/failoverAfter)
	})
	soonest := time.Duration(0)
	later := func(wait time.Duration) {
		if soonest == 0 || wait < soonest {
			soonest = wait
		}
	}
	for _, p := range all {
		if tried[p.Name()] {
			continue
		}
		h, err := healthOf(tx, p.Name())
		if err != nil {
			return turn{}, err
		}
		ok, probe, wait := h.admit(tx.Now())
		switch {
		case !ok && h.state == statePaused && wait <= shortPause:
			return turn{wait: wait}, nil // the order is kept, and soon
		case !ok:
			later(wait)
			continue
		case probe:
			h.probeUntil = tx.Now().Add(probeTime).UnixMilli()
			if err := putHealth(tx, h); err != nil {
				return turn{}, err
			}
		}
		if wait, err := s.slot(tx, m, h); wait > 0 || err != nil {
			return turn{wait: wait}, err
		}
		return turn{provider: p, earlier: failures[p.Name()]}, nil
	}
	if soonest == 0 { // all were tried just now
		soonest = time.Second
	}
	return turn{wait: soonest}, nil
}

// able are the providers of a message's stream that can carry it, in order, or why
// there is none.
func (s *System) able(m messageRow, out Outgoing) (all []post.Provider, reason string) {
	names := s.Streams[m.stream]
	if m.via != "" {
		names = []string{m.via}
	}
	reason = "no mail provider is configured"
	local, _, _ := strings.Cut(m.norm, "@")
	beyond := strings.ContainsFunc(local, func(r rune) bool { return r > 127 })
	for _, name := range names {
		p := s.Providers[name]
		switch {
		case p == nil:
		case int64(len(out.Raw)) > p.Limit():
			reason = "the message is larger than " + name + " takes"
		case beyond && !takesUTF8(p):
			reason = "no provider of the stream takes an address with letters beyond ASCII before the @ (SMTPUTF8)"
		default:
			all = append(all, p)
		}
	}
	return all, reason
}

// takesUTF8 says whether a provider may take such addresses.
func takesUTF8(p post.Provider) bool {
	u, ok := p.(interface{ UTF8() bool })
	return ok && u.UTF8()
}
