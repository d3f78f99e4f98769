package observe

import (
	"fmt"
	"strings"
	"testing"
)

// While the files are locked, the bodies of what is reported wait bounded in bytes, however many errors there
// are; each is counted all the same.
func TestBodiesWaitBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := New(Options{Folder: t.TempDir()})
	defer s.Close()
	p := &s.errors
	send := func(round int) {
		for i := range 3000 {
			e := Event{Kind: KindError, Message: "m", App: &Received{Project: 1}, group: fmt.Sprint(round, i)}
			p.add(e, func(e *Event) { e.App.Extra = strings.Repeat("x", 8<<10) }, func() int64 { return s.seq.Add(1) })
		}
	}
	held := func() (n int, bytes int) {
		for _, g := range p.groups {
			for _, b := range g.bodies {
				bytes += len(b.App.Extra)
			}
			n += int(g.n)
		}
		return n, bytes
	}
	send(0)
	taken := p.take()
	send(0)
	p.back(taken) // what the lock held back
	if n, bytes := held(); n != 6000 || bytes > 2*maxBodies {
		t.Errorf("%d errors are counted, and %d bytes of bodies wait", n, bytes)
	}
	send(1)
	if n, bytes := held(); n != 6000+1096+1904 || bytes > 2*maxBodies {
		t.Errorf("later %d errors are counted, and %d bytes of bodies wait", n, bytes)
	}
	if s.Dropped()[Drop{"error_body", "ring_full"}] == 0 {
		t.Error("what was not kept is not counted")
	}
}
