//go:build faults

package faults

import (
	"database/sql"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// exitInUse is main's exit code for a database that another process has.
const exitInUse = 75

// TestSecondProcess starts a second process on one data folder.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	first := serve(t, data)
	l.signUp(first)
	second := start(t, stock, data)
	if code := second.exit(10 * time.Second); code != exitInUse {
		t.Errorf("the second process ended with %d, want %d", code, exitInUse)
	}
	second.says(dbFile(data)+" is in use by", fmt.Sprintf("process %d", first.cmd.Process.Pid), "stop it first")
	l.signUp(first)
	first.becomesReady()
	first.stop()
	if n := len(l.acknowledged()); n != 2 {
		t.Errorf("%d of 2 sign-ups acknowledged", n)
	}
	sound(t, snapshot(t, data), l)
	inStep(t, data)
}

// foreign takes the write lock the way a sqlite3 shell or another app would.
func foreign(t *testing.T, data string) *sql.Tx {
	t.Helper()
	tx, err := openSQLite(t, dbFile(data), "?_txlock=immediate&_pragma=busy_timeout(5000)").Begin()
	must(t, err)
	return tx
}

// signUpsAtOnce begins n sign-ups and returns at once; the channel is closed
// when all have been answered.
func signUpsAtOnce(c *child, l *ledger, n int) <-chan struct{} {
	done, answered := make(chan struct{}), make(chan struct{}, n)
	for range n {
		go func() { l.signUp(c); answered <- struct{}{} }()
	}
	go func() {
		defer close(done)
		for range n {
			<-answered
		}
	}()
	return done
}

// TestForeignLock lets another process hold the write lock for 8 s, which is
// less than a write waits: everything written meanwhile is late and succeeds.
func TestForeignLock(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	l.signUp(c)
	c.delivered(l.acknowledged())
	lock := foreign(t, data)
	over := time.After(8 * time.Second)
	done := signUpsAtOnce(c, l, 4)
	eventually(t, 6*time.Second, "readiness tells of the lock", func() bool {
		status, word := c.ready()
		return status == http.StatusServiceUnavailable && word == "locked"
	})
	if s := c.metric("seaworthy_store_lock_wait_seconds"); s < 2 || s > 8 {
		t.Errorf("seaworthy_store_lock_wait_seconds is %g, want 2 to 8", s)
	}
	c.knows(l.acknowledged()[0])
	select {
	case <-done:
		t.Error("the sign-ups were answered while the lock was held")
	case <-over:
	}
	must(t, lock.Rollback())
	<-done
	if n := len(l.acknowledged()); n != 5 {
		t.Errorf("%d of 5 sign-ups acknowledged; refused: %v; without an answer: %v", n, l.refusals(), l.failures())
	}
	c.becomesReady()
	if s := c.metric("seaworthy_store_lock_wait_seconds"); s != 0 {
		t.Errorf("seaworthy_store_lock_wait_seconds is %g after the lock was released", s)
	}
	c.stop()
	sound(t, snapshot(t, data), l)
	inStep(t, data)
}

// TestForeignLockTooLong holds it for longer than a write waits: writes are
// refused in words, reads go on, and nothing is half-written.
func TestForeignLockTooLong(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	l.signUp(c)
	c.delivered(l.acknowledged())
	lock, began := foreign(t, data), time.Now()
	done := signUpsAtOnce(c, l, 4)
	select {
	case <-done:
	case <-time.After(25 * time.Second):
		t.Fatal("sign-ups are not answered while the lock is held")
	}
	if took := time.Since(began); took < 10*time.Second {
		t.Errorf("the sign-ups were refused after %s, before the busy wait was over", took)
	}
	for _, r := range l.refusals() {
		if r.status != http.StatusServiceUnavailable || r.code() != "busy" || r.header.Get("Retry-After") == "" {
			t.Errorf("refused with %s, Retry-After %q", r.answer, r.header.Get("Retry-After"))
		}
	}
	if n := len(l.refusals()); n != 4 {
		t.Errorf("%d of 4 sign-ups were refused; without an answer: %v", n, l.failures())
	}
	c.knows(l.acknowledged()[0])
	if status, word := c.ready(); status != http.StatusServiceUnavailable {
		t.Errorf("readiness is %d (%s) while nothing can be written", status, word)
	}
	must(t, lock.Rollback())
	c.becomesReady()
	l.signUp(c)
	c.delivered(l.acknowledged())
	c.stop()
	if n := len(l.acknowledged()); n != 2 {
		t.Errorf("%d of 2 sign-ups acknowledged", n)
	}
	db := snapshot(t, data)
	sound(t, db, l)
	absent(t, db, l)
	inStep(t, data)
}
