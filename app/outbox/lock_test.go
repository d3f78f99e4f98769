//go:build linux

package outbox

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An app that holds the write lock for eight seconds, with rows waiting, costs a
// few attempts a second, and the rows follow when it lets go.
func TestLockHeldForLong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: takes eight seconds")
	}
	r := newRig(t)
	a := r.newApp()
	var looks atomic.Int64
	r.w.looked = func() { looks.Add(1) }
	r.start()
	r.is(Watching, "")
	a.add("before")
	r.wants("before")
	a.empties()
	tx, err := a.pool.Begin() // BEGIN IMMEDIATE
	must(t, err)
	_, err = tx.Exec(`INSERT INTO seaworthy_outbox (id, kind) VALUES ('within', 'test.do')`)
	must(t, err)
	before, over := looks.Load(), time.After(8*time.Second)
	<-over
	if n := looks.Load() - before; n > 8*50 {
		t.Errorf("the file was looked at %d times in 8 s", n)
	}
	if r.jobs() != "before" {
		t.Errorf("jobs %q before the commit", r.jobs())
	}
	must(t, tx.Commit())
	r.wants("before within")
	a.empties()
}

// The write lock is taken between a row becoming a job and its removal.
func TestLockedBeforeRemoval(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	other := openApp(t, r.path, "wal")
	held, release := make(chan struct{}), make(chan struct{})
	taken := false
	r.w.relayed = func(n int) {
		if n == 0 || taken {
			return
		}
		taken = true
		tx, err := other.pool.Begin()
		if err != nil {
			t.Error(err)
			return
		}
		close(held)
		go func() { <-release; tx.Rollback() }()
	}
	a.add("one")
	r.start()
	<-held
	r.is(Locked, "another process has locked the file")
	if r.jobs() != "one" || a.rows() != "one" {
		t.Errorf("jobs %s, rows %s", r.jobs(), a.rows())
	}
	close(release)
	a.empties()
	r.is(Watching, "")
	if r.jobs() != "one" {
		t.Errorf("jobs %s", r.jobs())
	}
}

// Locked against readers too, as a rollback journal's commit or VACUUM does.
func TestExclusiveLock(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := openApp(t, r.path, "delete")
	a.exec(DDL)
	r.start()
	r.is(Watching, "")
	a.exec(`PRAGMA locking_mode = EXCLUSIVE`)
	a.add("one")
	r.is(Locked, "")
	a.exec(`PRAGMA locking_mode = NORMAL`)
	a.text(`SELECT count(*) FROM seaworthy_outbox`) // the lock goes with the next access
	r.wants("one")
	a.empties()
}

func TestRollbackJournal(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "truncate", "persist"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := openApp(t, r.path, mode)
			a.exec(DDL)
			r.start()
			r.is(Watching, "")
			for _, id := range []string{"a", "b", "c"} {
				a.add(id)
			}
			r.wants("a b c")
			a.empties()
			r.stop()
			if _, err := os.Stat(r.path + "-wal"); err == nil {
				t.Error("the journal mode was changed")
			}
		})
	}
}

// An app that commits without pause is not starved, and nothing of it is lost.
func TestBusyApp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	var want []string
	var worst time.Duration
	for i := range 300 {
		id := string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + string(rune('a'+i/676))
		want = append(want, id)
		began := time.Now()
		a.add(id)
		worst = max(worst, time.Since(began))
	}
	r.wants(strings.Join(want, " "))
	a.empties()
	t.Logf("the app's slowest commit took %s", worst)
}
