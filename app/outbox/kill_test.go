//go:build linux

package outbox

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seaworthy/store"
)

// TestMain is also the relay as a process of its own, for tests that kill it.
func TestMain(m *testing.M) {
	if folder := os.Getenv("OUTBOX_TEST_RELAY"); folder != "" {
		relayProcess(folder, os.Getenv("OUTBOX_TEST_DIE") != "")
		return
	}
	os.Exit(m.Run())
}

// relayProcess relays folder/app.db until it is killed, which it does itself
// between the first commit and its removal if die is set.
func relayProcess(folder string, die bool) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	db, err := store.Open(filepath.Join(folder, "seaworthy.db"), store.Options{})
	fail(err)
	_, err = store.Migrate(context.Background(), db, store.MigrateOptions{})
	fail(err)
	log, err := auditOf(db, folder)
	fail(err)
	w := newWatch(Deps{DB: db, Audit: log, Enqueue: insert}, File{Name: "app", Path: filepath.Join(folder, "app.db")})
	if die {
		w.relayed = func(int) { syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	}
	fmt.Println("relaying")
	w.run(context.Background())
}

// child is a relay process.
type child struct {
	cmd  *exec.Cmd
	once sync.Once
}

func startRelay(t *testing.T, folder string, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(append(os.Environ(), "OUTBOX_TEST_RELAY="+folder), env...)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	t.Cleanup(c.kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "relaying\n" {
		t.Fatalf("the relay process says %q, %v", line, err)
	}
	return c
}

func (c *child) kill() { c.cmd.Process.Kill(); c.wait() }
func (c *child) wait() { c.once.Do(func() { c.cmd.Wait() }) }

// The process dies after rows became jobs and before they were removed: the next
// one finds them again, and they are no second jobs.
func TestKilledBetweenCommitAndRemoval(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a := openApp(t, filepath.Join(folder, "app.db"), "wal")
	a.exec(DDL)
	a.add("one")
	a.add("two")
	startRelay(t, folder, "OUTBOX_TEST_DIE=1").wait()
	db := openStore(t, filepath.Join(folder, "seaworthy.db"))
	if got := jobs(t, db); strings.Join(got, " ") != "one two" || a.rows() != "one; two" {
		t.Fatalf("the process died elsewhere: jobs %s, rows %s", got, a.rows())
	}
	must(t, db.Close())
	c := startRelay(t, folder)
	a.empties()
	c.kill()
	if got := jobs(t, openStore(t, filepath.Join(folder, "seaworthy.db"))); strings.Join(got, " ") != "one two" {
		t.Errorf("jobs %s", got)
	}
}

// writer is a Python program that commits business rows with outbox rows, some
// rolled back, until its input is closed. It prints what it committed.
const writer = `
import sqlite3, sys, threading, time
db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
n = 0
while not stop.is_set() and n < 1500:
    n += 1
    time.sleep(0.003)
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO business (id) VALUES (?)", (n,))
    db.execute("INSERT INTO seaworthy_outbox (id, kind, args) VALUES (?, 'test.do', '{}')", ("r%06d" % n,))
    if n % 10 == 0:
        db.execute("ROLLBACK")
        continue
    db.execute("COMMIT")
    print("r%06d" % n, flush=True)
`

// TestKilledTwentyTimes kills the relay at any instant while a Python program
// writes: each row that was committed is a job exactly once.
func TestKilledTwentyTimes(t *testing.T) {
	t.Parallel()
	python := find(t, "python3")
	folder := t.TempDir()
	a := openApp(t, filepath.Join(folder, "app.db"), "wal")
	a.exec(DDL)
	a.exec(`CREATE TABLE business (id INTEGER PRIMARY KEY)`)
	script := filepath.Join(folder, "writer.py")
	must(t, os.WriteFile(script, []byte(writer), 0o600))
	cmd := exec.Command(python, script, filepath.Join(folder, "app.db"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var committed []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			committed = append(committed, lines.Text())
		}
	}()
	for range 20 {
		c := startRelay(t, folder)
		<-time.After(time.Duration(20+rand.IntN(130)) * time.Millisecond)
		c.kill()
	}
	in.Close()
	<-read
	must(t, cmd.Wait())
	c := startRelay(t, folder)
	a.empties()
	c.kill()

	got := jobs(t, openStore(t, filepath.Join(folder, "seaworthy.db")))
	slices.Sort(got)
	if !slices.Equal(got, committed) {
		t.Errorf("%d rows were committed, %d are jobs", len(committed), len(got))
	}
	if n := a.text(`SELECT count(*) FROM business`); n != fmt.Sprint(len(committed)) || len(committed) < 100 {
		t.Errorf("%d rows were committed beside %s business rows", len(committed), n)
	}
	t.Logf("%d rows, 20 kills", len(committed))
}

// find finds a program, or skips the test and says so. CI must have it.
func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("CI must have %s", name)
	}
	if err != nil {
		t.Skipf("SKIPPED: there is no %s here, so its part was not tried", name)
	}
	return path
}
