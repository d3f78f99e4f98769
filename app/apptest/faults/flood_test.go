//go:build faults

package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodBar is by how much a flood of sign-ins may make the server grow, with the
// process that hashes for it (spec/auth.md section 6). A thousand hashes at once
// would take 19 GB.
const floodBar = 64 << 20

// TestLoginFlood has a thousand people give a wrong password at once, again and
// again, while one who is signed in goes on working: whoever is too many is sent
// away with a 503, the memory stays bounded, and the work of others goes on.
func TestLoginFlood(t *testing.T) {
	data, l := newData(t), &ledger{}
	c := serve(t, data) // without the limits, which would keep most of it out
	l.signUp(c)
	cookie := l.acknowledged()[0].cookie
	c.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1100}}

	work := func(stop <-chan struct{}) (all []time.Duration) {
		for {
			select {
			case <-stop:
				slices.Sort(all)
				return all
			default:
			}
			began := time.Now()
			a, err := c.do("GET", "/-/api/v1/me", cookie, "")
			if err != nil || a.status != http.StatusOK {
				t.Errorf("a signed-in read: %v, %v", a, err)
				return []time.Duration{0}
			}
			all = append(all, time.Since(began))
		}
	}
	quiet := work(closeAfter(2 * time.Second))
	before := c.resident()

	var refused, shed, other atomic.Int64
	stop := make(chan struct{})
	flooded := make(chan []time.Duration, 1)
	go func() { flooded <- work(stop) }()
	for wave := range 3 {
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				a, err := c.do("POST", "/-/api/v1/login", "", fmt.Sprintf(`{"email":"nobody%d-%d@example.com","password":"a password that is wrong"}`, wave, i))
				switch {
				case err == nil && a.status == http.StatusUnauthorized:
					refused.Add(1)
				case err == nil && a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
					shed.Add(1)
				default:
					other.Add(1)
					t.Errorf("an answer to the flood: %v, %v", a, err)
				}
			})
		}
		all.Wait()
	}
	close(stop)
	during := <-flooded
	if refused.Load() == 0 || shed.Load() == 0 {
		t.Errorf("%d were refused and %d sent away: want some of both", refused.Load(), shed.Load())
	}
	hashing := c.hashing()
	grown := c.peak() - before + hashing
	if grown > floodBar {
		t.Errorf("the process grew by %d MB, and may by %d", grown>>20, floodBar>>20)
	}
	if len(during) < 10 {
		t.Errorf("only %d signed-in reads were answered meanwhile", len(during))
	}
	t.Logf("%d refused, %d sent away; %d MB before, grew by %d MB, %d of them to hash; a signed-in read took p50 %s, p99 %s before and p50 %s, p99 %s meanwhile",
		refused.Load(), shed.Load(), before>>20, grown>>20, hashing>>20, at(quiet, 50), at(quiet, 99), at(during, 50), at(during, 99))
}

// at is a percentile of sorted durations.
func at(all []time.Duration, percent int) time.Duration { return all[len(all)*percent/100] }

func closeAfter(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

// resident and peak are how much memory the process holds, and held at most, in bytes.
func (c *child) resident() int64 { return c.memory("VmRSS:") }
func (c *child) peak() int64     { return c.memory("VmHWM:") }

// hashing is the memory that the process which hashes passwords has for itself, in
// bytes: the program's own pages are the server's too.
func (c *child) hashing() int64 {
	c.t.Helper()
	var children []byte
	for _, other := range mustGlob(c.t, fmt.Sprintf("/proc/%d/task/*/children", c.cmd.Process.Pid)) {
		text, _ := os.ReadFile(other)
		children = append(children, text...)
	}
	child := strings.Fields(string(children))
	if len(child) == 0 {
		c.t.Fatal("no process hashes passwords")
	}
	rollup := "/proc/" + child[0] + "/smaps_rollup"
	return c.figure(rollup, "Private_Clean:") + c.figure(rollup, "Private_Dirty:")
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	must(t, err)
	return all
}

func (c *child) memory(field string) int64 {
	c.t.Helper()
	return c.figure(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid), field)
}

// figure is a number of kB in a file of the kernel's, in bytes.
func (c *child) figure(file, field string) int64 {
	c.t.Helper()
	status, err := os.ReadFile(file)
	must(c.t, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			must(c.t, err)
			return kib << 10
		}
	}
	c.t.Fatalf("the kernel does not say %s", field)
	return 0
}
