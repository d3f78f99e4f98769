package upgrade

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A binary that the server refuses stays in place, and the next upgrade keeps the one that
// runs as the old one.
func TestServerRefusesTheNewBinary(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.serves()
	err := b.upgrade(b.file("version=1.2.0 serve=refused")).Run(t.Context())
	if refused := (*RefusedError)(nil); !errors.As(err, &refused) || !strings.Contains(err.Error(), "it does not like it here") {
		t.Fatalf("got %v", err)
	}
	if b.version(b.binary) != "1.2.0" || b.version(b.binary+".old") != "1.1.0" {
		t.Errorf("in place %s, old %s", b.version(b.binary), b.version(b.binary+".old"))
	}
	b.must(b.upgrade(b.file("version=1.3.0")).Run(t.Context()))
	if b.version(b.binary) != "1.3.0" || b.version(b.binary+".old") != "1.1.0" {
		t.Errorf("in place %s, old %s", b.version(b.binary), b.version(b.binary+".old"))
	}
}

func TestServerEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	pid, _ := b.serves()
	go func() { // nobody else reaps it
		var st syscall.WaitStatus
		syscall.Wait4(pid, &st, 0, nil)
	}()
	err := b.upgrade(b.file("version=1.2.0 serve=crashes")).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "ended before it served with the new binary") {
		t.Errorf("got %v", err)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	if err := b.upgrade("").Rollback(t.Context()); err == nil || !strings.Contains(err.Error(), "to go back to") {
		t.Errorf("without an old one: %v", err)
	}
	b.must(os.Link(b.binary, b.binary+".old"))
	if err := b.upgrade("").Rollback(t.Context()); err == nil || !strings.Contains(err.Error(), "in place already") {
		t.Errorf("to itself: %v", err)
	}
	b.must(os.Remove(b.binary + ".old"))
	b.make(b.binary+".old", "version=1.0.0")
	b.must(b.upgrade("").Rollback(t.Context()))
	if b.version(b.binary) != "1.0.0" || b.version(b.binary+".old") != "1.1.0" {
		t.Errorf("in place %s, old %s", b.version(b.binary), b.version(b.binary+".old"))
	}
}

func TestOneUpgradeAtATime(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	other, err := hold(b.binary)
	b.must(err)
	b.refuses(b.upgrade(b.file("version=1.2.0")), "another upgrade is under way")
	other.release()
}

func TestLinkIsNotReplaced(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	link := filepath.Join(b.dir, "link")
	b.must(os.Symlink(b.binary, link))
	u := b.upgrade(b.file("version=1.2.0"))
	u.Binary = link
	b.refuses(u, "is a link to")
}
