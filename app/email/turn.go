package email

import (
	"cmp"
	"errors"
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
	others   bool   // another provider may have the message, that surely has not got it yet

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
			return true, errors.Join(markUnknown(tx, m.id, a.provider, "the server stopped during two attempts"), s.Audit.Record(tx, s.event(actUnknown, m)))
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
	failures, doubts := map[string]int{}, map[string]int{}
	for _, a := range past {
		switch {
		case a.class == string(post.Temporary):
			failures[a.provider]++
		case a.class == string(post.Unknown) && m.onUnknown == onUnknownFailover:
			doubts[a.provider]++
		}
	}
	// Whoever failed it often comes after those who did not, and last who may have it.
	slices.SortStableFunc(all, func(a, b post.Provider) int {
		return cmp.Or(cmp.Compare(doubts[a.Name()], doubts[b.Name()]), cmp.Compare(failures[a.Name()]/failoverAfter, failures[b.Name()]/failoverAfter))
	})
	soonest := time.Duration(0)
	for _, p := range all {
		h, err := healthOf(tx, p.Name())
		if err != nil {
			return turn{}, err
		}
		ok, probe, wait := h.admit(tx.Now())
		switch {
		case ok && tried[p.Name()]:
			continue
		case ok:
			if wait, err := s.claim(tx, m, h, probe); wait > 0 || err != nil {
				return turn{wait: wait}, err
			}
			others := slices.ContainsFunc(all, func(o post.Provider) bool { return o.Name() != p.Name() && !tried[o.Name()] && doubts[o.Name()] == 0 })
			return turn{provider: p, earlier: failures[p.Name()], others: others}, nil
		case !tried[p.Name()] && h.state == statePaused && wait <= shortPause:
			return turn{wait: wait}, nil // the order is kept, and soon
		case soonest == 0 || wait < soonest:
			soonest = wait
		}
	}
	return turn{wait: cmp.Or(soonest, time.Second)}, nil
}

// claim takes a message's place at a provider that may have it, or returns how long it
// waits for that. Only then is it the one that probes: it would keep itself back else.
func (s *System) claim(tx *store.Tx, m messageRow, h health, probe bool) (time.Duration, error) {
	if wait, err := s.slot(tx, m, h); wait > 0 || err != nil || !probe {
		return wait, err
	}
	h.probeUntil = tx.Now().Add(probeTime).UnixMilli()
	return 0, putHealth(tx, h)
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
