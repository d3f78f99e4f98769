//go:build faults

package faults

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskFull fills the disk, and makes room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk, l := newTmpfs(t), &ledger{}
	data := filepath.Join(disk.dir, "data")
	c := serve(t, data)
	for range 3 {
		l.signUp(c)
	}
	c.delivered(l.acknowledged())
	unwritable(t, c, l, disk.fill, func(r refusal) bool {
		return r.status == http.StatusInsufficientStorage && r.code() == "storage_full" || r.status == http.StatusServiceUnavailable && r.code() == "busy"
	})
	full := 0
	for _, r := range l.refusals() {
		if r.status == http.StatusInsufficientStorage {
			full++
		}
	}
	if full == 0 {
		t.Error("no refusal says that the disk is full")
	}
	disk.free()
	writable(t, c, data, l)
}

// TestTempFull fills the folder for temporary files alone: no write needs it.
func TestTempFull(t *testing.T) {
	t.Parallel()
	disk, data, l := newTmpfs(t), newData(t), &ledger{}
	disk.fill()
	c := start(t, stock, data, "SQLITE_TMPDIR="+disk.dir, "TMPDIR="+disk.dir)
	c.answers()
	<-signUpsAtOnce(c, l, *clients)
	for _, r := range l.refusals() {
		t.Errorf("refused with %s", r.answer)
	}
	c.delivered(l.acknowledged())
	c.stop()
	db := snapshot(t, data)
	sound(t, db, l)
	sent(t, db)
	inStep(t, data)
}

// TestReadOnly makes the file system refuse writes, as the kernel does after it
// found the disk faulty. strace plays it: a file system with open files cannot
// be remounted.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	for range 3 {
		l.signUp(c)
	}
	c.delivered(l.acknowledged())
	f := inject(t, c, "pwrite64,ftruncate:error=EROFS")
	unwritable(t, c, l, func() {}, func(r refusal) bool { return r.status == http.StatusServiceUnavailable && r.code() == "busy" })
	f.end()
	writable(t, c, data, l)
}

// unwritable wants sign-ups refused in words and readiness gone while reads go
// on. again is called before every look, to keep the disk as it should be.
func unwritable(t *testing.T, c *child, l *ledger, again func(), words func(refusal) bool) {
	t.Helper()
	eventually(t, 30*time.Second, "a sign-up is refused", func() bool { again(); l.signUp(c); return len(l.refusals()) > 0 })
	eventually(t, 10*time.Second, "readiness is lost", func() bool {
		again()
		status, word := c.ready()
		return status == http.StatusServiceUnavailable && word == "not writable"
	})
	again()
	<-signUpsAtOnce(c, l, *clients)
	for _, r := range l.refusals() {
		if !words(r) || r.header.Get("Retry-After") == "" {
			t.Errorf("refused with %s, Retry-After %q", r.answer, r.header.Get("Retry-After"))
		}
	}
	if n := len(l.refusals()); n < 1+*clients {
		t.Errorf("%d refusals, want at least %d", n, 1+*clients)
	}
	if errs := l.failures(); len(errs) > 0 {
		t.Errorf("%d requests got no answer: %v", len(errs), errs[0])
	}
	for _, p := range l.acknowledged() {
		c.knows(p)
	}
	if a := c.get("/-/healthz", ""); a.status != http.StatusOK {
		t.Errorf("/-/healthz: %s", a)
	}
}

// writable wants it all to work again, without a restart, and nothing left of
// what was refused.
func writable(t *testing.T, c *child, data string, l *ledger) {
	t.Helper()
	c.becomesReady()
	before := len(l.acknowledged())
	<-signUpsAtOnce(c, l, 4)
	if n := len(l.acknowledged()) - before; n != 4 {
		t.Errorf("%d of 4 sign-ups acknowledged when there was room again", n)
	}
	c.delivered(l.acknowledged())
	c.stop()
	db := snapshot(t, data)
	sound(t, db, l)
	absent(t, db, l)
	sent(t, db)
	inStep(t, data)
}
