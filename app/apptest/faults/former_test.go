//go:build faults

package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// next builds a newer release: it has one more migration, and before it begins to serve it
// does what the variable NEXT says: fail, crash, or nothing.
func next(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	must(t, err)
	steps, err := filepath.Glob(filepath.Join(root, "store/migrations/*.sql"))
	must(t, err)
	newer := fmt.Sprintf("%04d_store_next.sql", len(steps)+1)
	sql := filepath.Join(dir, "next.sql")
	must(t, os.WriteFile(sql, []byte("CREATE TABLE store_next (id TEXT NOT NULL PRIMARY KEY) STRICT;\n"), 0o600))
	run, err := os.ReadFile(filepath.Join(root, "app/run.go"))
	must(t, err)
	where := "	if err := a.StartReplica(ctx); err != nil {"
	changed := strings.Replace(string(run), where, `	switch os.Getenv("NEXT") {
	case "fail":
		return "", errors.New("the next release does not like it here")
	case "crash":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
`+where, 1)
	changed = strings.Replace(changed, `	"net/http"`, "	\"net/http\"\n	\"os\"\n	\"syscall\"", 1)
	if changed == string(run) || !strings.Contains(changed, "NEXT") {
		t.Fatal("app/run.go is not as this test knows it")
	}
	file := filepath.Join(dir, "run.go")
	must(t, os.WriteFile(file, []byte(changed), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "app/run.go"):              file,
		filepath.Join(root, "store/migrations", newer): sql,
	}})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	binary := filepath.Join(dir, "next")
	build := exec.Command("go", "build", "-race=false", "-overlay", filepath.Join(dir, "overlay.json"), "-ldflags", "-X main.version="+version, "-o", binary, "seaworthy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// TestReturnToTheOldBinary replaces the binary by one that migrates the database and then
// cannot start: by an error, and by a crash after which somebody starts it again. Each
// time the old one goes on, with the database from before and everything in it.
func TestReturnToTheOldBinary(t *testing.T) {
	newer := next(t, "next")
	for _, how := range []string{"fail", "crash"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			data, l := newData(t), &ledger{}
			binary := filepath.Join(t.TempDir(), "seaworthy")
			place(t, stock, binary)
			c := start(t, binary, data, "NEXT="+how)
			c.answers()
			for range 3 {
				l.signUp(c)
			}
			c.delivered(l.acknowledged())
			had := texts(t, openSQLite(t, dbFile(data), "?mode=ro"), "PRAGMA user_version")[0]
			place(t, newer, binary)
			must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
			if how == "crash" {
				c.exit(30 * time.Second)
				if now := texts(t, snapshot(t, data), "PRAGMA user_version")[0]; now == had {
					t.Fatal("the new binary did not migrate before it crashed, so this test shows nothing")
				}
				c = start(t, binary, data, "NEXT="+how)
				c.answers()
			}
			eventually(t, 30*time.Second, "the old binary goes on", func() bool { return len(c.lines("Seaworthy dev serves")) > map[string]int{"fail": 1}[how] })
			c.says("the new binary "+binary+" could not start", "the old one, "+binary+".old, goes on", "the migrated one is kept as", "nothing is lost", "touch "+binary)
			for _, p := range l.acknowledged() {
				c.knows(p)
			}
			l.signUp(c)
			c.stop()
			if now := texts(t, snapshot(t, data), "PRAGMA user_version")[0]; now != had {
				t.Errorf("the schema is %s, and was %s", now, had)
			}
			sound(t, snapshot(t, data), l)
			inStep(t, data)

			// The next start does not try again, until somebody says so.
			c = start(t, binary, data, "NEXT=")
			c.answers()
			eventually(t, 15*time.Second, "the old binary says that it serves", func() bool { return len(c.lines("Seaworthy dev serves")) == 1 })
			c.says("could not start before")
			now := time.Now()
			must(t, os.Chtimes(binary, now, now))
			must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
			eventually(t, 30*time.Second, "the new binary serves once it can", func() bool { return len(c.lines("Seaworthy next serves")) == 1 })
			for _, p := range l.acknowledged() {
				c.knows(p)
			}
			c.stop()
			sound(t, snapshot(t, data), l)
		})
	}
}

// TestProvenBinaryIsNotGivenUp kills a binary that has served before while it starts: the
// old one beside it stays where it is.
func TestProvenBinaryIsNotGivenUp(t *testing.T) {
	t.Parallel()
	data := newData(t)
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	place(t, stock, binary+".old")
	c := start(t, binary, data)
	eventually(t, 15*time.Second, "it has served", func() bool { return len(c.lines("Seaworthy dev serves")) == 1 })
	c.kill()
	c = start(t, binary, data)
	c.kill()
	c = start(t, binary, data)
	c.answers()
	if n := len(c.lines("old")); n != 0 {
		t.Errorf("the old binary was spoken of: %q", c.lines("old"))
	}
	c.stop()
}
