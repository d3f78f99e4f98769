package store

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestSecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	_, err := Open(db.Path(), Options{})
	var inUse *InUseError
	if !errors.As(err, &inUse) || !strings.Contains(err.Error(), "only one seaworthy") || inUse.PID == "" {
		t.Fatalf("got %v", err)
	}
	must(t, db.Close())
	again, err := Open(db.Path(), Options{})
	must(t, err)
	must(t, again.Close())
}

// A child that is being started has all descriptors until it is another program.
func TestCloseGivesTheLockUpBesideAStartingChild(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	child, err := syscall.Dup(int(db.lock.f.Fd()))
	must(t, err)
	defer syscall.Close(child)
	must(t, db.Close())
	again, err := Open(db.Path(), Options{})
	must(t, err)
	must(t, again.Close())
}
