//go:build faults

package faults

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestStart reports how long a start takes and how much memory an idle process
// has. The bars are DESIGN section 9's and belong to benchmarks; the bounds here
// only catch what is broken.
func TestStart(t *testing.T) {
	data := newData(t)
	for _, what := range []string{"an empty folder", "a folder of its own"} {
		c := serve(t, data)
		took := time.Since(c.began)
		c.becomesReady()
		rss := c.rss()
		t.Logf("start in %s: ready after %s, %.1f MB resident", what, took.Round(time.Millisecond), rss)
		if took > 5*time.Second {
			t.Errorf("a start in %s took %s", what, took)
		}
		if rss > 200 {
			t.Errorf("an idle process has %.0f MB", rss)
		}
		c.stop()
	}
}

// rss is the resident memory in MB.
func (c *child) rss() float64 {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	must(c.t, err)
	for line := range strings.Lines(string(text)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			return kb / 1000
		}
	}
	c.t.Fatal("no VmRSS")
	return 0
}
