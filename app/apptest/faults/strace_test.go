//go:build faults

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fault makes system calls of a child fail while it is attached: strace does
// that to any process, a static Go binary too.
type fault struct {
	t    *testing.T
	cmd  *exec.Cmd
	said bytes.Buffer
	gone chan struct{}
	over bool
}

// inject attaches to a child and lets the calls fail as strace's option says,
// "fsync,fdatasync:error=EIO", until end.
func inject(t *testing.T, c *child, calls string) *fault {
	t.Helper()
	tool, err := exec.LookPath("strace")
	need(t, "inject faults (Debian package strace)", err)
	f := &fault{t: t, gone: make(chan struct{})}
	pid := fmt.Sprint(c.cmd.Process.Pid)
	f.cmd = exec.Command(tool, "-f", "-p", pid, "-o", filepath.Join(t.TempDir(), "strace"), "-e", "inject="+calls)
	f.cmd.Stderr = &f.said
	must(t, f.cmd.Start())
	go func() {
		f.cmd.Wait()
		close(f.gone)
	}()
	t.Cleanup(f.end)
	eventually(t, 10*time.Second, "strace is attached to every thread", func() bool {
		select {
		case <-f.gone:
			need(t, "attach strace to a process (ptrace)", fmt.Errorf("%s", f.said.String()))
		default:
		}
		return traced(pid)
	})
	return f
}

// traced reports whether each thread of a process has a tracer.
func traced(pid string) bool {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/status")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(text), "TracerPid:\t0\n") {
			return false
		}
	}
	return true
}

// end detaches; the child's system calls work again.
func (f *fault) end() {
	if f.over {
		return
	}
	f.over = true
	f.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-f.gone:
	case <-time.After(10 * time.Second):
		f.cmd.Process.Kill()
		f.t.Errorf("strace does not end")
	}
}
