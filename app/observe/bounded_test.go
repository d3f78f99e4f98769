package observe

import (
	"fmt"
	"testing"
)

// What could not be written stays before what came meanwhile: a check-in that began must not be read
// after the one that ended it.
func TestWhatIsPutBackStaysInOrder(t *testing.T) {
	t.Parallel()
	var b bounded[string]
	d := newDrops()
	b.init("check_in", 3, d)
	b.add("begins", "ends")
	taken := b.take()
	b.add("begins again")
	b.add("ends again")
	b.back(taken)
	b.add("one more")
	if got := fmt.Sprint(b.take()); got != "[begins ends begins again]" || d.take()[Drop{"check_in", "ring_full"}] != 2 {
		t.Errorf("%s wait", got)
	}
}
