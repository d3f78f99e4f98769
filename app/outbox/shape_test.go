//go:build linux

package outbox

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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
