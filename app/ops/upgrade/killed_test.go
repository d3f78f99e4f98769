package upgrade

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"seaworthy/app/handover"
)

// TestKilledBetweenSteps kills the upgrade before each of its steps: there is always a whole
// binary in place, the one before or the new one, and another upgrade works.
func TestKilledBetweenSteps(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{
		StepCopy: "1.1.0", StepVerify: "1.1.0", StepSelfTest: "1.1.0", StepRehearse: "1.1.0", StepKeep: "1.1.0", StepSwap: "1.1.0", StepSync: "1.2.0",
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			was, err := handover.Identify(b.binary)
			b.must(err)
			file := b.file("version=1.2.0")
			b.killed("upgrade", file, step)
			if got := b.version(b.binary); got != want {
				t.Errorf("in place is %q, want %s", got, want)
			}
			if out, err := exec.Command(b.binary, "version").Output(); err != nil || string(out) != "seaworthy "+want+"\n" {
				t.Errorf("%q, %v", out, err)
			}
			if want == "1.2.0" || step == StepSwap {
				// The one before counts as the same file, so that a server knows it again.
				if old, err := handover.Identify(b.binary + ".old"); err != nil || old != was {
					t.Errorf("the old one: %v, %v", old, err)
				}
			}
			b.must(b.upgrade(file).Run(t.Context()))
			left, err := os.ReadDir(filepath.Dir(b.binary))
			b.must(err)
			if len(left) != 2 || b.version(b.binary) != "1.2.0" {
				t.Errorf("left are %v, in place %s", left, b.version(b.binary))
			}
		})
	}
}

// A rollback that is killed after its one step has both files.
func TestKilledRollback(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.make(b.binary+".old", "version=1.0.0")
	b.killed("upgrade", "-", "rollback")
	if b.version(b.binary) != "1.0.0" || b.version(b.binary+".old") != "1.1.0" {
		t.Errorf("in place %s, old %s", b.version(b.binary), b.version(b.binary+".old"))
	}
}

// killed runs a copy of this program until it kills itself.
func (b *bed) killed(what, file, step string) {
	b.t.Helper()
	worker := b.make(filepath.Join(b.dir, "worker"), "version=worker")
	cmd := exec.Command(worker, what, b.binary, file, step)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	err := cmd.Run()
	if e := (*exec.ExitError)(nil); !errors.As(err, &e) || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		b.t.Fatalf("it was not killed: %v", err)
	}
}
