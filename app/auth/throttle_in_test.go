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
	if got := h.wait(now, "ada@example.com", someAddr(2)); got != firstLock {
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
