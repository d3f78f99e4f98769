//go:build faults

package faults

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// fatalLine is what the store logs when it gives the file up.
const fatalLine = "the database can no longer be written safely"

// TestFsyncFails lets every fsync fail: nothing is acknowledged, and the process
// ends by itself, because what the kernel's cache holds after a failed fsync is
// unknown (spec/storage.md section 3).
func TestFsyncFails(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	for range 3 {
		l.signUp(c)
	}
	c.delivered(l.acknowledged())
	f := inject(t, c, "fsync,fdatasync:error=EIO")
	p, a, err := c.signUp(l.address())
	if p.user != "" {
		t.Error("a sign-up was acknowledged that never reached the disk")
	}
	if err == nil && (a.status != http.StatusServiceUnavailable || a.code() == "") {
		t.Errorf("answered with %s", a)
	}
	f.end()
	restarts(t, c, data, l)
}

// TestFsyncFailsOnce lets one fsync of each thread fail while people sign up.
// Those after it would succeed, and must not be asked.
func TestFsyncFailsOnce(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := serve(t, data)
	people := rush(c, l)
	l.reaches(t, *clients)
	f := inject(t, c, "fsync,fdatasync:error=EIO:when=1")
	c.exit(30 * time.Second)
	people.wait()
	f.end()
	for _, r := range l.refusals() {
		if r.status != http.StatusServiceUnavailable || r.code() == "" {
			t.Errorf("refused with %s", r.answer)
		}
	}
	restarts(t, c, data, l)

	lines := c.lines(fatalLine)
	if len(lines) == 0 {
		t.FailNow() // restarts has said why
	}
	var line struct{ Time time.Time }
	must(t, json.Unmarshal([]byte(lines[0]), &line))
	for _, p := range l.acknowledged() {
		late := texts(t, snapshot(t, data), `SELECT id FROM auth_user WHERE id = ? AND created_at > ?`, p.user, line.Time.UnixMilli())
		if len(late) > 0 {
			t.Errorf("the sign-up of %s was written after a failed fsync and acknowledged", p.email)
		}
	}
}

// restarts wants the process to give up by itself, and the next to find all.
func restarts(t *testing.T, c *child, data string, l *ledger) {
	t.Helper()
	if code := c.exit(30 * time.Second); code == 0 {
		t.Error("exit code 0 after a failed fsync")
	}
	c.says(fatalLine, "the process must be restarted")
	// What a failed fsync left in the log may be in the kernel's cache alone. Were
	// it replayed, commits would be appended to it that the next power cut takes.
	db := snapshot(t, data)
	sound(t, db, l)
	absent(t, db, l)
	finish(t, data, l)
}
