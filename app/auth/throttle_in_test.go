package auth

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"seaworthy/app/seal"
)

func someAddr(i int) netip.Addr {
	var b [16]byte
	b[0], b[1] = 0x20, 0x01
	binary.BigEndian.PutUint32(b[4:], uint32(i)) // each its own /64
	return netip.AddrFrom16(b)
}

// A flood of accounts and networks does not take the memory, and what is locked stays so.
func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	h := newThrottle(seal.New(make([]byte, 32)), false)
	now := time.Unix(1_800_000_000, 0)
	for range freeFailures {
		h.failed(now, "ada@example.com", someAddr(1))
	}
	for i := range 2*mostThrottled + 10 {
		h.failed(now, string(binary.BigEndian.AppendUint32(nil, uint32(i))), someAddr(i))
	}
	if len(h.accounts) > mostThrottled || len(h.networks) > mostThrottled {
		t.Errorf("%d accounts, %d networks are kept", len(h.accounts), len(h.networks))
	}
	if got := h.admit(now, "ada@example.com", someAddr(2)); got != firstLock {
		t.Errorf("the locked account waits %s", got)
	}
}

// A surge of refusals in the whole installation is told once in a while.
func TestSurgeIsTold(t *testing.T) {
	t.Parallel()
	h := newThrottle(seal.New(make([]byte, 32)), false)
	now := time.Unix(1_800_000_000, 0)
	told := 0
	count := func(n int, gap time.Duration) {
		for i := range n {
			if h.failed(now, "a@example.com", someAddr(i)).surge {
				told++
			}
			now = now.Add(gap)
		}
	}
	count(surgeRefusals, 0)
	if told != 0 {
		t.Error("told too early")
	}
	count(500, 0)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	count(2000, 2*time.Second) // 300 in ten minutes
	if told != 1 {
		t.Errorf("an ordinary day is told: %d", told)
	}
}

// Of many who try at once when a lock ends, one is answered, and so it is of a network
// that is slowed: a flood gets no more guesses than somebody who waits his turn.
func TestOneOfManyPassesWhenALockEnds(t *testing.T) {
	t.Parallel()
	h := newThrottle(seal.New(make([]byte, 32)), false)
	now := time.Unix(1_800_000_000, 0)
	passed := func(try func(i int) time.Duration) (n int) {
		for i := range 50 {
			if try(i) == 0 {
				n++
			}
		}
		return n
	}
	account := func(i int) time.Duration { return h.admit(now, "ada@example.com", someAddr(1000+i)) }
	for i := range freeFailures {
		h.failed(now, "ada@example.com", someAddr(i))
	}
	now = now.Add(firstLock)
	if n := passed(account); n != 1 {
		t.Errorf("%d tries at a locked account pass", n)
	}
	h.succeeded(now, "ada@example.com", someAddr(1000)) // it was its owner
	if n := passed(account); n != 50 {
		t.Errorf("%d of 50 pass after a sign-in", n)
	}

	name := func(i int) string { return string(rune('a'+i)) + "@example.com" }
	network := func(i int) time.Duration { return h.admit(now, name(i), someAddr(7)) }
	for i := range manyAccounts + 1 {
		h.failed(now, name(i), someAddr(7))
	}
	for range 3 {
		now = now.Add(slowTry)
		if n := passed(network); n != 1 {
			t.Errorf("%d tries from a slowed network pass", n)
		}
	}
	now = now.Add(2 * forget)
	if n := passed(network); n != 50 {
		t.Errorf("%d of 50 pass long after", n)
	}
}
