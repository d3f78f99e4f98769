//go:build linux

package outbox

import (
	"encoding/binary"
	"testing"
)

func event(name string, size int) []byte {
	b := make([]byte, 16+size)
	binary.NativeEndian.PutUint32(b[12:], uint32(size))
	copy(b[16:], name)
	return b
}

func TestConcerns(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"app.db": true, "app.db-wal": true, "app.db-journal": true, "": true, "app.db-shm": false, "other.db": false, "app.db.bak": false} {
		if got := concerns(append(event("other", 16), event(name, 32)...), "app.db"); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if !concerns(event("other", 16)[:20], "app.db") || !concerns(event("other", 16)[:7], "app.db") {
		t.Error("what is cut off is passed over")
	}
	if concerns(nil, "app.db") {
		t.Error("nothing is something")
	}
}

func FuzzConcerns(f *testing.F) {
	f.Add(event("app.db-wal", 32))
	f.Fuzz(func(_ *testing.T, b []byte) { concerns(b, "app.db") })
}
