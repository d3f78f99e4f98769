package observe

import (
	"fmt"
	"testing"
)

// While the business database takes nothing, each look gives back what it could not store, and errors go
// on beginning. What waits is bounded all the same, and none is forgotten.
func TestSignalsWaitBoundedWhileNoLookSucceeds(t *testing.T) {
	t.Parallel()
	var s signals
	n := 0
	storm := func() {
		var all []signal
		for range mostWaiting + 7 {
			all = append(all, signal{issue: Issue{ID: fmt.Sprint(n)}})
			n++
		}
		s.add(all)
	}
	storm()
	for range 3 {
		all, more := s.take()
		storm() // meanwhile
		s.back(all, more)
		s.add(nil) // as each flush does
	}
	all, more := s.take()
	if len(all) != mostWaiting || len(all)+more != n || all[0].issue.ID != "0" {
		t.Errorf("%d wait and %d are counted, of %d", len(all), more, n)
	}
}
