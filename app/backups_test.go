package app_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/ops"
)

// backedUp is an app that is replicated to a folder and makes copies in another, encrypted.
func backedUp(t *testing.T) (a *apptest.App, ada *apptest.Browser, data, copies string, who *age.X25519Identity) {
	t.Helper()
	who, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	copies = filepath.Join(t.TempDir(), "copies")
	a = apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.Replica, data = "", c.Data
		c.Copies, c.CopiesRecipients, c.CopiesDays = copies, who.Recipient().String(), 30
	})
	a.Replicate()
	ada = a.Operator("ada@example.com")
	a.RunJobs() // schedules are planned from now on
	return a, ada, data, copies, who
}

func TestNightlyCopyAndDrill(t *testing.T) {
	t.Parallel()
	a, ada, _, copies, who := backedUp(t)
	a.Clock.Advance(14 * time.Hour) // past 3:47
	a.RunJobs()

	var st struct {
		Replica struct{ Location, Epoch string }
		Copies  []struct {
			OK, Gone           bool
			Fault, Name        string
			Bytes, AuditEvents int64
			Deleted            *time.Time `json:"deleted_at"`
		}
		Drills []struct {
			OK     bool
			Fault  string
			Name   string
			Events int64 `json:"audit_events"`
		}
	}
	ada.Get("/-/api/v1/backups").Want(200).JSON(&st)
	if len(st.Copies) != 1 || !st.Copies[0].OK || st.Copies[0].Bytes == 0 || !strings.HasSuffix(st.Copies[0].Name, ".db.zst.age") {
		t.Fatalf("copies: %+v", st.Copies)
	}
	if len(st.Drills) != 1 || !st.Drills[0].OK || st.Drills[0].Events == 0 || st.Drills[0].Name != st.Replica.Epoch {
		t.Fatalf("drills: %+v", st.Drills)
	}
	ada.Get("/-/admin/backups").Want(200, "Restored", st.Copies[0].Name, "In step", "keys export").Without("Failed")

	// What was stored is no database to whoever finds it, and one to its recipient.
	file := filepath.Join(copies, st.Copies[0].Name)
	raw, err := os.ReadFile(file)
	if err != nil || bytes.Contains(raw, []byte("SQLite format")) || bytes.Contains(raw, []byte("ada@example.com")) {
		t.Fatalf("the copy can be read: %v", err)
	}
	out := filepath.Join(t.TempDir(), "out", "seaworthy.db")
	restore := ops.RestoreCopy{File: file, Out: out}
	if err := restore.Run(t.Context(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("without an identity: %v", err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	restore.Identity = other.String()
	if err := restore.Run(t.Context(), &bytes.Buffer{}); err == nil {
		t.Error("another's identity opens it")
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a failed restore left a file")
	}
	restore.Identity = who.String()
	var said bytes.Buffer
	if err := restore.Run(t.Context(), &said); err != nil || !strings.Contains(said.String(), "events verified") {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if err := restore.Run(t.Context(), &said); err == nil {
		t.Error("a restore replaces what is there")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v", left)
	}
}

// A copy that was cut short or changed on its shelf gets no name.
func TestDamagedCopyIsRefused(t *testing.T) {
	t.Parallel()
	a, _, _, copies, who := backedUp(t)
	a.Clock.Advance(14 * time.Hour)
	a.RunJobs()
	names, err := filepath.Glob(filepath.Join(copies, "*.age"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{"cut": whole[:len(whole)*2/3], "flipped": flipped, "empty": nil, "other": []byte("hello")} {
		dir := t.TempDir()
		file := filepath.Join(dir, name+".age")
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out.db")
		if err := (ops.RestoreCopy{File: file, Out: out, Identity: who.String()}).Run(t.Context(), &bytes.Buffer{}); err == nil {
			t.Errorf("%s: restored", name)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "out*")); len(left) != 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

// Old copies go, the last two never, and nothing else that lies there is touched.
func TestOldCopiesAreDeleted(t *testing.T) {
	t.Parallel()
	a, ada, _, copies, _ := backedUp(t)
	if err := os.MkdirAll(copies, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"holiday.jpg", "seaworthy-20200101T000000Z.db.zst.age.note", "seaworthy-20200101T000000Z.db.zst.age"} {
		if err := os.WriteFile(filepath.Join(copies, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() {
		ada.PostJSON("/-/api/v1/backups/copy", nil).Want(202)
		a.RunJobs()
	}
	ask()
	a.Clock.Advance(time.Second)
	ask()
	left, err := filepath.Glob(filepath.Join(copies, "*"))
	if err != nil || len(left) != 4 {
		t.Errorf("%v", left)
	}
	for _, name := range left {
		if strings.HasSuffix(name, "20200101T000000Z.db.zst.age") {
			t.Errorf("the old copy is still there: %v", left)
		}
	}
}

// A replica that cannot be restored is found out by the drill, not by the disaster.
func TestDrillFindsABrokenReplica(t *testing.T) {
	t.Parallel()
	a, ada, data, copies, _ := backedUp(t)
	a.Must(a.Confirm(context.Background()))
	files, err := filepath.Glob(filepath.Join(data, "replica", "*", "ltx", "*", "*.ltx"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 200 {
			raw[len(raw)/2] ^= 0xff
		}
		if err := os.WriteFile(f, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ada.PostJSON("/-/api/v1/backups/drill", nil).Want(202)
	a.RunJobs()
	ada.Get("/-/admin/backups").Want(200, "Failed", "None has gone well yet")
	if got := a.Query("SELECT fault FROM ops_run WHERE kind = 'drill'"); got == "" {
		t.Error("the drill found nothing")
	}
	ada.Get("/-/admin").Want(200, "the last trial restore failed")
	// What goes wrong with the other hides nothing of that.
	a.Must(os.WriteFile(copies, []byte("a file in the place of the folder"), 0o600))
	ada.PostJSON("/-/api/v1/backups/copy", nil).Want(202)
	a.RunJobs()
	ada.Get("/-/admin").Want(200, "the last trial restore failed", "; the last copy failed")
	if left, _ := filepath.Glob(filepath.Join(data, "backup-scratch-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBackupsNeedPermissionAndConfiguration(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada, bob := a.Operator("ada@example.com"), a.SignUp("bob@example.com")
	bob.Get("/-/api/v1/backups").Want(403)
	bob.PostJSON("/-/api/v1/backups/copy", nil).Want(403)
	ada.PostJSON("/-/api/v1/backups/copy", nil).WantProblem(409, "not_configured")
	ada.PostJSON("/-/api/v1/backups/drill", nil).WantProblem(409, "not_configured")
	ada.PostJSON("/-/api/v1/backups/other", nil).Want(404)
	ada.Post("/-/admin/backups/copy").Want(409, "SEAWORTHY_COPIES")
	ada.Get("/-/admin/backups").Want(200, "Nothing is replicated", "No copies are made")
}

// driveBackups does once what each route of backups is for.
func driveBackups(a *apptest.App) map[string]func() {
	return map[string]func(){
		"POST /-/api/v1/backups/{what}": func() { a.Key("backups:manage").PostJSON("/-/api/v1/backups/copy", nil).Want(202) },
		"POST /-/admin/backups/{what}":  func() { operator(a).Post("/-/admin/backups/copy").Want(200) },
	}
}
