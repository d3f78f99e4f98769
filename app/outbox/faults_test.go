//go:build linux

package outbox

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

func TestShapes(t *testing.T) {
	t.Parallel()
	for ddl, want := range map[string]string{
		`CREATE TABLE seaworthy_outbox (id INTEGER PRIMARY KEY, kind TEXT, args TEXT)`:                   `column id of seaworthy_outbox must be TEXT, not "INTEGER"`,
		`CREATE TABLE seaworthy_outbox (id PRIMARY KEY, kind TEXT, args TEXT)`:                           `column id of seaworthy_outbox must be TEXT, not ""`,
		`CREATE TABLE seaworthy_outbox (id TEXT, kind TEXT, args TEXT)`:                                  `column id of seaworthy_outbox must be the PRIMARY KEY`,
		`CREATE TABLE seaworthy_outbox (id TEXT, kind TEXT, args TEXT, PRIMARY KEY (id, kind))`:          `column id of seaworthy_outbox must be the PRIMARY KEY alone`,
		`CREATE TABLE seaworthy_outbox (id TEXT PRIMARY KEY, args TEXT)`:                                 `column kind of seaworthy_outbox is missing`,
		`CREATE TABLE seaworthy_outbox (id TEXT PRIMARY KEY, kind TEXT, payload TEXT)`:                   `column args of seaworthy_outbox is missing`,
		`CREATE TABLE seaworthy_outbox (id TEXT PRIMARY KEY, kind TEXT, args TEXT, error TEXT NOT NULL)`: `column error of seaworthy_outbox must allow NULL`,
		`CREATE TABLE seaworthy_outbox (id TEXT PRIMARY KEY, kind TEXT, args TEXT) WITHOUT ROWID`:        `must not be WITHOUT ROWID`,
		`CREATE VIEW seaworthy_outbox AS SELECT 1 AS id`:                                                 `is a view and must be a table`,
		`CREATE TABLE SEAWORTHY_OUTBOX (ID VARCHAR(36) PRIMARY KEY, Kind VARCHAR, Args JSON, mine INT)`:  ``,
	} {
		t.Run(ddl, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := openApp(t, r.path, "wal")
			a.exec(ddl)
			r.start()
			if want == "" {
				a.add("one")
				r.wants("one")
				eventually(t, "it is removed", func() bool { return a.text(`SELECT count(*) FROM seaworthy_outbox`) == "0" })
				return
			}
			r.is(Failed, want)
			// Mended by the app, it is relayed without a restart of ours.
			kind := "TABLE"
			if strings.Contains(ddl, "VIEW") {
				kind = "VIEW"
			}
			a.exec(`DROP ` + kind + ` seaworthy_outbox`)
			a.exec(DDL)
			a.add("one")
			r.wants("one")
			r.is(Watching, "")
		})
	}
}

// A column that is added while the file is watched is used from then on.
func TestTableChangesWhileWatched(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := openApp(t, r.path, "wal")
	a.exec(`CREATE TABLE seaworthy_outbox (id TEXT PRIMARY KEY, kind TEXT, args TEXT)`)
	r.start()
	a.exec(`INSERT INTO seaworthy_outbox VALUES ('bad', 'test.do', 'x')`)
	eventually(t, "one bad row", func() bool { return r.status().Bad == 1 })
	a.exec(`ALTER TABLE seaworthy_outbox ADD COLUMN error TEXT`)
	eventually(t, "it is marked", func() bool { return a.rows() == "bad: args is no valid JSON" })
	a.exec(`ALTER TABLE seaworthy_outbox RENAME COLUMN kind TO sort`)
	r.is(Failed, "column kind of seaworthy_outbox is missing")
}

func TestWhatIsNoFileOfTheApps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(r *rig) error
		want string
	}{
		"link": {func(r *rig) error {
			r.newApp()
			link := r.path + ".link"
			err := os.Symlink(r.path, link)
			r.w.Path = link
			return err
		}, "symbolic link"},
		"our own":                    {func(r *rig) error { r.w.Path = r.db.Path(); return nil }, "Seaworthy's own database"},
		"our own under another name": {func(r *rig) error { return os.Link(r.db.Path(), r.path) }, "Seaworthy's own database"},
		"folder":                     {func(r *rig) error { return os.Mkdir(r.path, 0o755) }, "no regular file"},
		"pipe":                       {func(r *rig) error { return syscall.Mkfifo(r.path, 0o644) }, "no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			must(t, c.make(r))
			r.start()
			r.is(Failed, c.want)
		})
	}
}

// A folder may be a link, as releases/current is, and may be turned to another.
func TestFolderIsALink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	top := t.TempDir()
	apps := map[string]*app{}
	for _, name := range []string{"1", "2"} {
		must(t, os.Mkdir(filepath.Join(top, name), 0o755))
		apps[name] = openApp(t, filepath.Join(top, name, "app.db"), "wal")
		apps[name].exec(DDL)
	}
	must(t, os.Symlink("1", filepath.Join(top, "current")))
	r.w.Path = filepath.Join(top, "current", "app.db")
	r.start()
	apps["1"].add("one")
	r.wants("one")
	must(t, os.Symlink("2", filepath.Join(top, "next")))
	must(t, os.Rename(filepath.Join(top, "next"), filepath.Join(top, "current")))
	apps["2"].add("two")
	r.wants("one two")
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
