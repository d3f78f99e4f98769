//go:build linux

package outbox

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFileComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	r.is(NoFile, "")
	a := openApp(t, r.path, "wal")
	a.exec(`CREATE TABLE business (x)`)
	r.is(NoTable, "")
	a.exec(DDL)
	r.is(Watching, "")
	a.add("one")
	r.wants("one")
}

func TestFolderComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	folder := filepath.Join(t.TempDir(), "not", "yet")
	r.path = filepath.Join(folder, "app.db")
	r.w.Path = r.path
	r.start()
	r.is(NoFile, "")
	must(t, os.MkdirAll(folder, 0o755))
	r.newApp().add("one")
	r.wants("one")
}

// A file put in place of another, as a restore does, is opened anew, and what we
// had open of the old one does not harm it: SQLite removes a log by its name.
func TestFileIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.newApp()
	r.start()
	old.add("old")
	r.wants("old")
	old.empties()

	aside := filepath.Join(t.TempDir(), "new.db")
	fresh := openApp(t, aside, "wal")
	fresh.exec(DDL)
	fresh.add("carried")
	must(t, fresh.pool.Close())
	old.pool.Close()
	for _, end := range []string{"-wal", "-shm"} {
		os.Remove(r.path + end)
	}
	must(t, os.Rename(aside, r.path))
	a := openApp(t, r.path, "wal") // before we may have noticed
	a.add("fresh")
	r.wants("old carried fresh")
	a.empties()
	a.add("later")
	r.wants("old carried fresh later")
	a.empties()
	if s := a.text(`PRAGMA integrity_check`); s != "ok" {
		t.Error(s)
	}
	must(t, a.pool.Close())
	r.stop()
	if a := openApp(t, r.path, "wal"); a.rows() != "" || a.text(`PRAGMA integrity_check`) != "ok" {
		t.Error("the new file was harmed by the old one's end")
	}
}

func TestFileIsDeleted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	a.add("one")
	r.wants("one")
	must(t, a.pool.Close())
	for _, end := range []string{"", "-wal", "-shm"} {
		os.Remove(r.path + end)
	}
	r.is(NoFile, "")
	if _, err := os.Stat(r.path); err == nil {
		t.Error("the file was made by us")
	}
	r.newApp().add("two")
	r.wants("one two")
}

func TestFileIsCorrupt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	junk := strings.Repeat("this is no database. ", 1000)
	must(t, os.WriteFile(r.path, []byte(junk), 0o600))
	r.start()
	r.is(Failed, "no sound SQLite database")
	if left, err := os.ReadFile(r.path); err != nil || string(left) != junk {
		t.Error("the file was changed")
	}
	must(t, os.Remove(r.path))
	r.newApp().add("one")
	r.wants("one")
	r.is(Watching, "")
}

// A page in the middle is bad: what can be read is relayed or not, but the
// process lives and says what is wrong.
func TestPageIsCorrupt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := openApp(t, r.path, "delete")
	a.exec(DDL)
	a.exec(`WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 500)
		INSERT INTO seaworthy_outbox (id, kind, args) SELECT printf('%05d', i), 'test.do', '{"text": "some text to fill pages with"}' FROM c`)
	must(t, a.pool.Close())
	f, err := os.OpenFile(r.path, os.O_RDWR, 0)
	must(t, err)
	for page := int64(3); page < 8; page++ {
		_, err = f.WriteAt([]byte(strings.Repeat("\xee", 4096)), page*4096)
		must(t, err)
	}
	must(t, f.Close())
	r.start()
	r.is(Failed, "no sound SQLite database")
}

// What cannot be removed is not relayed: its job's record would be gone one day,
// and the row still there.
func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := openApp(t, r.path, "delete")
	a.exec(DDL)
	a.add("one")
	must(t, os.Chmod(r.path, 0o444))
	for dir := filepath.Dir(r.path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if os.Getuid() == 0 {
			if runtime.GOOS != "linux" {
				t.Log("SKIPPED: root may write everything here")
				return
			}
			// For this thread alone, which ends with the goroutine. Nobody but root
			// may do that, and nobody but root needs it.
			runtime.LockOSThread()
			if _, err := unix.SetfsuidRetUid(65534); err != nil {
				t.Error(err)
				return
			}
		}
		err := r.w.session(t.Context())
		state, problem := explain(err)
		if state != Failed || !strings.Contains(problem, "cannot be written") {
			t.Errorf("%v: %s, %s", err, state, problem)
		}
	}()
	<-done
	if r.jobs() != "" || a.text(`PRAGMA user_version`) != "0" {
		t.Errorf("jobs %s, version %s", r.jobs(), a.text(`PRAGMA user_version`))
	}
}

// Whether we may write is tried out without a trace.
func TestTrialLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"wal", "delete"} {
		r := newRig(t)
		a := openApp(t, r.path, mode)
		a.exec(`PRAGMA user_version = 42`)
		before := a.text(`PRAGMA data_version`)
		f, err := openFile(r.path, r.db.Path())
		must(t, err)
		f.close()
		if a.text(`PRAGMA user_version`) != "42" || a.text(`PRAGMA data_version`) != before || a.text(`PRAGMA journal_mode`) != mode {
			t.Errorf("%s: the file was changed", mode)
		}
	}
}

func TestPollsWithoutEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.w.poll = true
	r.start()
	r.is(Watching, "")
	a.add("one")
	r.wants("one")
	if !r.status().Polling {
		t.Error("it is not said that the file is polled")
	}
}
