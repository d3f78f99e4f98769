package flags

import (
	"errors"
	"fmt"
	"testing"

	"seaworthy/app/web"
)

// Fault 14: the memory of streams is bounded, whoever opens them.
func TestFault14ListenersAreCounted(t *testing.T) {
	t.Parallel()
	var l listeners
	key := holder{"key", "This key", maxListenersOfKey}
	var leave []func()
	enter := func(of ...holder) *web.Error {
		t.Helper()
		out, err := l.enter(of...)
		var e *web.Error
		if err == nil {
			leave = append(leave, out)
		} else if !errors.As(err, &e) {
			t.Fatal(err)
		}
		return e
	}
	for i := range maxListenersOfKey {
		if e := enter(key, holder{fmt.Sprint(i % 100), "Your address", maxListenersOfAddress}); e != nil {
			t.Fatal(i, e)
		}
	}
	if e := enter(key); e == nil || e.Status != 429 || e.RetryAfter == 0 {
		t.Errorf("one more of the key: %v", e)
	}
	for i := range maxListeners - maxListenersOfKey {
		if e := enter(holder{fmt.Sprint("other ", i), "This key", 1}); e != nil {
			t.Fatal(i, e)
		}
	}
	if e := enter(holder{"another", "This key", 1}); e == nil || e.Status != 503 {
		t.Errorf("one more than all: %v", e)
	}
	for _, out := range leave {
		out()
	}
	if l.all != 0 || len(l.by) != 0 {
		t.Errorf("nobody is there, and %d are counted, %d kept", l.all, len(l.by))
	}
}
