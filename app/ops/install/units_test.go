package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// need skips loudly, and fails where nobody would read it.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" && os.Getenv("SEAWORTHY_WITHOUT_SYSTEMD") == "" {
			t.Fatalf("%s is not on this machine", program)
		}
		t.Skipf("SKIPPED, NOT PASSED: %s is not on this machine", program)
	}
}

// systemd itself reads the units, and rates what the process may still do: 10 is all, 0 nothing.
func TestSystemdAcceptsTheUnits(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze")
	b := newBed(t)
	// What is named in them must be there for it.
	b.Binary = "/bin/true"
	b.Source = "/bin/true"
	b.run()
	dir := filepath.Join(b.Root, "etc/systemd/system")
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", filepath.Join(dir, "seaworthy.socket"), filepath.Join(dir, "seaworthy.service")).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, dir) || strings.Contains(line, "seaworthy") && !strings.Contains(line, "not found") {
			t.Errorf("%s", line)
		}
	}
	if err != nil && !strings.Contains(string(out), "not found") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze")
	b := newBed(t)
	b.run()
	unit := filepath.Join(b.Root, "etc/systemd/system/seaworthy.service")
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", unit).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "Overall exposure level") })
	if err != nil || at < 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(lines[at]))
}
