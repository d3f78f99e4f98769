//go:build faults

package faults

import (
	"errors"
	"syscall"
	"testing"
)

// TestStop stops the process while people sign up: what runs is finished and
// answered, what comes later is refused, and the replica has it all.
func TestStop(t *testing.T) {
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	people := rush(c, l)
	l.reaches(t, 3**clients)
	c.stop()
	people.wait()
	for _, r := range l.refusals() {
		t.Errorf("a sign-up that was begun before the stop was answered with %s", r.answer)
	}
	for _, err := range l.failures() {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a request got no answer, but its connection had been taken: %v", err)
		}
	}
	if n := len(l.failures()); n != *clients {
		t.Errorf("%d requests got no answer, want one for each of %d clients", n, *clients)
	}
	sound(t, snapshot(t, data), l)
	inStep(t, data)
	finish(t, data, l)
}
