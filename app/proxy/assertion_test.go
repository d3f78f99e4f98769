package proxy

import (
	"encoding/binary"
	"testing"
	"time"
)

// However many visitors come, so many assertions are remembered and no more, and the newest is
// among them for as long as it counts.
func TestAssertionsAreRememberedWithinBounds(t *testing.T) {
	t.Parallel()
	var c signed
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for i := range 3 * maxSigned {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], uint64(i))
		c.put(key, "token", now)
		if n := len(c.young) + len(c.old); n > maxSigned {
			t.Fatalf("%d are remembered", n)
		}
		if c.get(key, now.Add(reuse)) == "" || c.get(key, now.Add(reuse+time.Millisecond)) != "" || c.get(key, now.Add(-time.Second)) != "" {
			t.Fatalf("number %d", i)
		}
	}
	if c.get([32]byte{}, now) != "" {
		t.Error("the oldest is still there")
	}
}
