//go:build faults

package faults

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// release builds the program as a release of that version.
func release(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seaworthy-"+version)
	build := exec.Command("go", "build", "-race=false", "-ldflags", "-w -X main.version="+version, "-o", path, "seaworthy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// upgraded runs the command 'upgrade' of the installed binary.
func upgraded(t *testing.T, binary, data string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"upgrade", "--data", data, "--wait", "60s"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Dir = filepath.Dir(data)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// TestUpgradeFile upgrades a server under load by the command, and goes back: no request
// fails, and it is one process all the time. Then comes a release that migrates: it is
// rehearsed, served, and there is no way back that would lose what was written since.
func TestUpgradeFile(t *testing.T) {
	data, l := newData(t), &ledger{}
	one, two, three := release(t, "1.0.0"), release(t, "1.1.0"), next(t, "1.2.0")
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, one, binary)
	c := start(t, binary, data)
	c.answers()
	load := readers(c)
	kept := &child{t: t, data: data, url: c.url, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * *clients}}}
	people, keepers := rush(c, l), rush(kept, l)
	l.reaches(t, 2**clients)

	want := func(text string, code, wantCode int, serves string, words ...string) {
		t.Helper()
		if code != wantCode {
			t.Fatalf("exit code %d, want %d:\n%s", code, wantCode, text)
		}
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("it does not say %q:\n%s", w, text)
			}
		}
		// The start is noted a moment before it is printed.
		eventually(t, 5*time.Second, serves+" is the last to serve", func() bool { all := c.lines("Seaworthy "); return strings.Contains(all[len(all)-1], serves) })
		l.reaches(t, len(l.acknowledged())+2**clients)
	}
	out, code := upgraded(t, binary, data, two)
	want(out, code, 0, "1.1.0 serves", "release 1.1.0 in place of 1.0.0", "passes its self-test", "there is nothing to migrate", "serves with it, after")
	out, code = upgraded(t, binary, data, one)
	want(out, code, 1, "1.1.0 serves", "older than 1.1.0")
	out, code = upgraded(t, binary, data, "--rollback")
	want(out, code, 0, "1.0.0 serves", "back to 1.0.0", "serves with it, after")
	out, code = upgraded(t, binary, data, three)
	want(out, code, 0, "1.2.0 serves", "was tried on a copy", "serves with it, after")
	out, code = upgraded(t, binary, data, "--rollback")
	want(out, code, 1, "1.2.0 serves", "which 1.0.0 does not know, so nothing was changed", "pre-v")

	load.nobodyFailed(t, l, people, keepers)
	t.Logf("%d sign-ups acknowledged, %d reads, 0 failed; the longest read took %s", len(l.acknowledged()), load.done.Load(), load.longest())
	c.stop()
	sound(t, snapshot(t, data), l)
}

// TestUpgradeFileThatCannotStart installs a release that migrates and then fails or crashes:
// the command says so, and the one before goes on with the database as it was.
func TestUpgradeFileThatCannotStart(t *testing.T) {
	one, newer := release(t, "1.0.0"), next(t, "1.1.0")
	data, l := newData(t), &ledger{}
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, one, binary)
	c := start(t, binary, data, "NEXT=fail")
	c.answers()
	l.signUp(c)
	eventually(t, 15*time.Second, "it has served", func() bool { return len(c.lines("Seaworthy 1.0.0 serves")) == 1 })
	out, code := upgraded(t, binary, data, newer)
	if code != 1 || !strings.Contains(out, "the next release does not like it here") || !strings.Contains(out, "The old one goes on") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	eventually(t, 30*time.Second, "the old binary goes on", func() bool { return len(c.lines("Seaworthy 1.0.0 serves")) == 2 })
	l.signUp(c)
	doctor := exec.Command(binary, "doctor", "--offline", "--data", data)
	doctor.Env = []string{"PATH=" + os.Getenv("PATH")}
	if text, _ := doctor.CombinedOutput(); !strings.Contains(string(text), "could not start, and the old one goes on: ") || !strings.Contains(string(text), "the next release does not like it here") {
		t.Errorf("doctor does not say so:\n%s", text)
	}
	// The old one gets its place back, which changes nothing for the server.
	out, code = upgraded(t, binary, data, "--rollback", "--binary", binary)
	if code != 0 || !strings.Contains(out, "runs it already") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	for _, p := range l.acknowledged() {
		c.knows(p)
	}
	c.stop()
	sound(t, snapshot(t, data), l)
}
