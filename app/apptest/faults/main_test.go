//go:build faults

package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"modernc.org/sqlite"
)

var (
	kills   = flag.Int("kills", 20, "how often the kill loop kills the process")
	clients = flag.Int("clients", 8, "how many people sign up at once")
	seed    = flag.Uint64("seed", 0, "of what is left to chance; drawn and logged if 0")

	stock   string // the seaworthy binary
	poisons string // the one with jobs that kill it; see poison/main.go
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	fmt.Printf("faults: -seed %d -kills %d -clients %d\n", *seed, *kills, *clients)
	// The tests open files that belong to a child; see store.Open for why.
	sqlite.OFDLocking(true)
	dir, err := os.MkdirTemp("", "seaworthy-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	stock, poisons = filepath.Join(dir, "seaworthy"), filepath.Join(dir, "poison")
	for binary, pkg := range map[string]string{stock: "seaworthy", poisons: "seaworthy/app/apptest/faults/poison"} {
		// Never with the race detector, even if the tests have it: the child is the product.
		build := exec.Command("go", "build", "-race=false", "-tags", "faults", "-o", binary, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", pkg, err, out)
			return 1
		}
	}
	return m.Run()
}

// chance is a source of its own for each test, so that one seed replays any of
// them alone.
func chance() *rand.Rand { return rand.New(rand.NewPCG(*seed, 1)) }

// need ends a test whose tool is missing: loudly, and as a failure where nobody
// would read a skip.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("this machine cannot %s: %v", what, err)
	}
	t.Skipf("SKIPPED, NOT PASSED: this machine cannot %s: %v", what, err)
}

// eventually looks until ok or the time is over.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
